"""Exports: events as lines of a format, beside what COPY does with the same events."""

import subprocess
import time

from .cluster import Failed, Session
from .memory import MemoryWatch
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

RATE = "export (events/s)"
MEMORY = "handing over the long log, memory (MB)"
STATEMENTS = {
    "COPY": "SELECT * FROM auditlog.events ORDER BY log_index",
    "json": "SELECT * FROM auditlog.export_rows('json')",
    "csv": "SELECT * FROM auditlog.export_rows('csv')",
    "ocsf": "SELECT * FROM auditlog.export_rows('ocsf')",
}


def exporting(cluster, results, plan):
    """COPY of all events beside export_rows() of them, to a client that throws them away; and auditlog.export() to a file."""
    with database(cluster, RECORD) as db:
        rows = min(plan.search_rows, 200_000)
        load(db, rows)
        events = int(db.sql("SELECT count(*) FROM auditlog.events")[0][0])
        for number in range(plan.rounds):
            for name in rotated(list(STATEMENTS), number):
                undisturbed(cluster, results, lambda name=name: results.add(
                    RATE, name, events / seconds(cluster, db.name, f"COPY ({STATEMENTS[name]}) TO STDOUT")))
            undisturbed(cluster, results, lambda number=number: results.add(
                RATE, "json to a file", events / to_file(cluster, db, f"{cluster.directory}/export-{number}-{time.monotonic_ns()}.ndjson")))


def rotated(names, number):
    """Each round begins with another one."""
    first = number % len(names)
    return names[first:] + names[:first]


def seconds(cluster, name, statement):
    """How long a client waits for a statement whose rows it throws away."""
    started = time.perf_counter()
    done = subprocess.run(cluster.command("psql", "-XAtq", "-d", name, "-c", statement), stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=cluster.environment, cwd="/", check=False)
    if done.returncode != 0:
        raise Failed(f"{statement}\n{done.stderr.decode()[-2000:]}")
    return time.perf_counter() - started


def to_file(cluster, db, path):
    """How long auditlog.export() takes, from asking for it to its manifest."""
    started = time.perf_counter()
    number = db.sql(f"SELECT auditlog.export('json', '', NULL, NULL, '{path}')")[0][0]
    while True:
        state, error = db.sql(f"SELECT state, coalesce(error, '') FROM auditlog.exports WHERE id = {number}")[0]
        if state == "done":
            return time.perf_counter() - started
        if state not in ("waiting", "running"):
            raise Failed(f"the export {state}: {error}")
        time.sleep(0.02)


def all_of_it(cluster, results, db, rows):
    """The memory of the workers while a long log goes to a file: as an export, and by a sink."""
    results.begin()
    # The worker's own setting: ten million events are more than an export may have by default.
    cluster.sql("postgres", "ALTER SYSTEM SET auditlog.export_max_size = '100GB'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    with MemoryWatch(cluster, db.name, "exporter") as memory:
        seconds = to_file(cluster, db, f"{cluster.directory}/all.ndjson")
    results.add(RATE, f"json to a file, {rows:,} events", rows / seconds)
    results.add(MEMORY, "exporter", memory.largest)
    config = f'{{"path": "{cluster.directory}/streamed.jsonl"}}'
    with MemoryWatch(cluster, db.name, "streamer") as memory, Session(cluster, db.name) as session:
        session.rows(f"SELECT auditlog.create_sink('all', 'file', '{config}', from_index => 0)")
        begun = time.perf_counter()
        while session.value(f"SELECT (position + 1 >= {rows})::int FROM auditlog.sinks WHERE name = 'all'") != "1":
            if time.perf_counter() - begun > 3600:
                raise Failed("the sink is not at the end of the log after an hour")
            time.sleep(0.5)
        results.add("streaming (events/s)", f"file, {rows:,} events", rows / (time.perf_counter() - begun))
        session.rows("SELECT auditlog.drop_sink('all')")
    results.add(MEMORY, "streamer", memory.largest)
    results.commit(0.0)
