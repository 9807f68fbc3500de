#!/usr/bin/env bash
# The documentation against the product: the tour of README.md, the examples of docs/query-language.md and the shell blocks of
# docs/verify.md as they stand there, the tables of settings, roles and fields, links and paths. Makes a private cluster;
# expects that the extension is installed (scripts/build.sh). docs/verify.md needs the program `auditlog`: AUDITLOG_PROGRAM, or
# it is built here; without cargo that page is skipped.
#
#   tests/docs/run.sh                 PG_BIN=/usr/lib/postgresql/15/bin tests/docs/run.sh: another installation
#   ACCEPT=1 tests/docs/run.sh        writes the results into the three pages: read the diff before you commit it
set -euo pipefail
chosen=${PG_BIN:-}
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# Without our private tree (no scripts/setup.sh yet), Debian's own.
[ -n "$chosen" ] || [ -x "$PG_BIN/postgres" ] || chosen=/usr/lib/postgresql/15/bin
if [ -n "$chosen" ]; then export PG_BIN=$chosen PATH=$chosen:$PATH; fi
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"

if [ -z "${AUDITLOG_PROGRAM:-}" ] && have cargo; then AUDITLOG_PROGRAM=$(bash "$ROOT/scripts/debug_program.sh" auditlog); fi
export AUDITLOG_PROGRAM=${AUDITLOG_PROGRAM:-}

ACCESS_LOG=on start_cluster
"$PG_BIN/createdb" tour
PGDATABASE=tour PGTZ=UTC python3 -B "$ROOT/tests/docs/check.py" "$ROOT"
