# shellcheck shell=bash
# Sourced after private_cluster.sh, once start_cluster has run: a database with invented events and the people of
# examples/demo/people.sql, and auditlog-server over it. It goes when the script ends.
#
# In:  AUDITLOG_SERVER_BIN   a server that is built already; without it, it is built here
# Out: AUDITLOG_URL, SERVED_DB, PASSWORD (of all people), SERVER_LOG

# build_server: sets AUDITLOG_SERVER_BIN.
build_server() {
    [ -z "${AUDITLOG_SERVER_BIN:-}" ] || return 0
    AUDITLOG_SERVER_BIN=$(bash "$ROOT/scripts/debug_program.sh" auditlog-server) || die "the build of auditlog-server failed"
}

# serve DATABASE EVENTS [SETTING…]: makes the database, waits until its events are sealed and signed, starts the server; settings are lines
# of its configuration.
serve() {
    local database=$1 events=$2 psql
    shift 2
    build_server
    SERVED_DB=$database PASSWORD=people SERVER_LOG=$CLUSTER/$database.log
    psql=("$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$database")
    "$PG_BIN/createdb" "$database"
    "${psql[@]}" -c 'CREATE EXTENSION pg_auditlog'
    "${psql[@]}" -v n="$events" -f "$ROOT/examples/demo/load.sql" >/dev/null
    "${psql[@]}" -v password="$PASSWORD" -v service=service -v authenticator=authenticator -f "$ROOT/examples/demo/people.sql" >/dev/null
    # What pg_hba.conf says first counts: people are asked for passwords.
    as_postgres grep -q '+demo_people' "$CLUSTER/data/pg_hba.conf" || as_postgres sed -i '1i local all +demo_people scram-sha-256' "$CLUSTER/data/pg_hba.conf"
    "${psql[@]}" -c 'SELECT pg_reload_conf()' >/dev/null
    until [ "$("${psql[@]}" -Atc 'SELECT inbox_rows FROM auditlog.stat_seal')" = 0 ]; do sleep 0.1; done
    "${psql[@]}" -Atc 'SELECT auditlog.checkpoint()' >/dev/null

    local config=$CLUSTER/$database.yaml
    printf '%s' service >"$CLUSTER/service"
    printf '%s' authenticator >"$CLUSTER/authenticator"
    printf '%s\n' "listen: 127.0.0.1:0" "metrics_listen: none" "database: host=$PGHOST port=$PGPORT dbname=$database user=demo_service" \
        "database_password_file: $CLUSTER/service" "authenticator: demo_authenticator" \
        "authenticator_password_file: $CLUSTER/authenticator" "$@" >"$config"
    "$AUDITLOG_SERVER_BIN" --config "$config" </dev/null >"$SERVER_LOG" 2>&1 &
    SERVER_PID=$!
    trap stop_served EXIT
    # Which port it was given stands in its log.
    for _ in $(seq 200); do
        AUDITLOG_URL=$(sed -n 's/.*"address":"\(127\.0\.0\.1:[0-9]*\)".*/http:\/\/\1/p' "$SERVER_LOG" | head -n 1)
        if [ -n "$AUDITLOG_URL" ] && curl -fsS -o /dev/null "$AUDITLOG_URL/ready" 2>/dev/null; then break; fi
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    if ! curl -fsS -o /dev/null "${AUDITLOG_URL:-http://127.0.0.1:0}/ready"; then
        cat "$SERVER_LOG" >&2
        die "auditlog-server does not start"
    fi
    export AUDITLOG_URL SERVED_DB PASSWORD SERVER_LOG
}

stop_served() {
    local status=$?
    kill "$SERVER_PID" 2>/dev/null || true
    wait "$SERVER_PID" 2>/dev/null || true
    (exit "$status") || true
    stop_cluster
    return "$status"
}
