#!/usr/bin/env bash
# Builds the extension, stages it, and installs it into the private PostgreSQL tree (see env.sh). Each of the three is
# skipped when it would change nothing, so that a second `make run` costs a tenth of a second here.
#
#   scripts/build.sh [release|quick]     default release
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

profile=${1:-release}
case $profile in
release) flags=() ;;
quick) flags=(--profile quick) ;;
*) die "unknown profile $profile" "use release or quick" ;;
esac

stage=$CARGO_TARGET_DIR/stage/pg$PG_MAJOR-$profile

# Everything that can change the built files, as one hash. Contents, not times: a fresh clone has new times each day.
fingerprint() {
    {
        printf '%s\n' "$PG_CONFIG" "$("$PG_CONFIG" --version)" "$PGRX_VERSION" "$profile" "${RUSTFLAGS:-}"
        cd "$ROOT"
        find Cargo.toml Cargo.lock rust-toolchain.toml pg_auditlog.control src crates sql -type f -print0 |
            LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

now=$(fingerprint)
if [ "$(cat "$stage/.fingerprint" 2>/dev/null)" = "$now" ]; then
    note "extension for PostgreSQL $PG_MAJOR ($profile) is up to date"
else
    say "Building the extension for PostgreSQL $PG_MAJOR ($profile)"
    rm -rf "$stage"
    mkdir -p "$CARGO_TARGET_DIR"
    package=(cargo pgrx package "${flags[@]}" "${PG_FEATURES[@]}" --pg-config "$PG_CONFIG" --out-dir "$stage")
    cd "$ROOT"
    # On a terminal cargo shows its progress; elsewhere the log is shown only when something goes wrong.
    if [ -t 2 ]; then
        "${package[@]}" >/dev/null || die "the build failed"
    else
        log=$CARGO_TARGET_DIR/build-pg$PG_MAJOR-$profile.log
        if ! "${package[@]}" >"$log" 2>&1; then
            tail -n 100 "$log" >&2
            die "the build failed" "the whole log: $log"
        fi
    fi
    # The hash from before the build: what was edited meanwhile is built next time.
    printf '%s\n' "$now" >"$stage/.fingerprint"
fi

# A running server has the library mapped: the new file takes the old one's name, it doesn't overwrite it.
install_file() {
    local from=$1 to=$2
    if cmp -s "$from" "$to"; then return 0; fi
    mkdir -p "$(dirname "$to")"
    cp "$from" "$to.new"
    chmod "$3" "$to.new"
    mv -f "$to.new" "$to"
    note "installed $to"
}

libdir=$("$PG_CONFIG" --pkglibdir)
extdir=$("$PG_CONFIG" --sharedir)/extension
install_file "$stage$libdir/pg_auditlog.so" "$libdir/pg_auditlog.so" 755
for file in "$stage$extdir"/pg_auditlog*; do
    install_file "$file" "$extdir/$(basename "$file")" 644
done
# Scripts of another build would let CREATE EXTENSION find versions that aren't there.
for file in "$extdir"/pg_auditlog*; do
    if [ ! -e "$stage$extdir/$(basename "$file")" ]; then
        rm -f "$file"
        note "removed $file"
    fi
done
