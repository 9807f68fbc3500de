#!/usr/bin/env bash
# Has a fresh checkout keep the times of files that are as in the run before: keep_times.py says why.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"
mkdir -p "$AUDITLOG_TARGET"
python3 -B scripts/keep_times.py "$AUDITLOG_TARGET/.times.json"
