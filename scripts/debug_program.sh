#!/usr/bin/env bash
# Builds the program `auditlog` without optimisation, for tests that run it, and prints where it is.
#
# Cargo builds a package again when the packages beside it ask for other features of a dependency. So this asks for what
# the stage `crates` has asked for: the program comes along with a test of it.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"
export CARGO_TARGET_DIR=$AUDITLOG_TARGET # nothing here depends on the major version
cargo test "${CARGO_LOCKED[@]}" -q --no-run --workspace --exclude pg_auditlog --test commands >&2
printf '%s\n' "$CARGO_TARGET_DIR/debug/auditlog"
