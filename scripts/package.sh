#!/usr/bin/env bash
# `make package [PG=18]`: builds the release and writes dist/pg_auditlog-<version>-pg<major>.tar.gz: library, command line tool, control file and
# SQL scripts at the paths of Debian's and of the official container image's PostgreSQL, and dist/auditlog-server-<version>.tar.gz: the
# server, which may run elsewhere, with unit, settings and manual. The Dockerfile does the same.
#
#   tar -C / -xzf dist/pg_auditlog-0.1.0-pg15.tar.gz
#   scripts/package.sh server                          only the server, which needs no PostgreSQL to be built
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# pack NAME: what is in $tree as dist/NAME.tar.gz. Names sorted, owner and time fixed: the same build gives the same archive.
pack() {
    local archive=dist/$1.tar.gz
    mkdir -p dist
    echo '*' >dist/.gitignore
    (cd "$tree" && tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@0 -c -- *) | gzip -n >"$archive"
    note "$archive ($(stat -c %s "$archive") bytes)"
    tar -tzf "$archive" | sed '/\/$/d; s/^/     \//'
    rm -rf "${tree:?}"/*
}

server() {
    if [ -z "${AUDITLOG_SERVER_BIN:-}" ]; then
        cargo build "${CARGO_LOCKED[@]}" -q --release -p auditlog-server || die "the build of auditlog-server failed"
    fi
    install -D -m 755 -s "${AUDITLOG_SERVER_BIN:-$CARGO_TARGET_DIR/release/auditlog-server}" "$tree/usr/bin/auditlog-server"
    install -D -m 644 packaging/server/auditlog-server.service "$tree/usr/lib/systemd/system/auditlog-server.service"
    install -D -m 644 packaging/server/auditlog-server.yaml "$tree/usr/share/doc/auditlog-server/auditlog-server.yaml"
    install -D -m 644 docs/api.md "$tree/usr/share/doc/auditlog-server/api.md"
    install -D -m 644 LICENSE "$tree/usr/share/doc/auditlog-server/LICENSE"
    pack "auditlog-server-$EXT_VERSION"
}

if [ "${1:-}" = server ]; then
    server
    exit
fi

bash scripts/setup.sh
bash scripts/build.sh release
install -D -m 755 "$("$PG_CONFIG" --pkglibdir)/pg_auditlog.so" "$tree/usr/lib/postgresql/$PG_MAJOR/lib/pg_auditlog.so"
for file in "$("$PG_CONFIG" --sharedir)"/extension/pg_auditlog*; do
    install -D -m 644 "$file" "$tree/usr/share/postgresql/$PG_MAJOR/extension/$(basename "$file")"
done
cargo build "${CARGO_LOCKED[@]}" -q --release -p auditlog-cli || die "the build of auditlog failed"
install -D -m 755 "$CARGO_TARGET_DIR/release/auditlog" "$tree/usr/bin/auditlog"
install -D -m 644 LICENSE "$tree/usr/share/doc/pg_auditlog/LICENSE"
pack "pg_auditlog-$EXT_VERSION-pg$PG_MAJOR"
server
