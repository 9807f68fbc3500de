#!/usr/bin/env bash
# A sample report of each framework, as PDF, over generated events: `make docs` puts them below target/doc/reports.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

bash scripts/build.sh release
bash scripts/cluster.sh start
# shellcheck source=/dev/null
. "$RUN_DIR/env"
export PGOPTIONS='-c client_min_messages=warning' PGCONNECT_TIMEOUT=10
value() { "$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# The database is made anew: the samples are of what is built now.
value -d postgres -c 'DROP DATABASE IF EXISTS sample_reports WITH (FORCE)' -c 'CREATE DATABASE sample_reports'
export PGDATABASE=sample_reports
value -c 'CREATE EXTENSION pg_auditlog'
(cd examples/demo && value -o /dev/null -v n=5000 -f load.sql)
last=$(value -c "SELECT auditlog.record('{\"event_type\": \"system.maintenance\"}'::jsonb)")
value -c "SELECT auditlog.await_sealed('$last', '60s')" >/dev/null

out=$CARGO_TARGET_DIR/doc/reports
mkdir -p "$out"
for framework in $(value -c 'SELECT id FROM auditlog.frameworks ORDER BY id'); do
    id=$(value -c "SELECT auditlog.generate_report('$framework', now() - interval '90 days', now() + interval '1 second', '{\"max_rows\": 20}', '{pdf}')")
    state=waiting
    for _ in $(seq 600); do
        state=$(value -c "SELECT state FROM auditlog.reports WHERE id = $id")
        [ "$state" = waiting ] || [ "$state" = running ] || break
        sleep 0.1
    done
    [ "$state" = 'done' ] || die "the report on $framework is $state: $(value -c "SELECT error FROM auditlog.reports WHERE id = $id")"
    value -c "SELECT encode(auditlog.report_file($id, 'pdf'), 'base64')" | base64 -d >"$out/$framework.pdf"
    note "$out/$framework.pdf"
done
value -d postgres -c 'DROP DATABASE sample_reports WITH (FORCE)'
