# shellcheck shell=bash
# Sourced by tests/browser/run.sh, after scripts/env.sh and tests/private_cluster.sh: a private cluster with the demonstration's people and
# events, something of each kind that a page shows, and a server over it. Sets BASE (its address); everything ends with the script.

PASSWORD='a password of the browser tests'
WORLD=$ROOT/tests/browser/world

value() { "$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d audit "$@"; }

# until WHAT SQL: waits until the statement says t.
until_true() {
    local what=$1 sql=$2
    for _ in $(seq 300); do
        [ "$(value -c "$sql")" != t ] || return 0
        sleep 0.2
    done
    die "after a minute not yet: $what" "$(value -c 'SELECT * FROM auditlog.health()')"
}

# A port that nobody listens on.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# What runs beside the cluster, and then the cluster itself.
end_world() {
    local status=$?
    kill "${OTHERS[@]}" 2>/dev/null || true
    wait "${OTHERS[@]}" 2>/dev/null || true
    stop_cluster
    return "$status"
}

make_world() {
    ACCESS_LOG=on start_cluster
    # The people log in by their passwords, as anywhere.
    as_postgres sed -i '1i local all +demo_people scram-sha-256' "$CLUSTER/data/pg_hba.conf"
    as_postgres mkdir "$CLUSTER/out"
    "$PG_BIN/createdb" audit
    # Nobody listens at the addresses of the sinks and channels, but they may be tried.
    value -c "ALTER SYSTEM SET auditlog.allowed_hosts = '127.0.0.1'" -c 'SELECT pg_reload_conf()' -c 'CREATE EXTENSION pg_auditlog' >/dev/null
    (cd "$ROOT/examples/demo" && value -o /dev/null -v password="$PASSWORD" -v service=service -v authenticator=authenticator -f people.sql)
    value -o /dev/null -v n="${AUDITLOG_BROWSER_EVENTS:-4000}" -f "$ROOT/examples/demo/load.sql"
    until_true 'the generated events are sealed' 'SELECT inbox_rows = 0 FROM auditlog.stat_seal'
    python3 -B "$WORLD/refuses.py" >"$CLUSTER/refuses" &
    OTHERS=($!)
    trap end_world EXIT
    for _ in $(seq 100); do
        [ ! -s "$CLUSTER/refuses" ] || break
        sleep 0.1
    done
    value -o /dev/null -v out="$CLUSTER/out" -v port="$(cat "$CLUSTER/refuses")" -f "$WORLD/things.sql"
    until_true 'the alerts are evaluated' 'SELECT bool_and(since IS NOT NULL) FROM auditlog.alerts'
    value -o /dev/null -f "$WORLD/events.sql"
    value -o /dev/null -c "SELECT auditlog.generate_report('soc2', date_trunc('month', now()) - interval '1 month', date_trunc('month', now()), '{\"max_rows\": 20}')"
    until_true 'alerts have fired' "SELECT count(DISTINCT alert) >= 2 FROM auditlog.alert_firings"
    until_true 'a notification was refused for good' 'SELECT count(*) > 0 FROM auditlog.dead_letters'
    until_true 'the report is done' "SELECT bool_and(state = 'done') FROM auditlog.reports"
    value -o /dev/null -c 'SELECT auditlog.checkpoint()'
}

# serve PROGRAM: auditlog-server over the cluster, without the limits that a person does not come to.
serve() {
    local port
    port=$(free_port)
    (umask 077 && printf authenticator >"$CLUSTER/authenticator")
    "$1" --listen "127.0.0.1:$port" --metrics-listen none --database "host=$PGHOST port=$PGPORT dbname=audit user=demo_service password=service" \
        --authenticator demo_authenticator --authenticator-password-file "$CLUSTER/authenticator" \
        --rate-requests 1000000 --rate-exports 1000000 --rate-refusals 1000000 --stream-interval 50ms </dev/null >"$CLUSTER/server.log" 2>&1 &
    OTHERS+=($!)
    BASE=http://127.0.0.1:$port
    for _ in $(seq 100); do
        ! curl -fsS -o /dev/null "$BASE/ready" 2>/dev/null || return 0
        kill -0 "${OTHERS[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    cat "$CLUSTER/server.log" >&2
    die "auditlog-server does not start"
}
