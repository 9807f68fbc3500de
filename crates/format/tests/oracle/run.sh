#!/usr/bin/env bash
# Hostile events in every format, read by software that is not ours: Python's csv and json, the JSON Schemas of OCSF,
# pycef, liblognorm's CEF parser and rsyslog. What is not installed is said and left out; REQUIRE=1 makes it an error.
#
#   tests/oracle/run.sh [events]       RSYSLOGD, RSYSLOG_MODULES, LOGNORMALIZER: where to find them
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
events=${1:-500}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pg_auditlog/format-oracle
work=$(mktemp -d)
rsyslog_pid=
cleanup() {
  if [ -n "$rsyslog_pid" ]; then kill "$rsyslog_pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

if ! cmp -s "$here/requirements.txt" "$cache/requirements.txt"; then
  rm -rf "$cache"
  python3 -m venv "$cache"
  "$cache/bin/pip" --quiet install --requirement "$here/requirements.txt"
  cp "$here/requirements.txt" "$cache/requirements.txt"
fi

cargo run --quiet -p auditlog-format --example oracle -- "$work" "$events"

missing() {
  echo "not installed: $1" >&2
  if [ "${REQUIRE:-0}" = 1 ]; then exit 1; fi
}

lognormalizer=${LOGNORMALIZER:-$(command -v lognormalizer || true)}
if [ -n "$lognormalizer" ]; then
  printf 'version=2\nrule=:%%f:cef%%\n' > "$work/cef.rb"
  "$lognormalizer" -r "$work/cef.rb" -e json < "$work/cef" > "$work/cef.lognorm"
else
  missing lognormalizer
fi

rsyslogd=${RSYSLOGD:-$(command -v rsyslogd || true)}
if [ -n "$rsyslogd" ]; then
  port=$((20000 + RANDOM % 20000))
  mkdir "$work/spool"
  sed -e "s#@DIR@#$work#g" -e "s#@PORT@#$port#g" "$here/rsyslog.conf" > "$work/rsyslog.conf"
  modules=()
  if [ -n "${RSYSLOG_MODULES:-}" ]; then modules=(-M "$RSYSLOG_MODULES"); fi
  "$rsyslogd" -n "${modules[@]}" -f "$work/rsyslog.conf" -i "$work/pid" &
  rsyslog_pid=$!
  python3 "$here/send.py" "$port" "$work"
else
  missing rsyslogd
fi

"$cache/bin/python" "$here/check.py" "$work"
