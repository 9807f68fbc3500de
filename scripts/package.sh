#!/usr/bin/env bash
# `make package [PG=18]`: builds the release and writes dist/pg_auditlog-<version>-pg<major>.tar.gz: library, command line tool, control file and
# SQL scripts at the paths of Debian's and of the official container image's PostgreSQL. The Dockerfile does the same.
#
#   tar -C / -xzf dist/pg_auditlog-0.1.0-pg15.tar.gz
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

bash scripts/setup.sh
bash scripts/build.sh release

name=pg_auditlog-$EXT_VERSION-pg$PG_MAJOR
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
install -D -m 755 "$("$PG_CONFIG" --pkglibdir)/pg_auditlog.so" "$tree/usr/lib/postgresql/$PG_MAJOR/lib/pg_auditlog.so"
for file in "$("$PG_CONFIG" --sharedir)"/extension/pg_auditlog*; do
    install -D -m 644 "$file" "$tree/usr/share/postgresql/$PG_MAJOR/extension/$(basename "$file")"
done
cargo build "${CARGO_LOCKED[@]}" -q --release -p auditlog-cli || die "the build of auditlog failed"
install -D -m 755 "$CARGO_TARGET_DIR/release/auditlog" "$tree/usr/bin/auditlog"
install -D -m 644 LICENSE "$tree/usr/share/doc/pg_auditlog/LICENSE"

# Names sorted, owner and time fixed: the same build gives the same archive.
mkdir -p dist
echo '*' >dist/.gitignore
tar -C "$tree" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -c usr | gzip -n >"dist/$name.tar.gz"
note "dist/$name.tar.gz ($(stat -c %s "dist/$name.tar.gz") bytes)"
tar -tzf "dist/$name.tar.gz" | sed '/\/$/d; s/^/     \//'
