#!/usr/bin/env python3
"""Checks examples/bi/report.py as logins of three roles. Called by scripts/examples_test.sh; the server is that of PGHOST, PGPORT. Without
SQLAlchemy, pandas and psycopg it says «skipped»; AUDITLOG_BI_PYTHON names a Python that has them."""

import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from checks import EXAMPLES, check, new_database, psql, sealed, until, value

DATABASE = "bi"
PYTHON = os.environ.get("AUDITLOG_BI_PYTHON", "python3")
NEEDED = ("sqlalchemy", "pandas", "psycopg")


def main():
    """All of it."""
    missing = subprocess.run([PYTHON, "-c", f"import {', '.join(NEEDED)}"], stderr=subprocess.DEVNULL, check=False).returncode != 0
    if missing:
        print(f"skipped bi: {PYTHON} has no {', '.join(NEEDED)}")
        return 0
    new_database(DATABASE)
    psql((EXAMPLES / "demo/load.sql").read_text(encoding="utf-8").replace("\\ir ", f"\\i {EXAMPLES}/demo/"), DATABASE, "postgres", "-v", "n=6000")
    sealed(DATABASE)
    psql("""CREATE ROLE bi_ana LOGIN; CREATE ROLE bi_mia LOGIN; CREATE ROLE bi_ann LOGIN; CREATE ROLE bi_nobody LOGIN;
        GRANT auditlog_analyst TO bi_ana; GRANT auditlog_manager TO bi_mia; GRANT auditlog_user TO bi_ann, bi_nobody;
        SELECT auditlog.add_principal('bi_ann', actor_id => 'user_10049', teams => ARRAY['ops']);
        SELECT auditlog.add_principal(actor_id => 'user_10070', teams => ARRAY['ops']);
        SELECT auditlog.add_principal('bi_mia', actor_id => 'user_10000', teams => ARRAY['leads'], manages => ARRAY['ops'])""", DATABASE)
    # Reads are events too: only those of before are counted.
    end = value("SELECT to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SSOF') || ':00'", DATABASE)
    rest = "FROM auditlog.events WHERE \"timestamp\" >= %s - interval '40 days' AND \"timestamp\" < %s" % ((f"timestamptz '{end}'",) * 2)
    mine = {"bi_ana": "true", "bi_mia": "actor_id IN ('user_10049', 'user_10070', 'user_10000')", "bi_ann": "actor_id = 'user_10049'", "bi_nobody": "false"}
    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        for role, condition in mine.items():
            file = pathlib.Path(folder) / f"{role}.csv"
            url = f"postgresql+psycopg://{role}@/{DATABASE}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}"
            run = subprocess.run([PYTHON, "-B", "-W", "error", str(EXAMPLES / "bi/report.py"), url, "--days", "40", "--until", end, "--csv", str(file)],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env={**os.environ, "PGTZ": "Asia/Tokyo"})
            check(f"bi: report.py runs as {role}", run.returncode == 0, run.stdout)
            wanted = value(f"SELECT count(*) {rest} AND {condition}", DATABASE)
            seen[role] = int(wanted)
            failed = value(f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n {rest} AND {condition} AND status IN ('failed', 'denied')"
                           " AND actor_id IS NOT NULL GROUP BY actor_id ORDER BY 1 DESC LIMIT 10) AS f", DATABASE)
            said = [re.search(pattern, run.stdout, re.MULTILINE) for pattern in (r"^events: (\d+) on", r"actors: (\d+)$", r"^written: (\d+)$")]
            numbers = [match and match[1] for match in said]
            check(f"bi: {role} sees {wanted} events, {failed} of them failed, and all are in the CSV", numbers == [wanted, failed, wanted], numbers, run.stdout)
            with open(file, encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
            days = re.findall(r"^\d{4}-\d\d-\d\d (\S+)", run.stdout, re.MULTILINE)
            check(f"bi: the CSV of {role} has each event once, times and days are those of UTC whatever the session's zone",
                  len(rows) == int(wanted) and all(row["timestamp"].endswith("+00:00") for row in rows) and set(days) <= {"00:00:00+00:00"}
                  and bool(days) == bool(rows), rows[:2], days)
    check("bi: a user sees less than the manager, who sees less than the analyst; who is no principal sees nothing",
          0 == seen["bi_nobody"] < seen["bi_ann"] < seen["bi_mia"] < seen["bi_ana"], seen)
    entries = "SELECT count(*) = 1 FROM auditlog.events WHERE event_type = 'auditlog.view' AND db_application = 'report.py' AND db_session_user = 'bi_ana'" \
              " AND (extra #>> '{metadata,rows}')::bigint >= 6000"
    until(entries, DATABASE)
    print("ok bi: what a cursor of the server reads in portions is one entry of the journal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
