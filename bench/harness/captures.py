"""Row capture: what an UPDATE costs beside the unaudited one and beside a trigger in PL/pgSQL."""

import time
from contextlib import ExitStack, contextmanager

from .cluster import Failed, Session
from .pgbench import pgbench
from .quiet import undisturbed
from .variants import Database, Variant, rotated

UNAUDITED = Variant("unaudited", ("capture",), "update_one", False)
TRACKED = Variant("auditlog.track", ("capture", "capture_track"), "update_one", True)
PLPGSQL = Variant("plpgsql trigger", ("capture", "capture_plpgsql"), "update_one", False)
LOOP = "capture, UPDATE of one row in a loop (µs)"
CPU = "capture, CPU of an UPDATE in a loop (µs)"
ONE = "capture, UPDATE of one row (µs)"
DURABLE = "capture, UPDATE of one row, flushed (µs)"
EXTRA = "capture, extra CPU of an UPDATE (µs)"
MANY = "capture, UPDATE of many rows (rows/s)"
ROWS = 10_000
TURNS = 5


class Captured(Database):
    """A database with the table whose changes are captured; those of all variants are there at the same time."""

    def __init__(self, cluster, variant):
        super().__init__(cluster, variant)
        self.name = f"bench_{variant.setup[-1]}"
        self.changes = 0

    def prepare(self, rows):
        """Creates it with so many rows."""
        self.cluster.sql("postgres", f"CREATE DATABASE {self.name} TEMPLATE template0")
        self.load("common")
        for name in self.variant.setup:
            self.load(name, {"rows": rows})
        self.before = self.settled()
        self.cluster.checkpoint()

    def settled(self):
        """Events that were recorded, once all are sealed; those of the trigger in PL/pgSQL."""
        if self.variant is PLPGSQL:
            return int(self.sql("SELECT count(*) FROM bench.row_history")[0][0])
        if not self.variant.sealed:
            return 0
        with Session(self.cluster, self.name) as session:
            started = time.monotonic()
            while int(session.value("SELECT count(*) FROM auditlog_data.inbox")):
                if time.monotonic() - started > 600:
                    raise Failed("the sealer does not catch up")
                time.sleep(0.02)
            return int(session.value("SELECT count(*) FROM auditlog.events"))

    def update(self, seconds):
        """One client changes a row a transaction for a time."""
        run = pgbench(self, 1, seconds=seconds, defines={"rows": ROWS})
        self.changes += run.transactions
        return run

    def loop(self, session, times):
        """The same by a procedure, without a client between two transactions; returns seconds, and those of the backend's CPU."""
        before = session.cpu_seconds()
        seconds = session.seconds(f"CALL bench.update_rows({times}, {ROWS})")
        self.changes += times
        return seconds, session.cpu_seconds() - before

    def require(self, changes):
        """Fails unless each change was captured once."""
        found = self.settled() - self.before
        if self.variant is not UNAUDITED and found != changes:
            raise Failed(f"{self.variant.name}: {changes} rows were changed, {found} events are there")


@contextmanager
def captured(cluster, variant, rows):
    """A fresh database of `variant`."""
    db = Captured(cluster, variant)
    db.prepare(rows)
    try:
        yield db
    finally:
        db.drop()


def capture(cluster, results, plan):
    """Row capture of UPDATEs beside the unaudited one and a trigger in PL/pgSQL."""
    variants = plan.only([UNAUDITED, TRACKED, PLPGSQL])
    for number in range(plan.rounds):
        # One measurement: their differences are what counts.
        undisturbed(cluster, results, lambda: one_row(cluster, results, plan, rotated(variants, number)))
        for variant in rotated(variants, number):
            undisturbed(cluster, results, lambda: many_rows(cluster, results, plan, variant))


def one_row(cluster, results, plan, variants):
    """An UPDATE of one row a transaction: without waiting for the disk, which would hide the cost, and with."""
    with ExitStack() as stack:
        databases = [stack.enter_context(captured(cluster, variant, ROWS)) for variant in variants]
        for db in databases:
            db.sql(f"ALTER DATABASE {db.name} SET synchronous_commit = off")
        in_a_loop(results, plan, databases)
        for db in databases:
            db.update(1)
            results.add(ONE, db.variant.name, db.update(plan.seconds).latency_ms * 1000)
            db.sql(f"ALTER DATABASE {db.name} RESET synchronous_commit")
            durable = db.update(max(2, plan.seconds // 2))
            results.add(DURABLE, db.variant.name, durable.latency_ms * 1000)
            db.require(db.changes)


def in_a_loop(results, plan, databases):
    """The UPDATE alone. In short turns: a machine that is faster for some seconds is so for all."""
    wall, cpu, times = dict.fromkeys(databases, 0.0), dict.fromkeys(databases, 0.0), 2000 * plan.seconds
    with ExitStack() as stack:
        sessions = {db: stack.enter_context(Session(db.cluster, db.name, user="bench_app")) for db in databases}
        for db, session in sessions.items():
            db.loop(session, 1000)
        for turn in range(TURNS):
            for db in rotated(databases, turn):
                took = db.loop(sessions[db], times)
                wall[db] += took[0]
                cpu[db] += took[1]
    (unaudited,) = (cpu[db] for db in databases if db.variant is UNAUDITED)
    for db in databases:
        results.add(LOOP, db.variant.name, wall[db] / TURNS / times * 1e6)
        results.add(CPU, db.variant.name, cpu[db] / TURNS / times * 1e6)
        if db.variant is not UNAUDITED:
            results.add(EXTRA, db.variant.name, (cpu[db] - unaudited) / TURNS / times * 1e6)


def many_rows(cluster, results, plan, variant):
    """All rows of the table in one statement."""
    with captured(cluster, variant, plan.bulk_rows) as db:
        with Session(cluster, db.name, user="bench_app") as session:
            took = session.seconds("UPDATE bench.account SET balance = balance + 1, updated_at = now()")
        results.add(MANY, variant.name, plan.bulk_rows / took)
        db.require(plan.bulk_rows)
