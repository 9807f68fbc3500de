#!/usr/bin/env bash
# `upgrade check` of pgrx-embed in a private cluster of the PostgreSQL that scripts/env.sh chooses (PG=15, PG=18 …); the
# extension must be installed there (scripts/build.sh).
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"
cd "$ROOT"

# Before the cluster, so that an error of the compiler costs no server.
export CARGO_TARGET_DIR=$AUDITLOG_TARGET # nothing here depends on the major version
cargo build "${CARGO_LOCKED[@]}" -q -p auditlog-pgrx-embed
start_cluster
"$CARGO_TARGET_DIR/debug/auditlog-pgrx-embed" upgrade check
