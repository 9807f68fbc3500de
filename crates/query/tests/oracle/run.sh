#!/usr/bin/env bash
# Compares the evaluator with another engine, @terascope/data-mate (xLucene), on random pairs of a query and a document in
# the subset that both dialects share. Not part of the usual tests: it needs node, npm and npm's registry.
# Usage: crates/query/tests/oracle/run.sh [pairs, default 2000] [seed, default 1]
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
WORK=${TMPDIR:-/tmp}/auditlog-oracle

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: node or npm is absent"
    exit 0
fi
mkdir -p "$WORK"
if [ ! -d "$WORK/node_modules/@terascope/data-mate" ]; then
    (cd "$WORK" && npm init -y && npm install --ignore-scripts @terascope/data-mate@1.8.2) >"$WORK/npm.log" 2>&1 || {
        echo "skipped: npm cannot install the oracle, see $WORK/npm.log"
        exit 0
    }
fi
cd "$HERE/../../../.."
cargo build -q --release -p auditlog-query --example decide
DECIDE=${CARGO_TARGET_DIR:-target}/release/examples/decide
# modules are looked for beside the script
cp "$HERE"/*.mjs "$WORK/"
node "$WORK/compare.mjs" "$DECIDE" "${1:-2000}" "${2:-1}"
