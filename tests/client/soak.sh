#!/usr/bin/env bash
# The long form of the crash, load and query tests, some minutes: 64 clients record a million events while the server is killed
# with signal 9 at random moments, 20 rounds; twelve writers at all isolation levels, beside a prepared and an open transaction;
# 5,000 random queries on every path; a million random strings as queries; three years of retention month by month; archive, sinks,
# exports and alerts under kill -9; 1,000 schedules of faults for sinks; every page as every role in four looks (tests/browser).
# Arguments choose among the first three.
set -euo pipefail
export AUDITLOG_SOAK=1 AUDITLOG_QUERIES=5000
here=$(dirname "$0")
if [ $# -gt 0 ]; then exec bash "$here/run.sh" --nocapture --test-threads=1 "$@"; fi
bash "$here/run.sh" --nocapture --test-threads=1 crash:: concurrency::no_writer query::differential \
    retention:: sinks::crashes exports::crashes alerts::restarts::crashes alerts::delivery::nothing
# shellcheck source=scripts/env.sh
. "$here/../../scripts/env.sh"
cd "$ROOT"
cargo test --release -q -p auditlog-query --test robustness -- --ignored --nocapture
cargo test --release -q -p auditlog-stream
bash tests/browser/run.sh
