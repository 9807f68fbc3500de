#!/bin/sh
# Measures pg_auditlog beside a plain table and a naive chain; `bench/run.sh --help` lists the options.
# PG_BIN: PostgreSQL's programs. BENCH_DIR: where the private cluster lives (default /tmp/pg_auditlog_bench).
set -eu
cd "$(dirname "$0")"
exec python3 -B run.py "$@"
