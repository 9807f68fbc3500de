#!/usr/bin/env bash
# The tests of auditlog-server against the PostgreSQL that scripts/env.sh chooses; the extension must be installed there.
#
#   tests/server/run.sh                      all
#   tests/server/run.sh stream::             tests whose name contains this
#   UPDATE_SNAPSHOT=1 cargo test -p auditlog-server --test openapi     writes crates/server/openapi.json anew
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
cd "$ROOT"
export CARGO_TARGET_DIR=$AUDITLOG_TARGET # nothing here depends on the major version
# They wait for workers half of the time.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}
# The same choice of packages as in the stage `crates`: so nothing is built twice.
exec cargo test "${CARGO_LOCKED[@]}" -q --workspace --exclude pg_auditlog --test server -- "$@"
