#!/usr/bin/env bash
# Runs examples/test.sql (mappings, generator, catalogue) and the programs beside it (Grafana, PostgREST, SQLAlchemy with pandas, clients of the
# REST API) on a private cluster that has the extension, and counts their «ok» and «skipped» lines. The files of ../shared/data are used
# when they are there; the checks say «skipped» when they are not, or when a tool is missing.
#
#   scripts/examples_test.sh [sql|grafana|postgrest|bi|clients …]       all of them without arguments
#
# AUDITLOG_BI_PYTHON: a Python that has SQLAlchemy, pandas and psycopg, for bi
# AUDITLOG_SERVER_BIN: auditlog-server, for clients; built from the checkout without it
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"
# shellcheck source=tests/private_server.sh
. "$ROOT/tests/private_server.sh"
cd "$ROOT"

arguments=()
for pair in cloudtrail=cloudtrail/invictus.ndjson kubernetes=kubernetes/falco.ndjson controls=compliance/controls.json; do
    file=$ROOT/../shared/data/${pair#*=}
    if [ -r "$file" ]; then arguments+=(-v "${pair%%=*}=$(readlink -f "$file")"); fi
done

run() {
    case $1 in
    sql)
        "${psql[@]}" -c 'CREATE EXTENSION pg_auditlog' && "${psql[@]}" "${arguments[@]}" -f examples/test.sql
        ;;
    clients)
        # A budget that clients.py can spend.
        serve clients 500 'rate_requests: 120' && python3 -B examples/test/clients.py
        ;;
    *) python3 -B "examples/test/$1.py" ;;
    esac
}

start_cluster
psql=("$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d postgres)
passed=0 failed=0 skipped=0
[ $# -gt 0 ] || set -- sql grafana postgrest bi clients
for part; do
    status=0
    output=$(run "$part" 2>&1) || status=$?
    printf '%s\n' "$output"
    passed=$((passed + $(grep -c '^ok' <<<"$output" || true)))
    skipped=$((skipped + $(grep -c '^skipped' <<<"$output" || true)))
    # The first failed check ends a part, so there is at most one in each.
    [ "$status" -eq 0 ] || failed=$((failed + 1))
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
