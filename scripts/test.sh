#!/usr/bin/env bash
# `make test [PG=18]`: the whole suite, in the order of its cost. Every stage closes with its runner's own line; at the end
# one line per stage and one with the totals.
#
#   scripts/test.sh [STAGE…]       only these stages; the names are those of the summary
#   scripts/test.sh -STAGE…        all but these
#   AUDITLOG_PROFILE=quick         with the extension as it is built in a third of the time, and with the checks of debug builds
#
# A stage passes when it exits 0, reports no failure, and has run at least one test, or has said that it skips all of them and why.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

only=() without=()
for name; do
    case $name in -*) without+=("${name#-}") ;; *) only+=("$name") ;; esac
done
stages=(crates vectors pgrx regress isolation client server contract browser examples docs)
for name in "${only[@]}" "${without[@]}"; do
    printf '%s\n' "${stages[@]}" | grep -qxF -- "$name" || die "no stage $name" "there are: ${stages[*]}"
done
scratch=$(mktemp -d /tmp/pgal.XXXXXX) # short: pgrx-tests puts its socket here
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
total_passed=0 total_failed=0 total_skipped=0
summary=()

wanted() {
    if printf '%s\n' "${without[@]}" | grep -qxF -- "$1"; then return 1; fi
    [ ${#only[@]} -eq 0 ] || printf '%s\n' "${only[@]}" | grep -qxF -- "$1"
}

# stage NAME COMMAND…
stage() {
    local name=$1 status=0 start=$SECONDS passed failed skipped verdict
    shift
    wanted "$name" || return 0
    say "$name (PostgreSQL $PG_MAJOR)"
    "$@" </dev/null 2>&1 | tee "$scratch/log" || status=$?
    read -r passed failed skipped < <(python3 "$ROOT/scripts/count_tests.py" <"$scratch/log")
    verdict=ok
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        verdict="FAILED: exit status $status"
    elif [ "$failed" -ne 0 ]; then
        verdict=FAILED
    elif [ "$passed" -eq 0 ] && [ "$skipped" -gt 0 ]; then
        verdict=SKIPPED
    elif [ "$passed" -eq 0 ]; then
        failed=1
        verdict='FAILED: it ran no test'
    fi
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) total_skipped=$((total_skipped + skipped))
    summary+=("$(printf '%-12s %5d passed %4d failed %4d skipped %5d s   %s' \
        "$name" "$passed" "$failed" "$skipped" $((SECONDS - start)) "$verdict")")
}

# script_stage NAME FILE: a stage that is a script of its own under tests/.
script_stage() {
    wanted "$1" || return 0
    if [ -e "$ROOT/$2" ]; then
        case $2 in
        *.py) stage "$1" python3 -B "$ROOT/$2" ;;
        *) stage "$1" bash "$ROOT/$2" ;;
        esac
    else
        summary+=("$(printf '%-12s %s' "$1" "there is no $2")")
    fi
}

# pgrx's own tests: a server of theirs, started by `sudo -u postgres` when we are root. sudo may be missing, or keep the
# environment to itself: a stand-in that comes first in PATH calls runuser. The test build of the extension takes the place
# of ours, so the next step builds (from cache) and installs again. pgrx copies over the library in place, which would crash
# a server that has it mapped (`make run` may be on): the old one goes first.
pgrx_tests() {
    local data=$scratch/data
    rm -f "$("$PG_CONFIG" --pkglibdir)/pg_auditlog.so"
    if is_root; then
        mkdir -p "$scratch/p"
        chown postgres: "$scratch/p"
        data=$scratch/p/data
        export PATH=$ROOT/scripts/sudo:$PATH CARGO_PGRX_TEST_RUNAS=postgres
    fi
    CARGO_PGRX_TEST_PGDATA=$data cargo pgrx test --profile quick "pg$PG_MAJOR" "${PG_FEATURES[@]}"
}

bash "$ROOT/scripts/setup.sh"

# The crates below crates/ know nothing of PostgreSQL's version: once, with the default. testkit only serves others.
if [ "$PG_MAJOR" = 15 ]; then
    # the client suite (test = false) is run by its stage, with the same choice of packages: so nothing is built twice
    stage crates cargo test "${CARGO_LOCKED[@]}" --workspace --exclude pg_auditlog
    script_stage vectors tests/vectors/verify_vectors.py
fi
stage pgrx pgrx_tests

if wanted regress || wanted isolation || wanted client || wanted server || wanted contract || wanted browser || wanted examples || wanted docs; then
    bash "$ROOT/scripts/build.sh" "${AUDITLOG_PROFILE:-release}"
fi
script_stage regress tests/regress/run.sh
script_stage isolation tests/isolation/run.sh
script_stage client tests/client/run.sh
script_stage server tests/server/run.sh
script_stage contract tests/server/contract.sh
script_stage browser tests/browser/run.sh
script_stage examples scripts/examples_test.sh
script_stage docs tests/docs/run.sh

say "Summary (PostgreSQL $PG_MAJOR)"
printf '%s\n' "${summary[@]}"
# .ci/run adds up the totals of its runs.
[ -z "${AUDITLOG_TOTALS:-}" ] || echo "$total_passed $total_failed $total_skipped" >>"$AUDITLOG_TOTALS"
printf '%d passed, %d failed, %d skipped\n' "$total_passed" "$total_failed" "$total_skipped"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
