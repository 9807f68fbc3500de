#!/usr/bin/env bash
# The client suite against the PostgreSQL that scripts/env.sh chooses (PG=15, PG=18 …); the extension must be installed there.
#
#   tests/client/run.sh                      all
#   tests/client/run.sh crash::              tests whose name contains this
#   AUDITLOG_SOAK=1 tests/client/run.sh crash::nothing_acknowledged     64 clients, 50,000 events, 20 kills
#   AUDITLOG_SEED=… repeats a run with the random choices that it printed
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
cd "$ROOT"
export CARGO_TARGET_DIR=$AUDITLOG_TARGET # nothing here depends on the major version
AUDITLOG_PROGRAM=$(bash scripts/debug_program.sh auditlog)
export AUDITLOG_PROGRAM
# They wait for workers half of the time.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}
exec cargo test "${CARGO_LOCKED[@]}" -q --workspace --exclude pg_auditlog --test client -- "$@"
