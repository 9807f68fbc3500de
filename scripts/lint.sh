#!/usr/bin/env bash
# `make lint`: format, clippy, documentation, shell and Python syntax, the layering rules of docs/ARCHITECTURE.md, and the
# rules for security-definer functions. Runs every check, then says which failed.
#
#   scripts/lint.sh [CHECK…]       only these; the names are those of the output
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
cd "$ROOT"

only=("$@")
passed=0 failed=0

# check NAME COMMAND…
check() {
    local name=$1 start=$SECONDS
    shift
    if [ ${#only[@]} -gt 0 ] && ! printf '%s\n' "${only[@]}" | grep -qxF -- "$name"; then return 0; fi
    say "$name"
    if "$@" </dev/null; then
        passed=$((passed + 1))
        note "$name: ok ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1))
        note "$name: FAILED"
    fi
}

# Files of the project by name pattern, without what is built, fetched or run here; NUL-separated.
files() {
    find . \( -name target -o -name .git -o -name .run -o -name node_modules \) -prune -o -type f -name "$1" -print0 | LC_ALL=C sort -z
}

clippy() {
    # `check` asks for its status, so that set -e does not end it at the first failure.
    cargo clippy "${CARGO_LOCKED[@]}" --workspace --all-targets "${PG_FEATURES[@]}" -- -D warnings || return
    # all targets but those with test = false
    cargo clippy "${CARGO_LOCKED[@]}" --workspace --test client "${PG_FEATURES[@]}" -- -D warnings
}

rustdoc() {
    RUSTDOCFLAGS='-D warnings' cargo doc "${CARGO_LOCKED[@]}" --workspace --no-deps --document-private-items "${PG_FEATURES[@]}"
}

shell_scripts() { { files '*.sh' && printf '%s\0' ./.ci/run ./scripts/sudo/sudo; } | xargs -0 shellcheck -x -P "$ROOT"; }

python_syntax() {
    files '*.py' | xargs -0 -r python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)'
}

if ! have cargo-pgrx || ! have shellcheck || [ ! -x "$PG_CONFIG" ]; then bash scripts/setup.sh --lint; fi
check rustfmt cargo fmt --all --check
check clippy clippy
check rustdoc rustdoc
check shellcheck shell_scripts
check python python_syntax
check layers python3 -B scripts/check_layers.py
check sql python3 -B scripts/check_sql.py
check snapshot cargo run -q "${CARGO_LOCKED[@]}" -p auditlog-pgrx-embed -- snapshot check

say "lint"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
