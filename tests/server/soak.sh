#!/usr/bin/env bash
# The long form of the live stream's test, some minutes: 100 subscribers of five roles and 20 queries while four clients record
# 2,000 events a second for two minutes, and server and database are restarted and killed. The server is the release build.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/env.sh
. "$here/../../scripts/env.sh"
cd "$ROOT"
(
    export CARGO_TARGET_DIR=$AUDITLOG_TARGET # as in run.sh
    cargo build "${CARGO_LOCKED[@]}" -q --release -p auditlog-server
)
export AUDITLOG_SOAK=1 AUDITLOG_SERVER_BIN=${AUDITLOG_SERVER_BIN:-$AUDITLOG_TARGET/release/auditlog-server}
exec bash "$here/run.sh" --nocapture --test-threads=1 stream_soak::
