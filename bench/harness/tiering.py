"""Tiers: events per second into warm partitions and into the archive, bytes in each, and record() beside it."""

import threading
import time

from .cluster import Failed, Session
from .memory import Watch
from .pgbench import pgbench
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

MOVED = "tiers, moved (events/s)"
BYTES = "tiers, bytes per event"
LATENCY = "tiers, record() at 200/s, mean (ms)"
PATIENCE = 1800
POLICY = "default: {hot_days: 10, warm_days: 300, cold_days: 3000}"


def tiering(cluster, results, plan):
    """A log's months go to warm and then to the archive, while four clients record."""
    cluster.sql("postgres", f"COPY (SELECT 1) TO PROGRAM 'mkdir -p {cluster.directory}/archive'")
    cluster.sql("postgres", f"ALTER SYSTEM SET auditlog.archive = 'file://{cluster.directory}/archive'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    for _ in range(min(plan.rounds, 2)):
        with database(cluster, RECORD) as db:
            load(db, plan.tier_rows)
            undisturbed(cluster, results, lambda db=db: results.add(LATENCY, "alone", pgbench(db, 4, seconds=10, rate=200).latency_ms))
            db.sql(f"SELECT auditlog.set_retention('{POLICY}')")
            # a move can't be measured twice, so nothing is measured again when others disturb it: conditions say how much they did
            move(results, db, "hot", "warm", "90 days", "to_warm")
            move(results, db, "warm", "archive", "400 days", "archive")


def move(results, db, source, target, age, kind):
    """One round of retention as of a later time, beside clients that record."""
    results.begin()
    if source == "hot":
        results.add(BYTES, "hot", size(db) / events(db))
    beside = []
    until = threading.Event()

    def record():
        while not until.is_set():
            beside.append(pgbench(db, 4, seconds=2, rate=200).latency_ms)

    clients = threading.Thread(target=record)
    with Session(db.cluster, db.name) as session, Watch(db.cluster, db.name, "keeper") as memory:
        clients.start()
        begun = time.perf_counter()
        number = session.value(f"SELECT auditlog.run_retention(now() + interval '{age}')")
        while session.value(f"SELECT (ended_at IS NOT NULL)::int FROM auditlog.retention_runs WHERE id = {number}") != "1":
            if time.perf_counter() - begun > PATIENCE:
                raise Failed(f"the round is not over after {PATIENCE} s")
            time.sleep(0.05)
        until.set()
        clients.join()
        error = session.value(f"SELECT coalesce(error, '') FROM auditlog.retention_runs WHERE id = {number}")
        if error:
            raise Failed(f"the round: {error}")
        moved, seconds = session.rows("SELECT sum(events), extract(epoch FROM max(ended_at) - min(begun_at)) "
                                      f"FROM auditlog.retention_moves WHERE kind = '{kind}' AND state = 'done'")[0]
        results.add(MOVED, f"to {target}", float(moved) / float(seconds))
        results.add(LATENCY, f"beside moves to {target}", sum(beside) / len(beside))
        results.add("tiers, memory of the keeper (MB)", f"to {target}", memory.largest)
        if target == "archive":
            archived, kept = session.rows("SELECT sum(bytes), sum(events) FROM auditlog.archive WHERE state = 'live'")[0]
            results.add(BYTES, target, float(archived) / float(kept))
        else:
            results.add(BYTES, target, size(db) / events(db))
    results.commit(0.0)


def size(db):
    """Bytes of the log's partitions."""
    return int(db.sql("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('auditlog_data.log') WHERE isleaf")[0][0])


def events(db):
    """Events in them."""
    return int(db.sql("SELECT count(*) FROM auditlog_data.log")[0][0])
