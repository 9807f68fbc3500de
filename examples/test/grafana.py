#!/usr/bin/env python3
"""Checks examples/grafana: the files fit together, each query of each dashboard answers, as the role that Grafana has, what it should,
and that role can't see an event. Called by scripts/examples_test.sh; the server is that of PGHOST, PGPORT."""

import datetime
import json
import re
import sys

from checks import EXAMPLES, Refused, check, new_database, psql, refused, sealed, until, value

FOLDER = EXAMPLES / "grafana"
LOGIN = "grafana_auditlog"
DATABASE = "grafana"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Time ranges of a dashboard, and the $__interval that Grafana would take for a panel some 1,000 pixels wide.
RANGES = {"24h": (1, "5m"), "7d": (7, "10m"), "90d": (90, "2h")}
# What the login may use, and nothing else.
ALLOWED = {"event_counts", "samples", "failed_logins", "refusals", "top_actors", "health", "metrics", "integrity", "alerts", "firings", "sinks",
           "workers", "tiers"}


def expanded(sql, since, until_, interval):
    """The query as Grafana's PostgreSQL data source sends it."""
    start, end = (f"'{moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}'" for moment in (since, until_))

    def seconds(text):
        number, unit = re.fullmatch(r"'?(\d+)([smhd])'?", text).groups()
        return int(number) * SECONDS[unit]

    def macro(match):
        name, arguments = match[1], [argument.strip() for argument in match[2].split(",")]
        if name in ("__timeGroup", "__timeGroupAlias"):
            width = seconds(arguments[1])
            group = f"floor(extract(epoch from {arguments[0]})/{width})*{width}"
            # followed by a comma it gets its alias as well
            return group + (' AS "time"' if name.endswith("Alias") or match.string[match.end() : match.end() + 1] == "," else "")
        return {
            "__time": f'{arguments[0]} AS "time"',
            "__timeFilter": f"{arguments[0]} BETWEEN {start} AND {end}",
            "__timeFrom": start,
            "__timeTo": end,
        }[name]

    sql = sql.replace("$__interval_ms", str(seconds(interval) * 1000)).replace("$__interval", interval)
    return re.sub(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)", macro, sql)


def load_dashboards():
    """The dashboards by their uids, after a look at their form."""
    source = (FOLDER / "provisioning/datasources/auditlog.yaml").read_text(encoding="utf-8")
    uid = re.search(r"^ {4}uid: (\S+)$", source, re.MULTILINE)[1]
    kind = re.search(r"^ {4}type: (\S+)$", source, re.MULTILINE)[1]
    check("grafana: the data source names its database in jsonData and takes the password from the environment",
          re.search(r"^ {4}jsonData:\n {6}database: \$", source, re.MULTILINE) and re.search(r"^ {6}password: \$[A-Z_]+$", source, re.MULTILINE)
          and re.search(rf"^ {{4}}user: {LOGIN}$", source, re.MULTILINE))
    dashboards, faults, places = {}, [], []
    for file in sorted((FOLDER / "dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        if board["uid"] in dashboards or file.stem != board["uid"] or len(board["uid"]) > 40:
            faults.append(f"{file.name}: uid {board['uid']}")
        dashboards[board["uid"]] = board
        ids = [panel["id"] for panel in board["panels"]]
        if len(set(ids)) != len(ids):
            faults.append(f"{file.name}: a panel's id twice")
        for panel in board["panels"]:
            name, grid = f"{file.name}: {panel['title']}", panel["gridPos"]
            if not panel["targets"] or len({target["refId"] for target in panel["targets"]}) != len(panel["targets"]):
                faults.append(f"{name}: targets")
            for sourced in (panel, *panel["targets"]):
                if sourced["datasource"] != {"type": kind, "uid": uid}:
                    faults.append(f"{name}: data source {sourced['datasource']}")
            for target in panel["targets"]:
                if not target["rawQuery"] or target["format"] not in ("time_series", "table"):
                    faults.append(f"{name}: format")
            places += [(board["uid"], x, y, name) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])]
            if grid["x"] + grid["w"] > 24:
                faults.append(f"{name}: wider than the page")
    if len({place[:3] for place in places}) != len(places):
        faults.append("panels lie on each other")
    check(f"grafana: {len(dashboards)} dashboards fit together with their data source", len(dashboards) == 2 and not faults, *faults)
    return dashboards


def prepare():
    """A log with something of everything, and what is counted of it."""
    new_database(DATABASE)
    psql(f"ALTER DATABASE {DATABASE} SET auditlog.personal_fields = 'actor.id, actor.email, actor.ip_address, actor.user_agent'", "postgres")
    psql((EXAMPLES / "demo/load.sql").read_text(encoding="utf-8").replace("\\ir ", f"\\i {EXAMPLES}/demo/"), DATABASE, "postgres", "-v", "n=4000")
    # Alerts judge what is sealed from now on; a sink takes all.
    psql("""SELECT auditlog.create_alert($$
        name: "Many failed logins"
        condition: "event_type:authentication.login AND status:failed"
        threshold: {count: 3, window: 5m, group_by: actor.email}
        notification: {severity: high}
        $$);
        SELECT auditlog.create_sink('siem', 'http', '{"url": "https://siem.example.com/events"}');""", DATABASE)
    until("SELECT state = 'active' FROM auditlog.alerts", DATABASE)
    psql("""SELECT auditlog.record('authentication.login', actor => '{"email": "hidden-1@example.com"}', action => '{"status": "failed"}')
            FROM generate_series(1, 3);
        SELECT auditlog.record('document.open', action => '{"status": "denied"}');
        SELECT auditlog.record(format('{"event_type": "document.open", "timestamp": %s, "actor": {"type": "user", "id": "shown-by-name",
            "email": "hidden-2@example.com", "ip_address": "198.51.100.77", "user_agent": "hidden-3", "session_id": "hidden-4"},
            "resource": {"type": "hidden-5", "id": "hidden-6", "cloud_provider": "hidden-7", "account_id": "hidden-8", "region": "hidden-9",
            "tags": {"hidden-10": "hidden-11"}}, "action": {"operation": "hidden-12", "status": "success", "method": "hidden-13"},
            "changes": {"before": {"hidden-14": 1}, "after": {"hidden-15": 1}}, "metadata": {"request_id": "hidden-16", "note": "hidden-17"}}',
            to_json(now() - interval '1 day'))::jsonb) FROM generate_series(1, 500);""", DATABASE)
    until("SELECT count(*) > 0 FROM auditlog.alert_firings", DATABASE)
    sealed(DATABASE)
    script = (FOLDER / "role.sql").read_text(encoding="utf-8")
    psql(script, DATABASE)
    psql(script, DATABASE)
    print("ok grafana: role.sql runs, and runs again")
    psql("SELECT auditlog_grafana.refresh()", DATABASE)
    psql("SELECT auditlog_grafana.refresh()", DATABASE)


def check_queries(dashboards):
    """Each query of each dashboard, over each range, as the login."""
    now = datetime.datetime.now(datetime.UTC)
    for board in dashboards.values():
        ran, empty = 0, set()
        for panel in board["panels"]:
            for target in panel["targets"]:
                # What does not ask for the range is the same in each.
                for name, (days, interval) in list(RANGES.items())[: None if "$__" in target["rawSql"] else 1]:
                    sql = expanded(target["rawSql"], now - datetime.timedelta(days=days), now, interval)
                    where = f"{board['uid']}, {panel['title']}, {name}"
                    try:
                        columns, rows = psql(sql, DATABASE, LOGIN)
                    except Refused as refusal:
                        check(f"grafana: {where}", False, sql, refusal)
                    ran += 1
                    if not rows:
                        empty.add(where)
                    if panel["type"] == "stat" and (len(rows) != 1 or len(columns) != 1 or not rows[0][0]):
                        check(f"grafana: {where} gives one value", False, sql, rows)
                    if target["format"] == "time_series":
                        times = [row[0] for row in rows]
                        numbers = [cell for row in rows for head, cell in zip(columns, row) if head not in ("time", "metric") and cell]
                        if columns[0] != "time" or len(columns) < 2 or times != sorted(times) or not all(map(is_number, numbers)):
                            check(f"grafana: {where} is a series over time", False, sql, columns, rows[:5])
        check(f"grafana: {ran} queries of {board['uid']} answer as {LOGIN}", ran > len(board["panels"]) and not empty, *sorted(empty))


def is_number(text):
    """Is it one, as psql prints it?"""
    return re.fullmatch(r"-?\d+(\.\d+)?(e[-+]?\d+)?", text) is not None


def check_counts():
    """The numbers are those of the log, and stay so."""
    count = "SELECT (SELECT sum(events) FROM auditlog_grafana.event_counts) || '/' || count(*) FROM auditlog.events WHERE log_index <" \
            " (SELECT next_index FROM auditlog_grafana.progress)"
    counted, there = value(count, DATABASE).split("/")
    check(f"grafana: {counted} events are counted, each once", counted == there, there)
    psql("SELECT auditlog.record('document.late', \"timestamp\" => now() - interval '3 days') FROM generate_series(1, 7)", DATABASE)
    sealed(DATABASE)
    left = value("SELECT auditlog_grafana.refresh(batch => 4)", DATABASE)
    psql("SELECT auditlog_grafana.refresh()", DATABASE)
    late = value("SELECT sum(events) FROM auditlog_grafana.event_counts WHERE event_type = 'document.late'"
                 " AND bucket BETWEEN now() - interval '3 days 10 minutes' AND now() - interval '3 days'", DATABASE)
    counted, there = value(count, DATABASE).split("/")
    check("grafana: what comes late is counted where it belongs, in batches too", int(left) > 0 and late == "7" and counted == there, left, late, counted, there)
    actors = "SELECT string_agg(actor, ' ') FROM auditlog_grafana.top_actors(now() - interval '31 days', now(), 50)"
    psql("SELECT auditlog.record('document.open', actor => '{\"id\": \"only-today\"}') FROM generate_series(1, 900)", DATABASE)
    sealed(DATABASE)
    psql("SELECT auditlog_grafana.refresh()", DATABASE)
    names = value(actors, DATABASE, LOGIN).split()
    check("grafana: actors are shown of days that are over", "shown-by-name" in names and "only-today" not in names, names)
    psql("SELECT auditlog.erase('actor.id:\"shown-by-name\"', 'asked for')", DATABASE)
    sealed(DATABASE)
    psql("SELECT auditlog_grafana.refresh()", DATABASE)
    check("grafana: an actor that was erased from the log is gone here", "shown-by-name" not in value(actors, DATABASE, LOGIN).split())


def check_rights():
    """What the login can't do, and that what it can shows nothing of an event."""
    own = "has_schema_privilege(n.oid, 'USAGE') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public')"
    seen = psql(f"""SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {own} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND (CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE') ELSE has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE') END)
        UNION ALL SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE {own} AND has_function_privilege(p.oid, 'EXECUTE')""", DATABASE, LOGIN)[1]
    check("grafana: the login has rights on its views and functions, and on nothing else", sorted(row[0] for row in seen) == sorted(ALLOWED), sorted(seen))
    writes = value("SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'auditlog_grafana'"
                   " AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')", DATABASE, LOGIN)
    check("grafana: the login can write nothing", writes == "0")
    for sql in ("SELECT * FROM auditlog.events", "SELECT * FROM auditlog_data.log", "SELECT * FROM auditlog_data.inbox_0", "SELECT * FROM auditlog.my_events",
                "SELECT * FROM auditlog.search('')", "SELECT auditlog.count('')", "SELECT * FROM auditlog.facets('', 'actor.email')",
                "SELECT * FROM auditlog.alert_firings", "SELECT * FROM auditlog.health()", "COPY auditlog.events TO STDOUT",
                "SELECT * FROM auditlog_grafana.actor_counts", "SELECT * FROM auditlog_grafana.progress", "SELECT auditlog_grafana.refresh()",
                "SET ROLE grafana_auditlog_owner", "SET ROLE auditlog_analyst", "SET SESSION AUTHORIZATION grafana_auditlog_owner",
                "SET default_transaction_read_only = off; CREATE TABLE auditlog_grafana.t ()",
                "SET default_transaction_read_only = off; CREATE OR REPLACE VIEW auditlog_grafana.refusals AS SELECT 1"):
        refused(f"grafana: refused: {sql.removeprefix('SET default_transaction_read_only = off; ')}", sql, DATABASE, LOGIN)
    calls = {"top_actors": "(now() - interval '31 days', now(), 50)", "firings": "(now() - interval '31 days', now())"}
    functions = ALLOWED - {"event_counts", "samples", "failed_logins", "refusals"}
    seen = "".join(str(psql(f"SELECT * FROM auditlog_grafana.{name}{calls.get(name, '()') if name in functions else ''}", DATABASE, LOGIN))
                   for name in sorted(ALLOWED))
    check("grafana: nothing of an event is in all that the login can read", len(seen) > 10000 and not re.search(r"hidden|198\.51\.100\.77|@|siem\.example", seen),
          *re.findall(r".{60}(?:hidden|198\.51\.100\.77|@|siem\.example).{20}", seen)[:3])
    plan = psql("EXPLAIN VERBOSE SELECT * FROM auditlog_grafana.refusals", DATABASE, LOGIN)[1]
    check("grafana: a dashboard's query does not touch the log", not any("auditlog_data" in row[0] for row in plan), plan)


def check_journal():
    """The journal has one entry for each refresh, and the login's attempts."""
    until("SELECT count(*) >= 10 FROM auditlog.events WHERE event_type = 'auditlog.access_denied' AND db_session_user = 'grafana_auditlog'", DATABASE)
    reads = value("SELECT count(*) FROM auditlog.events WHERE event_type IN ('auditlog.view', 'auditlog.search', 'auditlog.export')"
                  f" AND db_session_user = '{LOGIN}'", DATABASE)
    check("grafana: the login has read no event, and what it was refused is in the journal", reads == "0", reads)


def check_job():
    """The scheduler's job counts, as an administrator."""
    psql("CREATE ROLE grafana_admin LOGIN; GRANT auditlog_administrator TO grafana_admin", "postgres")
    before = value("SELECT max(at) FROM auditlog_grafana.samples", DATABASE)
    psql("SELECT auditlog.schedule('grafana', '1 second', 'SELECT auditlog_grafana.refresh()')", DATABASE, "grafana_admin")
    until(f"SELECT count(*) > 0 FROM auditlog_grafana.samples WHERE at > '{before}'", DATABASE)
    psql("SELECT auditlog.unschedule('grafana')", DATABASE, "grafana_admin")
    print("ok grafana: a job of the scheduler counts")


def main():
    """All of it, in an order in which each finds what it needs."""
    dashboards = load_dashboards()
    prepare()
    check_queries(dashboards)
    check_rights()
    check_counts()
    check_journal()
    check_job()
    return 0


if __name__ == "__main__":
    sys.exit(main())
