#!/usr/bin/env bash
# `make docs`: the API documentation of every crate, warnings being errors, the README's tour run as a test, and a sample report of
# each framework.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

bash scripts/setup.sh
bash scripts/lint.sh rustdoc
note "API documentation: $CARGO_TARGET_DIR/doc/auditlog_core/index.html"
bash scripts/test.sh docs
bash scripts/sample_reports.sh
