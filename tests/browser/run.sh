#!/usr/bin/env bash
# The pages of auditlog-server in Debian's Chromium, driven by Playwright: every page as each role and as nobody, axe with the rules of
# WCAG 2.2 AA, and what script and forms do with the server's own answers. Makes a private cluster (world/); expects that the extension is
# installed there (scripts/build.sh). Where no Chromium can be had it says so, and is skipped.
#
#   tests/browser/run.sh                        AUDITLOG_SOAK=1: each role in all four looks (light and dark, wide and narrow)
#   tests/browser/run.sh use --only search      only a part; the arguments are those of site/run.mjs
#   tests/browser/run.sh pictures --out DIR     pictures of all pages, to be looked at
#   tests/browser/run.sh gallery                the gallery of crates/pages, with hostile and empty data (part of the soak form)
#   tests/browser/run.sh docs                   those of docs/dashboard.md anew
#
# AUDITLOG_SERVER_BIN: the program auditlog-server, otherwise it is built here
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"
# shellcheck source=tests/browser/world/world.sh
. "$ROOT/tests/browser/world/world.sh"
cd "$ROOT"
here=$ROOT/tests/browser

skip() {
    printf 'skipped: %s\n0 passed, 0 failed, 1 skipped\n' "$1"
    exit 0
}

# Playwright and axe as package-lock.json pins them, in the cache, without a browser of theirs.
packages() {
    export AUDITLOG_BROWSER_PACKAGES=$AUDITLOG_CACHE/browser
    cmp -s "$here/package-lock.json" "$AUDITLOG_BROWSER_PACKAGES/installed" && return
    note "Playwright and axe into $AUDITLOG_BROWSER_PACKAGES"
    rm -rf "$AUDITLOG_BROWSER_PACKAGES"
    mkdir -p "$AUDITLOG_BROWSER_PACKAGES"
    cp "$here/package.json" "$here/package-lock.json" "$AUDITLOG_BROWSER_PACKAGES"
    (cd "$AUDITLOG_BROWSER_PACKAGES" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) || return
    cp "$here/package-lock.json" "$AUDITLOG_BROWSER_PACKAGES/installed"
}

bash scripts/setup.sh --browser
AUDITLOG_CHROMIUM=${AUDITLOG_CHROMIUM:-$(command -v chromium || true)}
[ -n "$AUDITLOG_CHROMIUM" ] || skip 'there is no chromium here, and it could not be installed (Debian: apt-get install chromium)'
have node || skip 'there is no node here, and it could not be installed (Debian: apt-get install nodejs npm)'
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 18')" = true ] || skip "node $(node --version) is too old: Playwright needs 18"
packages || skip 'npm could not install Playwright and axe'
export AUDITLOG_CHROMIUM

if [ -z "${AUDITLOG_SERVER_BIN:-}" ]; then
    AUDITLOG_SERVER_BIN=$(bash scripts/debug_program.sh auditlog-server) || die "the build of auditlog-server failed"
fi
make_world
serve "$AUDITLOG_SERVER_BIN"

# The pages with hostile and empty data, which no server is needed for.
gallery() {
    cargo run "${CARGO_LOCKED[@]}" -q -p auditlog-pages --example gallery -- "$CLUSTER/gallery"
    node "$here/gallery/run.mjs" --gallery "$CLUSTER/gallery" "$@"
}

export AUDITLOG_BROWSER_PASSWORD=$PASSWORD
case ${1:-} in
'')
    # The parts of the script that need no browser come first: they are done in a second.
    status=0
    node --test --test-reporter=tap "$here"/unit/*.test.mjs >"$CLUSTER/unit" || status=$?
    sed -n 's/^\(not \)\{0,1\}ok [0-9]* - /\1ok unit: /p' "$CLUSTER/unit"
    printf '%d passed, %d failed\n' "$(grep -c '^ok ' "$CLUSTER/unit" || true)" "$(grep -c '^not ok ' "$CLUSTER/unit" || true)"
    arguments=(walk use)
    if [ -n "${AUDITLOG_SOAK:-}" ]; then
        arguments+=(--all)
        gallery || status=$?
    fi
    node "$here/site/run.mjs" --base "$BASE" "${arguments[@]}" || status=$?
    exit "$status"
    ;;
gallery) gallery "${@:2}" ;;
docs)
    node "$here/site/run.mjs" --base "$BASE" docs --out "$ROOT/docs/pictures"
    # A palette of 256 colours is enough for pages, and a quarter of the bytes.
    python3 -B "$here/smaller.py" "$ROOT"/docs/pictures/*.png
    ;;
*) node "$here/site/run.mjs" --base "$BASE" "$@" ;;
esac
