#!/usr/bin/env bash
# The isolation specs: several sessions, steps in a fixed order, golden output. A step that has to wait for another session
# shows as "<waiting ...>", so what must not wait is proved by its absence.
#
#   tests/isolation/run.sh [SPEC…]     default: all
#   ACCEPT=1 tests/isolation/run.sh    takes the results as the expected output: read the diff before you commit it
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"

here=$ROOT/tests/isolation
driver=$(pgxs_test isolation/pg_isolation_regress)
start_cluster
"$PG_BIN/createdb" isolation_regression
"$PG_BIN/psql" -Xq -d isolation_regression -c 'CREATE EXTENSION pg_auditlog' -f "$here/helpers.sql"
if [ $# -gt 0 ]; then specs=("$@"); else mapfile -t specs < <(cd "$here/specs" && for f in *.spec; do echo "${f%.spec}"; done); fi

out=$CLUSTER/results
mkdir "$out"
if [ "${ACCEPT:-}" = 1 ]; then # the driver stops at a file that is missing
    for name in "${specs[@]}"; do [ -e "$here/expected/$name.out" ] || : >"$here/expected/$name.out"; done
fi
status=0
# It looks for isolationtester beside itself, for psql in --bindir; --host keeps it from starting a server of its own.
"$driver" --host="$PGHOST" --port="$PGPORT" --user=postgres --use-existing --dbname=isolation_regression \
    --bindir="$PG_BIN" --inputdir="$here" --outputdir="$out" "${specs[@]}" >"$out/log" 2>&1 || status=$?
grep -E '^(test|ok|not ok)' "$out/log" || true
[ ! -s "$out/regression.diffs" ] || cat "$out/regression.diffs"
if [ "${ACCEPT:-}" = 1 ]; then cp "$out"/results/*.out "$here/expected/"; fi
report "$out/log" "$status"
