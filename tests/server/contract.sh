#!/usr/bin/env bash
# auditlog-server against its own description (crates/server/openapi.json): Schemathesis makes requests out of it, good ones and bad ones, as each
# of the five roles and as nobody, and judges each answer by it; others.py tries what others' lists show. Afterwards no answer was 5xx, and
# the log is what it was. Expects that the extension is installed (scripts/build.sh).
#
#   tests/server/contract.sh [ROLE…]       nobody, user, manager, compliance, analyst, administrator
#   AUDITLOG_SOAK=1                        hundreds of requests for each operation (make soak); AUDITLOG_EXAMPLES says how many
#   AUDITLOG_SERVER_BIN                    a server that is built already
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
# shellcheck source=tests/private_cluster.sh
. "$ROOT/tests/private_cluster.sh"
# shellcheck source=tests/private_server.sh
. "$ROOT/tests/private_server.sh"
CONTRACT=$ROOT/tests/server/contract
export CONTRACT

passed=0 failed=0 skipped=0

# The tools, each version by its hash, in an environment of their own; made anew when the list has changed.
schemathesis() {
    TOOLS=$AUDITLOG_CACHE/schemathesis-$(sha256sum "$CONTRACT/requirements.txt" | cut -c1-12)
    [ ! -e "$TOOLS/.installed" ] || return 0
    rm -rf "$TOOLS"
    python3 -m venv "$TOOLS" &&
        "$TOOLS/bin/python" -m pip install -q --no-deps --only-binary :all: --require-hashes -r "$CONTRACT/requirements.txt" &&
        touch "$TOOLS/.installed"
}

# as_role ROLE: all that the description has, as one of the people.
as_role() {
    local role=$1 log=$work/$1.log auth=() status=0 tested unique
    [ "$role" = nobody ] || auth=(--auth "demo_$role:$PASSWORD")
    # --workers 2: more would only find the database's locks.
    (cd "$work" && "$TOOLS/bin/st" --no-color --config-file "$CONTRACT/schemathesis.toml" run "$AUDITLOG_URL/openapi.json" "${auth[@]}" \
        --max-examples "$examples" --workers 2) >"$log" 2>&1 || status=$?
    tested=$(sed -n 's/^ *Tested: \([0-9]*\).*/\1/p' "$log")
    unique=$(sed -n 's/.* found \([0-9]*\) unique failures*.*/\1/p' "$log")
    if [ "$status" -eq 0 ] && [ "${tested:-0}" -gt 0 ]; then
        printf 'ok contract: %s: %s operations, %s\n' "$role" "$tested" "$(sed -n 's/^ *\([0-9]* generated\).*/\1/p' "$log")"
        passed=$((passed + tested))
    else
        cat "$log"
        failed=$((failed + (${unique:-0} > 0 ? ${unique:-0} : 1)))
    fi
}

# expect NAME SEEN: one more check, that there is nothing to be seen.
expect() {
    if [ -z "$2" ]; then
        printf 'ok contract: %s\n' "$1"
        passed=$((passed + 1))
    else
        printf 'not ok contract: %s\n%s\n' "$1" "$2"
        failed=$((failed + 1))
    fi
}

examples=${AUDITLOG_EXAMPLES:-2}
[ -z "${AUDITLOG_SOAK:-}" ] || examples=${AUDITLOG_EXAMPLES:-200}
start_cluster
serve contract 2000 "rate_requests: 10000000" "rate_refusals: 10000000" "rate_exports: 10000000" "streams_per_identity: 1000"
work=$CLUSTER/contract
mkdir "$work"
psql=("$PG_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -d "$SERVED_DB")
# Events of somebody whom the user is and of somebody whom the manager sees, so that live streams have something to say. Ends with the cluster.
printf '%s\n' "SELECT auditlog.record('contract.tick', jsonb_build_object('type', 'user', 'id', id)) FROM unnest(ARRAY['user_10021', 'user_10000']) AS id \\watch 0.2" |
    "${psql[@]}" >/dev/null 2>&1 &

status=0
output=$(python3 -B "$CONTRACT/others.py" "$AUDITLOG_URL" "$PASSWORD") || status=$?
printf '%s\n' "$output"
passed=$((passed + $(grep -c '^ok' <<<"$output" || true)))
[ "$status" -eq 0 ] || failed=$((failed + 1))

# Administrators last: they change what the others are.
[ $# -gt 0 ] || set -- nobody user manager compliance analyst administrator
if schemathesis; then
    for role; do as_role "$role"; done
else
    echo "skipped contract: Schemathesis can't be had"
    skipped=$#
fi

# 503 and 504 are answers too: something was locked, or took too long.
expect "no answer is the server's fault" "$(grep -E '"status":5(0[0-25-9]|[1-9])|panicked' "$SERVER_LOG" | head -n 5)"
expect "nothing was changed in the log" "$("${psql[@]}" -c 'SELECT * FROM auditlog.verify() LIMIT 5')"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
