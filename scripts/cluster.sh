#!/usr/bin/env bash
# The private cluster of `make run`: ./.run/pg<major>. It never touches a cluster of the system's.
#
#   scripts/cluster.sh start     make it when missing, start it (or restart it when the extension's library has changed)
#   scripts/cluster.sh stop      stop all that were started from this checkout
#   scripts/cluster.sh status    one line for each
#   scripts/cluster.sh reset     stop them and delete them, with every event in them
#
# As root the server runs as `postgres`. Where that account can't enter the checkout (/root/…), the files go to
# /var/tmp/pg_auditlog-<id> and .run/pg<major> is a link to them; <id> is a hash of the checkout's path.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

CLUSTER=$RUN_DIR/pg$PG_MAJOR
SOCKETS=/tmp/pg_auditlog-$(checkout_id) # short: a socket's path may have 107 bytes
FIRST_PORT=54320
DATABASE=auditlog_demo

# What a running server was started with; when this differs from what is installed, it must be restarted.
library_stamp() { cat "$PG_PREFIX/.from" "$("$PG_CONFIG" --pkglibdir)/pg_auditlog.so" | sha256sum | cut -d' ' -f1; }

# The server's account gets paths without our links, which it may not be able to follow.
real_paths() {
    REAL=$(readlink -m "$CLUSTER")
    DATA=$REAL/data
    LOG=$REAL/postgresql.log
}
real_paths

pg_ctl() { as_postgres "$PG_BIN/pg_ctl" -D "$DATA" "$@" </dev/null; }
running() { pg_ctl status >/dev/null 2>&1; }

# A directory of the server's account; refuses one that somebody else has put there first (/tmp is everybody's).
own_dir() {
    local dir=$1 mode=$2 owner
    [ ! -L "$dir" ] || die "$dir is a symbolic link" "remove it"
    [ -d "$dir" ] || mkdir -m "$mode" "$dir"
    owner=$(stat -c %U "$dir")
    if is_root && [ "$owner" = root ]; then
        chown postgres: "$dir"
    elif [ "$owner" != "$(server_user)" ]; then
        die "$dir belongs to $owner, not to $(server_user)" "it was made by another account: remove it, or run as that account"
    fi
}

make_dirs() {
    if ! mkdir -p "$RUN_DIR" 2>/dev/null || [ ! -w "$RUN_DIR" ]; then
        die "$RUN_DIR is not writable" "it was probably made by root: sudo rm -r $RUN_DIR (with the events in it)"
    fi
    if is_root && ! as_postgres test -x "$RUN_DIR" && [ ! -L "$CLUSTER" ]; then
        local away
        away=/var/tmp/pg_auditlog-$(checkout_id)
        own_dir "$away" 755
        own_dir "$away/pg$PG_MAJOR" 755
        ln -sT "$away/pg$PG_MAJOR" "$CLUSTER"
        note "the account postgres can't enter $RUN_DIR: the cluster is in $away"
    fi
    real_paths
    own_dir "$REAL" 755
    own_dir "$SOCKETS" 755
}

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

choose_port() {
    local port
    port=$(cat "$REAL/port" 2>/dev/null || echo "$FIRST_PORT")
    while ! port_free "$port"; do
        port=$((port + 1))
        [ "$port" -lt $((FIRST_PORT + 1000)) ] || die "no free port from $FIRST_PORT on"
    done
    echo "$port"
}

# Trust is for a demonstration on one's own machine: whoever may log in on this machine may connect as superuser.
make_cluster() {
    say "Making a private cluster of PostgreSQL $PG_MAJOR in .run/pg$PG_MAJOR"
    as_postgres "$PG_BIN/initdb" -D "$DATA" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --data-checksums >/dev/null
    echo "include_if_exists = 'pg_auditlog.conf'" | as_postgres tee -a "$DATA/postgresql.conf" >/dev/null
}

configure() {
    as_postgres tee "$DATA/pg_auditlog.conf" >/dev/null <<CONF
# Written by scripts/cluster.sh at each start: put your own settings into postgresql.auto.conf (ALTER SYSTEM).
shared_preload_libraries = 'pg_auditlog'
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = '$SOCKETS'
max_worker_processes = 16
max_prepared_transactions = 16
cluster_name = 'pg_auditlog $PG_MAJOR'
log_line_prefix = '%m [%p] %q%u@%d '
CONF
}

write_env() {
    cat >"$RUN_DIR/env.new" <<ENV
# The cluster that \`make run\` started: . .run/env && psql
export PGHOST=127.0.0.1
export PGPORT=$1
export PGUSER=postgres
export PGDATABASE=$DATABASE
ENV
    chmod 644 "$RUN_DIR/env.new"
    mv "$RUN_DIR/env.new" "$RUN_DIR/env"
}

start() {
    make_dirs
    local stamp port
    stamp=$(library_stamp)
    if running; then
        port=$(cat "$REAL/port")
        if [ "$(cat "$REAL/started-with" 2>/dev/null)" = "$stamp" ]; then
            write_env "$port"
            note "PostgreSQL $PG_MAJOR is running on 127.0.0.1:$port"
            return 0
        fi
        note "the extension has changed: restarting PostgreSQL"
        pg_ctl -m fast -w -t 60 stop >/dev/null
    fi
    # PG_VERSION is the first file of initdb, global/pg_control comes late: without it, initdb was interrupted.
    if ! as_postgres test -s "$DATA/global/pg_control"; then
        as_postgres rm -rf "$DATA"
        make_cluster
    fi
    port=$(choose_port)
    configure "$port"
    if ! pg_ctl -l "$LOG" -w -t 60 start >/dev/null; then
        tail -n 30 "$LOG" >&2 || true
        die "PostgreSQL $PG_MAJOR didn't start" "the log: $LOG"
    fi
    echo "$port" | as_postgres tee "$REAL/port" >/dev/null
    echo "$stamp" | as_postgres tee "$REAL/started-with" >/dev/null
    write_env "$port"
    note "PostgreSQL $PG_MAJOR started on 127.0.0.1:$port"
}

# Calls the function $1 for every cluster of this checkout, with the paths of its major.
for_each_cluster() {
    local dir found=0
    for dir in "$RUN_DIR"/pg[0-9][0-9]; do
        [ -d "$dir/data" ] || continue
        found=1
        [ "$(stat -L -c %U "$dir/data")" = "$(server_user)" ] ||
            die "$dir belongs to $(stat -L -c %U "$dir/data")" "run this as the account that made it (root for postgres)"
        PG=${dir##*/pg} bash "$0" "$1-one"
    done
    [ "$found" = 1 ] || note "no cluster in $RUN_DIR"
}

stop_one() {
    if running; then
        pg_ctl -m fast -w -t 60 stop >/dev/null
        note "PostgreSQL $PG_MAJOR stopped; its data stay in .run/pg$PG_MAJOR"
    else
        note "PostgreSQL $PG_MAJOR was not running"
    fi
}

status_one() {
    if running; then
        note "PostgreSQL $PG_MAJOR is running on 127.0.0.1:$(cat "$REAL/port")"
    else
        note "PostgreSQL $PG_MAJOR is stopped"
    fi
}

reset_one() {
    stop_one
    rm -rf "$REAL" "$CLUSTER" "$SOCKETS" "$RUN_DIR/env"
    rmdir "/var/tmp/pg_auditlog-$(checkout_id)" 2>/dev/null || true
    note "removed .run/pg$PG_MAJOR"
}

case ${1:-} in
start) start ;;
stop | status | reset) for_each_cluster "$1" ;;
stop-one) stop_one ;;
status-one) status_one ;;
reset-one) reset_one ;;
*) die "usage: $0 start|stop|status|reset" ;;
esac
