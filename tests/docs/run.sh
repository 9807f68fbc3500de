#!/usr/bin/env bash
# The documentation against the product: the tour of README.md and the examples of docs/query-language.md as they stand there,
# the tables of settings, roles and fields, links and paths. Makes a private cluster; expects that the extension is installed
# (scripts/build.sh).
#
#   tests/docs/run.sh                 PG_BIN=/usr/lib/postgresql/15/bin tests/docs/run.sh: another installation
#   ACCEPT=1 tests/docs/run.sh        writes the results into the two pages: read the diff before you commit it
set -euo pipefail
chosen=${PG_BIN:-}
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# Without our private tree (no scripts/setup.sh yet), Debian's own.
[ -n "$chosen" ] || [ -x "$PG_BIN/postgres" ] || chosen=/usr/lib/postgresql/15/bin
if [ -n "$chosen" ]; then export PG_BIN=$chosen PATH=$chosen:$PATH; fi
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"

start_cluster
"$PG_BIN/createdb" tour
PGDATABASE=tour PGTZ=UTC python3 -B "$ROOT/tests/docs/check.py" "$ROOT"
