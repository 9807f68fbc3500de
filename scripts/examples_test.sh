#!/usr/bin/env bash
# Runs examples/test.sql (mappings, generator, catalogue) on a private cluster that has the extension, and counts its «ok» and
# «skipped» lines. The files of ../shared/data are used when they are there; the checks say «skipped» when they are not.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"
cd "$ROOT"

arguments=()
for pair in cloudtrail=cloudtrail/invictus.ndjson kubernetes=kubernetes/falco.ndjson controls=compliance/controls.json; do
    file=$ROOT/../shared/data/${pair#*=}
    if [ -r "$file" ]; then arguments+=(-v "${pair%%=*}=$(readlink -f "$file")"); fi
done

start_cluster
psql=("$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d postgres)
"${psql[@]}" -c 'CREATE EXTENSION pg_auditlog'
status=0
output=$("${psql[@]}" "${arguments[@]}" -f examples/test.sql 2>&1) || status=$?
printf '%s\n' "$output"
passed=$(grep -c '^ok' <<<"$output" || true)
skipped=$(grep -c '^skipped' <<<"$output" || true)
# The first failed check ends the file, so there is at most one.
failed=$((status == 0 ? 0 : 1))
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
