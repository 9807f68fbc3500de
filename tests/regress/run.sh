#!/usr/bin/env bash
# Golden files: sql/NAME.sql through psql, compared with expected/NAME.out (or NAME_1.out where majors of PostgreSQL differ).
#
#   tests/regress/run.sh [NAME…]      default: all, in the order of the file "schedule"
#   ACCEPT=1 tests/regress/run.sh     takes the results as the expected output: read the diff before you commit it
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"

here=$ROOT/tests/regress
driver=$(pgxs_test regress/pg_regress)
start_cluster
"$PG_BIN/createdb" contrib_regression
if [ $# -gt 0 ]; then tests=(setup "$@"); else mapfile -t tests < <(grep -v '^#' "$here/schedule"); fi

out=$CLUSTER/results
mkdir "$out"
if [ "${ACCEPT:-}" = 1 ]; then # the driver stops at a file that is missing
    for name in "${tests[@]}"; do [ -e "$here/expected/$name.out" ] || : >"$here/expected/$name.out"; done
fi
status=0
"$driver" --host="$PGHOST" --port="$PGPORT" --user=postgres --use-existing --dbname=contrib_regression \
    --bindir="$PG_BIN" --inputdir="$here" --outputdir="$out" "${tests[@]}" >"$out/log" 2>&1 || status=$?
grep -E '^(test|ok|not ok)' "$out/log" || true
[ ! -s "$out/regression.diffs" ] || cat "$out/regression.diffs"
if [ "${ACCEPT:-}" = 1 ]; then cp "$out"/results/*.out "$here/expected/"; fi
report "$out/log" "$status"
