"""Reports: one over many events, beside the plain SQL of its sections; and the memory that it takes."""

import json
import re
import subprocess
import time
from pathlib import Path

from .cluster import Failed, Session
from .exporting import rotated
from .memory import MemoryWatch
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

TIME = "report (s)"
MEMORY = "report, memory (MB)"
PAGES = "a table of 5,000 rows as PDF (s)"
PAGES_MEMORY = "a table of 5,000 rows as PDF, memory (MB)"
# What an auditor would ask by hand for one section: how many, by whom, of what, a sample, the first rows.
SECTION = """
WITH p AS MATERIALIZED (
    SELECT e.log_index, e."timestamp" AS at, e.actor_id, e.resource_id{columns} FROM auditlog.events AS e
    WHERE auditlog.matches(e, {query}) AND e.log_index < {size} AND e."timestamp" >= {since} AND e."timestamp" < {until})
SELECT (SELECT count(*) FROM p), (SELECT count(DISTINCT actor_id) FROM p), (SELECT count(DISTINCT resource_id) FROM p),
    (SELECT min(at) FROM p), (SELECT max(at) FROM p){groups},
    (SELECT array_agg(s.log_index) FROM (SELECT p.log_index FROM p ORDER BY sha256(convert_to('x' || p.log_index, 'UTF8')) LIMIT 25) AS s),
    (SELECT array_agg(d.n) FROM (SELECT count(*) AS n FROM p GROUP BY date_trunc('week', at)) AS d),
    (SELECT array_agg(auditlog.to_json(e)) FROM auditlog.events AS e WHERE e.log_index IN (SELECT log_index FROM p ORDER BY 1 LIMIT 500))
"""


def reporting(cluster, results, plan):
    """A SOC 2 report over all events, and the statements that would give its sections' figures by hand."""
    with database(cluster, RECORD) as db:
        load(db, plan.search_rows)
        with Session(cluster, db.name) as session:
            session.rows("SELECT auditlog.checkpoint()")
            statements = by_hand(session)
            for number in range(plan.rounds):
                for name in rotated(["report", "by hand"], number):
                    if name == "report":
                        undisturbed(cluster, results, lambda: made(cluster, results, db, session))
                    else:
                        undisturbed(cluster, results, lambda: asked(results, session, statements))
    for _ in range(plan.rounds):
        results.begin()
        pages(results)
        results.commit(0.0)


def pages(results):
    """Pages of a long table, in a process of their own (crates/report/examples/pdf_bench.rs)."""
    command = ["cargo", "run", "--release", "--locked", "--quiet", "-p", "auditlog-report", "--example", "pdf_bench"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    found = re.search(r"rows: (\d+) ms, .* peak ([0-9.]+) MB", done.stdout)
    if not found:
        raise Failed(done.stderr or done.stdout)
    results.add(PAGES, "krilla", int(found[1]) / 1000)
    results.add(PAGES_MEMORY, "krilla", float(found[2]))


def made(cluster, results, db, session):
    """One report, from asking for it to its files, and the memory of its worker."""
    with MemoryWatch(cluster, db.name, "reporter") as memory:
        begun = time.perf_counter()
        number = session.value("SELECT auditlog.generate_report('soc2', '1990-01-01', '2100-01-01')")
        while (state := session.value(f"SELECT state FROM auditlog.reports WHERE id = {number}")) in ("waiting", "running"):
            time.sleep(0.05)
        if state != "done":
            raise Failed(session.value(f"SELECT error FROM auditlog.reports WHERE id = {number}"))
        results.add(TIME, "report", time.perf_counter() - begun)
    results.add(MEMORY, "reporter", memory.largest)


def asked(results, session, statements):
    """The same by hand."""
    begun = time.perf_counter()
    for statement in statements:
        session.rows(statement)
    results.add(TIME, "by hand", time.perf_counter() - begun)


def by_hand(session):
    """A statement for each section with a query: its population, and one for each of its exceptions."""
    found = []
    size = session.value("SELECT max(log_index) + 1 FROM auditlog.events")
    bounds = {"size": size, "since": "'1990-01-01'", "until": "'2100-01-01'"}
    rows = session.rows("SELECT quote_literal(regexp_replace(c.query, '\\$[a-z_]+', '5', 'g')), coalesce(c.definition -> 'group_by', '[]')::text,"
                        " (SELECT coalesce(json_agg(quote_literal(regexp_replace(x ->> 'query', '\\$[a-z_]+', '5', 'g'))), '[]')"
                        "     FROM jsonb_array_elements(coalesce(c.definition -> 'exceptions', '[]')) AS x)::text"
                        " FROM auditlog.controls AS c WHERE c.framework = 'soc2' AND c.query IS NOT NULL")
    columns = {"actor.id": "e.actor_id", "resource.id": "e.resource_id", "event_type": "e.event_type", "actor.ip_address": "e.actor_ip::text"}
    for query, groups, exceptions in rows:
        names = [columns.get(name, "e.extra #>> '{" + name.replace(".", ",") + "}'") for name in json.loads(groups)]
        keys = ", ".join(f"g{i}" for i in range(len(names)))
        grouped = f", (SELECT array_agg(n) FROM (SELECT {keys}, count(*) AS n, count(DISTINCT actor_id), count(DISTINCT resource_id), min(at), max(at)" \
                  f" FROM p GROUP BY {keys} ORDER BY count(*) DESC LIMIT 50) AS g)" if names else ""
        found.append(SECTION.format(query=query, columns="".join(f", {name} AS g{i}" for i, name in enumerate(names)), groups=grouped, **bounds))
        for exception in json.loads(exceptions):
            found.append(f"SELECT count(*), (array_agg(e.log_index))[1:500] FROM auditlog.events AS e WHERE auditlog.matches(e, {query})"
                         f" AND auditlog.matches(e, {exception}) AND e.log_index < {size}"
                         " AND e.\"timestamp\" >= '1990-01-01' AND e.\"timestamp\" < '2100-01-01'")
    return found
