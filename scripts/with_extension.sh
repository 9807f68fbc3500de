#!/usr/bin/env bash
# Runs a script of another folder (bench/run.sh, …) with the release build installed and PG_BIN, PG_MAJOR set.
#
#   scripts/with_extension.sh FILE [ARGUMENT…]
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

[ -r "${1:?a script to run}" ] || die "there is no $1"
bash scripts/setup.sh
bash scripts/build.sh release
exec bash "$@"
