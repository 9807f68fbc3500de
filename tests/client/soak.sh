#!/usr/bin/env bash
# The long form of the crash and load tests, some minutes: 64 clients record 50,000 events while the server is killed with
# signal 9 at random moments, 20 rounds; twelve writers at all isolation levels, beside a prepared and an open transaction.
set -euo pipefail
export AUDITLOG_SOAK=1
exec bash "$(dirname "$0")/run.sh" --nocapture --test-threads=1 crash:: concurrency::no_writer "$@"
