#!/usr/bin/env bash
# The server of `make run`: REST, live view and pages on 127.0.0.1, beside the private cluster, with people of all five roles.
#
#   scripts/server.sh start     build it, make the demo people, start it; writes AUDITLOG_URL and AUDITLOG_TOKEN into .run/env
#   scripts/server.sh stop      stop it
#   scripts/server.sh reset     stop it, and forget the people's passwords
#
# The people log in with their password: pg_hba.conf asks them for it, although it trusts everybody else on this machine. Passwords
# are drawn for each checkout and stand in .run/people, which only its owner can read.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

PID_FILE=$RUN_DIR/server.pid
LOG_FILE=$RUN_DIR/server.log
PEOPLE=$RUN_DIR/people
CONFIG=$RUN_DIR/server.yaml
FIRST_PORT=8480

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first free port from $1 on.
free_port() {
    local port=$1
    while ! port_free "$port"; do
        port=$((port + 1))
        [ "$port" -lt $(($1 + 1000)) ] || die "no free port from $1 on"
    done
    echo "$port"
}

draw() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }

# running: is the process in the pid file ours, and alive?
running() {
    local pid
    pid=$(cat "$PID_FILE" 2>/dev/null) || return 1
    [ -n "$pid" ] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "auditlog-server"
}

stop() {
    if running; then
        kill "$(cat "$PID_FILE")"
        for _ in $(seq 100); do
            running || break
            sleep 0.1
        done
        ! running || kill -9 "$(cat "$PID_FILE")" || true
        note "auditlog-server stopped"
    fi
    rm -f "$PID_FILE"
}

# Passwords are drawn once: a server that is started again has the same people.
write_people() {
    [ -s "$PEOPLE" ] || {
        (umask 077 && printf 'password=%s\nservice=%s\nauthenticator=%s\n' "$(draw)" "$(draw)" "$(draw)" >"$PEOPLE")
    }
    # shellcheck source=/dev/null
    . "$PEOPLE"
}

# The roles, and who they are among the generated events.
make_people() {
    # shellcheck disable=SC2154 # from .run/people
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -v password="$password" -v service="$service" -v authenticator="$authenticator" \
        -o /dev/null -f "$ROOT/examples/demo/people.sql"
}

# What pg_hba.conf says first counts: the people are asked for passwords.
require_passwords() {
    local hba
    hba=$("$PG_BIN/psql" -XAtc 'SHOW hba_file')
    as_postgres grep -q '+demo_people' "$hba" && return
    as_postgres sed -i '1i # People of the demonstration log in as they would anywhere (scripts/server.sh).\
host all +demo_people 127.0.0.1/32 scram-sha-256\
host all +demo_people ::1/128 scram-sha-256\
local all +demo_people scram-sha-256' "$hba"
    "$PG_BIN/psql" -XAtqc 'SELECT pg_reload_conf()' >/dev/null
}

write_config() {
    # shellcheck disable=SC2154
    (
        umask 077
        printf '%s' "$service" >"$RUN_DIR/server.service"
        printf '%s' "$authenticator" >"$RUN_DIR/server.authenticator"
        cat >"$CONFIG" <<CONF
# Written by scripts/server.sh at each start.
listen: 127.0.0.1:$1
metrics_listen: 127.0.0.1:$2
database: host=127.0.0.1 port=$PGPORT dbname=$PGDATABASE user=demo_service
database_password_file: $RUN_DIR/server.service
authenticator: demo_authenticator
authenticator_password_file: $RUN_DIR/server.authenticator
CONF
    )
}

start() {
    say "Building the server"
    cargo build "${CARGO_LOCKED[@]}" -q --release --manifest-path "$ROOT/Cargo.toml" -p auditlog-server || die "the build of auditlog-server failed"
    stop
    # shellcheck source=/dev/null
    . "$RUN_DIR/env"
    write_people
    make_people
    require_passwords
    local port metrics
    port=$(free_port "$FIRST_PORT")
    metrics=$(free_port $((FIRST_PORT + 1000)))
    write_config "$port" "$metrics"
    setsid nohup "$CARGO_TARGET_DIR/release/auditlog-server" --config "$CONFIG" </dev/null >"$LOG_FILE" 2>&1 &
    echo $! >"$PID_FILE"
    for _ in $(seq 100); do
        curl -fsS -o /dev/null "http://127.0.0.1:$port/ready" 2>/dev/null && break
        running || break
        sleep 0.1
    done
    curl -fsS -o /dev/null "http://127.0.0.1:$port/ready" || {
        tail -n 20 "$LOG_FILE" >&2
        die "auditlog-server didn't start" "its log: $LOG_FILE"
    }
    token=$("$PG_BIN/psql" -XAtq -v ON_ERROR_STOP=1 \
        -c "SET ROLE demo_administrator" \
        -c "SELECT auditlog.create_token('make run', expires_in => interval '30 days')")
    cat >>"$RUN_DIR/env" <<ENV
export AUDITLOG_URL=http://127.0.0.1:$port
export AUDITLOG_TOKEN=$token
ENV
    note "auditlog-server listens on http://127.0.0.1:$port"
    # shellcheck disable=SC2154
    note "log in as demo_administrator, demo_analyst, demo_compliance, demo_manager or demo_user; the password of all: $password"
}

case ${1:-} in
start) start ;;
stop) stop ;;
reset)
    stop
    rm -f "$PEOPLE" "$CONFIG" "$LOG_FILE" "$RUN_DIR/server.service" "$RUN_DIR/server.authenticator"
    ;;
*) die "usage: $0 start|stop|reset" ;;
esac
