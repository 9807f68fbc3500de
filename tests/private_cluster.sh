# shellcheck shell=bash
# Sourced by the run.sh of the regress and isolation suites, after scripts/env.sh: a private cluster with the extension
# preloaded, reached through PGHOST, PGPORT, PGUSER; it goes when the script ends.

start_cluster() {
    CLUSTER=$(mktemp -d /tmp/pgal.XXXXXX) # short: the path of a Unix socket may have 107 bytes
    trap stop_cluster EXIT
    trap 'exit 130' INT TERM
    if is_root; then chown postgres: "$CLUSTER"; fi
    chmod 755 "$CLUSTER"
    as_postgres "$PG_BIN/initdb" -D "$CLUSTER/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    printf '%s\n' "listen_addresses = ''" "port = 5432" "unix_socket_directories = '$CLUSTER'" "fsync = off" \
        "shared_preload_libraries = 'pg_auditlog'" "max_prepared_transactions = 10" "max_worker_processes = 100" "log_line_prefix = '%m [%p] %b %d '" \
        "auditlog.access_log = ${ACCESS_LOG:-off}" \
        "auditlog.sample_interval = 0" \
        >>"$CLUSTER/data/postgresql.conf"
    as_postgres "$PG_BIN/pg_ctl" -D "$CLUSTER/data" -l "$CLUSTER/log" -w -t 120 start </dev/null >/dev/null || {
        cat "$CLUSTER/log" >&2
        die "the cluster does not start"
    }
    export PGHOST=$CLUSTER PGPORT=5432 PGUSER=postgres
    unset PGDATABASE PGOPTIONS PGSERVICE PGPASSWORD
}

stop_cluster() {
    local status=$?
    as_postgres "$PG_BIN/pg_ctl" -D "$CLUSTER/data" -m immediate -w stop </dev/null >/dev/null 2>&1 || true
    rm -rf "$CLUSTER"
    return "$status"
}

# pgxs_test NAME: PostgreSQL's own test driver. The wheel of 18 has none; Debian's drives a server of any version.
pgxs_test() {
    local dir found
    for dir in "$("$PG_CONFIG" --pkglibdir)" /usr/lib/postgresql/15/lib; do
        found=$dir/pgxs/src/test/$1
        if [ -x "$found" ]; then
            printf '%s\n' "$found"
            return
        fi
    done
    die "no $1" "install postgresql-server-dev-15"
}

# report LOG STATUS: the drivers' verdict as one line in our form. The drivers of PostgreSQL 15 and before write
# "All 9 tests passed." or "2 of 9 tests failed."; later ones the same behind a "#".
report() {
    local log=$1 status=$2 total failed
    if total=$(sed -n 's/^[# ]*All \([0-9]*\) tests passed.*/\1/p' "$log") && [ -n "$total" ]; then
        failed=0
    else
        read -r failed total < <(sed -n 's/^[# ]*\([0-9]*\) of \([0-9]*\) tests failed.*/\1 \2/p' "$log") || true
    fi
    if [ -z "${total:-}" ]; then
        tail -n 30 "$log"
        echo "0 passed, 1 failed"
        return 1
    fi
    printf '%d passed, %d failed\n' $((total - failed)) "$failed"
    [ "$failed" -eq 0 ] && [ "$status" -eq 0 ]
}
