#!/usr/bin/env bash
# Builds a program without optimisation, for tests that run it, and prints where it is.
#
#   scripts/debug_program.sh auditlog|auditlog-server
#
# Cargo builds a package again when the packages beside it ask for other features of a dependency. So this asks for what
# the stage `crates` has asked for: the program comes along with a test of it.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"
export CARGO_TARGET_DIR=$AUDITLOG_TARGET # nothing here depends on the major version
case ${1:-} in
auditlog) with=commands ;;
auditlog-server) with=openapi ;;
*) die "there is no program ${1:-without a name}" "name auditlog or auditlog-server" ;;
esac
cargo test "${CARGO_LOCKED[@]}" -q --no-run --workspace --exclude pg_auditlog --test "$with" >&2
printf '%s\n' "$CARGO_TARGET_DIR/debug/$1"
