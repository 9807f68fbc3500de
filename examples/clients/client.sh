#!/usr/bin/env bash
# The REST API of the audit log with curl and nothing else.
#
#   . .run/env                                        AUDITLOG_URL and AUDITLOG_TOKEN, as `make run` has written them
#   client.sh record FILE [KEY]                       one event, an array (.json) or one a line (.ndjson)
#   client.sh search QUERY [PAGE]                     all events that match, one a line, read in pages of so many
#   client.sh event ID PROOF_FILE                     one event, and its proof into a file
#   client.sh stream QUERY AFTER COUNT                what is sealed behind a log_index, so many events
#   client.sh export FORMAT FILE [QUERY]              a file that is whole, or no file
set -euo pipefail
: "${AUDITLOG_URL:?is not set; . .run/env}" "${AUDITLOG_TOKEN:?is not set; . .run/env}"
API=$AUDITLOG_URL/api/v1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The token comes from a file: the arguments of a process can be seen by others.
(umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$AUDITLOG_TOKEN" >"$work/curl")

# member NAME: a text out of a JSON object that is read from standard input.
member() { printf '%b' "$(sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p')"; }

# Shows what a problem (RFC 9457) says, with the character of the query that it is about.
problem() {
    local title detail excerpt hint
    title=$(member title <"$1") detail=$(member detail <"$1") excerpt=$(member excerpt <"$1") hint=$(member hint <"$1")
    printf '%s: %s\n' "$title" "$detail" >&2
    [ -z "$excerpt" ] || printf '%s\n' "$excerpt" | sed 's/^/    /' >&2
    [ -z "$hint" ] || printf '%s\n' "$hint" >&2
}

# ask BODY_FILE ARGUMENT…: a request; its head is in $work/head. curl itself waits as long as Retry-After says where the answer is 429
# or 503, and asks again: so whatever is asked must be something that may be done twice.
ask() {
    local body=$1 status
    shift
    status=$(curl -sS -K "$work/curl" --retry 8 --retry-connrefused -D "$work/head" -o "$body" -w '%{http_code}' "$@")
    case $status in
    2*) ;;
    *)
        problem "$body"
        return 1
        ;;
    esac
}

# The value of a header, or of a trailer; of the last answer when there were several.
header() { sed -n "s/^$1: *\(.*\)\r\$/\1/Ip" "$work/head" | tail -n 1; }

record() {
    local kind=application/json
    case $1 in *.ndjson) kind=application/x-ndjson ;; esac
    # What is sent again with the same key is not recorded again. Without a key, one that is drawn covers retries of this call.
    ask "$work/body" -H "Content-Type: $kind" -H "Idempotency-Key: ${2:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}" \
        --data-binary "@$1" "$API/events"
    cat "$work/body"
    echo
}

search() {
    local cursor=()
    while :; do
        ask "$work/body" -G -H 'Accept: application/x-ndjson' --data-urlencode "q=$1" --data-urlencode "limit=${2:-1000}" "${cursor[@]}" "$API/audit-logs"
        cat "$work/body"
        [ -n "$(header x-next-cursor)" ] || break
        cursor=(--data-urlencode "cursor=$(header x-next-cursor)")
    done
}

# By a parameter: «.» and «..», which may be ids, would be steps in a path.
event() {
    ask "$work/body" -G --data-urlencode "id=$1" "$API/audit-logs/by-id"
    ask "$2" -G --data-urlencode "id=$1" "$API/audit-logs/by-id/proof"
    cat "$work/body"
    echo
}

stream() {
    local last=$2 left=$3 line name='' id=''
    while :; do
        while IFS= read -r line; do
            case $line in
            'id: '*) id=${line#id: } ;;
            'event: '*) name=${line#event: } ;;
            'data: '*) printf '%s\n' "${line#data: }" >"$work/data" ;;
            '{'*) # not a stream: a refusal
                printf '%s\n' "$line" >"$work/data"
                problem "$work/data"
                return 1
                ;;
            '')
                case $name in
                audit)
                    cat "$work/data"
                    left=$((left - 1))
                    ;;
                skipped) printf 'skipped: %s\n' "$(cat "$work/data")" >&2 ;;
                problem)
                    problem "$work/data"
                    return 1
                    ;;
                esac
                # A place that was dealt with is not asked for again, whatever happens to the connection.
                last=${id:-$last} name='' id=''
                [ "$left" -gt 0 ] || return 0
                ;;
            esac
        done < <(curl -sS -N -G -K "$work/curl" -H "Last-Event-ID: $last" --data-urlencode "query=$1" "$API/audit-logs/stream" && echo)
        sleep 2
    done
}

export_events() {
    ask "$2.part" -H 'TE: trailers' -H 'Content-Type: application/json' --data-binary @- "$API/audit-logs/export" <<BODY
{"format": "$1", "query": "$(printf '%s' "${3:-}" | sed 's/["\\]/\\&/g')"}
BODY
    # The trailer comes behind the last event: without it what came is a part.
    [ -n "$(header x-auditlog-events)" ] || {
        rm -f "$2.part"
        echo "the export broke off" >&2
        return 1
    }
    mv "$2.part" "$2"
    printf '%s events\n' "$(header x-auditlog-events)"
}

case ${1:-} in
record) record "$2" "${3:-}" ;;
search) search "$2" "${3:-}" ;;
event) event "$2" "$3" ;;
stream) stream "$2" "$3" "$4" ;;
export) export_events "$2" "$3" "${4:-}" ;;
*)
    sed -n '4,9s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
