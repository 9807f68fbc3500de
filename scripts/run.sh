#!/usr/bin/env bash
# `make run`: installs what is missing, builds, starts the private cluster, shows the main job, and leaves it running.
#
#   PG=18                          another major version (default 15)
#   DATA=FILE MAP=cloudtrail       loads that file through examples/<MAP>/load.sql instead of the generated events
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
here=$ROOT/scripts

DATA=${DATA:-}
MAP=${MAP:-}
if [ -n "$DATA$MAP" ]; then
    if [ -z "$DATA" ] || [ -z "$MAP" ]; then
        die "DATA and MAP go together" "make run DATA=events.ndjson MAP=cloudtrail"
    fi
    [ -r "$DATA" ] || die "$DATA is not a readable file"
    [ -r "$ROOT/examples/$MAP/load.sql" ] || die "examples/ has no mapping $MAP" "MAP=cloudtrail or MAP=kubernetes"
    DATA=$(readlink -f "$DATA")
    loader=$ROOT/examples/$MAP/load.sql
    source_name="$MAP:$(sha256sum <"$DATA" | cut -d' ' -f1)"
    source_text="$DATA ($MAP)"
else
    loader=$ROOT/examples/demo/load.sql
    source_name=demo
    source_text='10,000 generated events'
fi

bash "$here/setup.sh"
bash "$here/build.sh" release
say "Building the command line tool"
cargo build "${CARGO_LOCKED[@]}" -q --release --manifest-path "$ROOT/Cargo.toml" -p auditlog-cli || die "the build of auditlog failed"
auditlog=$CARGO_TARGET_DIR/release/auditlog
bash "$here/cluster.sh" start

# shellcheck source=/dev/null
. "$RUN_DIR/env"
export PGOPTIONS='-c client_min_messages=warning' PGCONNECT_TIMEOUT=10

# -X: no ~/.psqlrc. `sql` shows a table, `value` gives one value.
sql() { "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -P pager=off -P footer=off "$@"; }
value() { sql -A -t "$@"; }

if [ "$(value -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = '$PGDATABASE'")" = 0 ]; then
    value -d postgres -c "CREATE DATABASE $PGDATABASE"
fi

# The install script of an unreleased version may change under a database made with it.
script=$("$PG_CONFIG" --sharedir)/extension/pg_auditlog--$EXT_VERSION.sql
script_hash=$(sha256sum <"$script" | cut -d' ' -f1)
value <<SQL
CREATE EXTENSION IF NOT EXISTS pg_auditlog;
CREATE SCHEMA IF NOT EXISTS demo;
CREATE TABLE IF NOT EXISTS demo.loaded (source text PRIMARY KEY, loaded_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS demo.made_with (script_hash text NOT NULL);
INSERT INTO demo.made_with SELECT '$script_hash' WHERE NOT EXISTS (SELECT FROM demo.made_with);
SQL
if [ "$(value -c 'SELECT script_hash FROM demo.made_with')" != "$script_hash" ]; then
    die "the database $PGDATABASE was made with another build's install script of $EXT_VERSION" \
        "make reset run: deletes the cluster in .run with its events and starts afresh"
fi

say "1. Record: $source_text"
if [ "$(value -c "SELECT count(*) FROM demo.loaded WHERE source = '$source_name'")" = 1 ]; then
    note "already loaded by an earlier make run; nothing is recorded twice"
else
    before=$(value -c "SELECT count(*) FROM auditlog.events WHERE category <> 'auditlog'")
    start=$(date +%s%N)
    (cd "$(dirname "$loader")" && sql -o /dev/null -v n=10000 -v file="$DATA" -f "$loader") ||
        die "loading $source_text failed"
    ms=$((($(date +%s%N) - start) / 1000000))
    value -c "INSERT INTO demo.loaded (source) VALUES ('$source_name')"
    note "$(($(value -c "SELECT count(*) FROM auditlog.events WHERE category <> 'auditlog'") - before)) events recorded in $ms ms"
fi

say "2. One more event: auditlog.record() returns its event_id"
event_id=$(
    value <<'SQL'
SELECT auditlog.record(
    event_type => 'resource.modify',
    actor      => '{"type": "user", "id": "user_12345", "email": "admin@company.com", "ip_address": "203.0.113.45"}',
    resource   => '{"type": "ec2_instance", "id": "i-0123456789abcdef", "cloud_provider": "aws", "region": "us-east-1"}',
    action     => '{"operation": "stop_instance", "status": "success", "method": "api"}',
    changes    => '{"before": {"state": "running"}, "after": {"state": "stopped"}}');
SQL
)
[ -n "$event_id" ] || die "record() returned no event_id"
note "$event_id"

say "3. Read it back as JSON"
document=$(value -c "SELECT jsonb_pretty(auditlog.to_json(e)) FROM auditlog.events e WHERE event_id = '$event_id'")
[ -n "$document" ] || die "the event $event_id can't be read back"
printf '%s\n' "$document"

say "4. The sealer gives it its place in the chain: auditlog.await_sealed()"
note "log_index $(value -c "SELECT auditlog.await_sealed('$event_id', '60s')")"
for _ in $(seq 300); do
    waiting=$(value -c "SELECT count(*) FROM auditlog.events WHERE log_index IS NULL AND category <> 'auditlog'")
    [ "$waiting" != 0 ] || break
    sleep 0.2
done
[ "$waiting" = 0 ] || die "$waiting events are still unsealed after a minute" "SELECT * FROM auditlog.health()"

say "5. What is there, by category"
sql -c "SELECT category, count(*) AS events, min(\"timestamp\")::timestamp(0) AS first, max(\"timestamp\")::timestamp(0) AS last
        FROM auditlog.events GROUP BY category ORDER BY events DESC"

say "6. Search it: events @@@ 'query'"
search() {
    note "SELECT … FROM auditlog.events e WHERE e @@@ '$1'"
    sql -v query="$1" <<'SQL'
SELECT "timestamp"::timestamp(0), event_type, severity, actor_email, status, region
FROM auditlog.search(:'query', "limit" => 3);
SELECT auditlog.count(:'query') AS found;
SQL
}
search 'event_type:authentication.* AND status:failed AND timestamp:>now-30d'
search 'production AND (severity:>=warning OR ip:203.0.113.*)'
note "who fails most, by auditlog.facets():"
sql -c "SELECT * FROM auditlog.facets('status:failed', 'user', \"limit\" => 3)"

say "7. Nobody changes it, not even a superuser"
refused() {
    local answer
    note "$1;"
    if answer=$(value -v VERBOSITY=verbose -c "$1" 2>&1); then
        die "the log let itself be changed by: $1"
    fi
    printf '%s\n' "$answer" | grep -q ' 42501: ' || die "refused, but not with SQLSTATE 42501: $answer"
    printf '%s\n' "$answer" | sed -n 's/^\(ERROR\|DETAIL\|HINT\): */     \1: /p'
}
refused "UPDATE auditlog_data.log SET status = 'failure' WHERE event_id = '$event_id'"
refused "DELETE FROM auditlog_data.log WHERE event_id = '$event_id'"

say "8. Verify every entry: auditlog.verify()"
start=$(date +%s%N)
findings=$(value -c 'SELECT * FROM auditlog.verify()')
ms=$((($(date +%s%N) - start) / 1000000))
if [ -n "$findings" ]; then
    printf 'log_index|kind|detail|event_id\n%s\n' "$findings"
    die "verify() reports findings"
fi
note "verified: $(value -c 'SELECT size FROM auditlog_data.head') events, no finding ($ms ms)"

say "9. Prove it to outsiders: auditlog.checkpoint(), inclusion_proof(), and the tool auditlog, which needs no PostgreSQL"
value -c 'SELECT auditlog.checkpoint()' | sed 's/^/     /'
proof=$(value -c "SELECT auditlog.inclusion_proof('$event_id')")
note "inclusion proof of $event_id: $(printf '%s\n' "$proof" | wc -l) lines, ${#proof} bytes"
key=$(value -c 'SELECT auditlog.public_key()')
rm -rf "$RUN_DIR/bundle"
"$auditlog" bundle --dsn "host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE" --out "$RUN_DIR/bundle" >/dev/null ||
    die "no bundle could be made"
note "$auditlog verify .run/bundle --key '$key'"
"$auditlog" verify "$RUN_DIR/bundle" --key "$key" | sed 's/^/     /' || die "the bundle does not verify"

say "10. How it is doing: auditlog.health()"
sql -c 'SELECT * FROM auditlog.health()'

say "11. The same for programs and browsers: auditlog-server"
bash "$here/server.sh" start
# shellcheck source=/dev/null
. "$RUN_DIR/env"
note "curl -H \"Authorization: Bearer \$AUDITLOG_TOKEN\" \"\$AUDITLOG_URL/api/v1/audit-logs?q=status:failed&limit=1\""
curl -fsS -H "Authorization: Bearer $AUDITLOG_TOKEN" "$AUDITLOG_URL/api/v1/audit-logs?q=status:failed&limit=1" | cut -c1-400 | sed 's/^/     /' ||
    die "the server gives no events" "its log: $RUN_DIR/server.log"
printf '\n'

say "It goes on running"
note "connect:   . .run/env && psql"
note "look:      $AUDITLOG_URL"
note "stop:      make stop"
