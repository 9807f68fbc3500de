"""Tiers: events per second into warm partitions and into the archive, bytes in each, and record() beside it."""

import re
import statistics
import subprocess
import threading
import time

from .cluster import Failed, Session
from .memory import MemoryWatch
from .pgbench import SCRIPTS
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

MOVED = "tiers, moved (events/s)"
BYTES = "tiers, bytes per event"
LATENCY = "tiers, record() at 200/s (ms)"
PATIENCE = 1800
# Seconds for the disk to come to rest after the log was loaded.
SETTLE = 10
POLICIES = {
    "warm": "default: {hot_days: 1, warm_days: 300, cold_days: 3000}",
    "archive": "default: {hot_days: 1, warm_days: 2, cold_days: 3000}",
}


def tiering(cluster, results, plan):
    """A log's months go to warm and then to the archive, while four clients record."""
    cluster.sql("postgres", f"COPY (SELECT 1) TO PROGRAM 'mkdir -p {cluster.directory}/archive'")
    cluster.sql("postgres", f"ALTER SYSTEM SET auditlog.archive = 'file://{cluster.directory}/archive'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    for _ in range(min(plan.rounds, 2)):
        with database(cluster, RECORD) as db:
            load(db, plan.tier_rows)
            time.sleep(SETTLE)
            undisturbed(cluster, results, lambda db=db: results.add(LATENCY, "alone", alone(db)))
            # a move can't be measured twice, so nothing is measured again when others disturb it: conditions say how much they did
            move(results, db, "warm", "to_warm")
            move(results, db, "archive", "archive")


class Clients:
    """Four clients that record 200 events a second; `latency` is the median of the means of their seconds, in ms."""

    def __init__(self, db):
        script = (SCRIPTS / f"{db.variant.script}.sql").read_text(encoding="utf-8")
        self.process = subprocess.Popen(
            db.cluster.command("pgbench", "-n", "-M", "prepared", "-c", "4", "-j", "2", "-U", "bench_app", "-R", "200", "-T", str(PATIENCE),
                               "-P", "1", "-f", "-", db.name),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=db.cluster.environment, cwd="/")
        self.process.stdin.write(script)
        self.process.stdin.close()
        self.seconds = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        time.sleep(2)  # connections and caches
        self.seconds.clear()

    def read(self):
        """Until pgbench ends."""
        for line in self.process.stderr:
            if found := re.search(r"lat ([\d.]+) ms", line):
                self.seconds.append(float(found[1]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.reader.join()

    def latency(self):
        """Of what they have said so far."""
        if not self.seconds:
            raise Failed("pgbench has said nothing")
        return statistics.median(self.seconds)


def alone(db):
    """Their latency when nothing else happens, but that somebody looks as often as during a move: only the move shall differ."""
    with Clients(db) as clients, Session(db.cluster, db.name) as session, MemoryWatch(db.cluster, db.name, "keeper"):
        begun = time.perf_counter()
        while time.perf_counter() - begun < 15:
            session.rows("SELECT (ended_at IS NOT NULL)::int FROM auditlog.retention_runs WHERE id = 0")
            time.sleep(0.05)
        return clients.latency()


def move(results, db, target, kind):
    """One round of retention for the months before this one, beside clients that record."""
    results.begin()
    db.sql(f"SELECT auditlog.set_retention('{POLICIES[target]}')")
    with Clients(db) as clients, Session(db.cluster, db.name) as session, MemoryWatch(db.cluster, db.name, "keeper") as memory:
        begun = time.perf_counter()
        number = session.value("SELECT auditlog.run_retention(now())")
        while session.value(f"SELECT (ended_at IS NOT NULL)::int FROM auditlog.retention_runs WHERE id = {number}") != "1":
            if time.perf_counter() - begun > PATIENCE:
                raise Failed(f"the round is not over after {PATIENCE} s")
            time.sleep(0.05)
        latency = clients.latency()
        error = session.value(f"SELECT coalesce(error, '') FROM auditlog.retention_runs WHERE id = {number}")
        if error:
            raise Failed(f"the round: {error}")
        moved, before, after, seconds = (float(value) for value in session.rows(
            "SELECT sum(events), sum(bytes_before), sum(bytes_after), extract(epoch FROM max(ended_at) - min(begun_at)) "
            f"FROM auditlog.retention_moves WHERE kind = '{kind}' AND state = 'done'")[0])
        results.add(MOVED, f"to {target}", moved / seconds)
        results.add(LATENCY, f"beside moves to {target}", latency)
        results.add("tiers, memory of the keeper (MB)", f"to {target}", memory.largest)
        if target == "archive":
            after = float(session.value("SELECT sum(bytes) FROM auditlog.archive WHERE state = 'live'"))
        else:
            results.add(BYTES, "hot", before / moved)
        results.add(BYTES, target, after / moved)
    results.commit(0.0)
