"""Row capture: what an UPDATE costs beside the unaudited one and beside a trigger in PL/pgSQL."""

import time
from contextlib import ExitStack, contextmanager

from .cluster import Failed, Session
from .cores import client_beside_backend
from .pgbench import pgbench
from .quiet import undisturbed
from .variants import Database, Variant, rotated

UNAUDITED = Variant("unaudited", ("capture",), "update_one", False)
TRACKED = Variant("auditlog.track", ("capture", "capture_track"), "update_one", True)
PLPGSQL = Variant("plpgsql trigger", ("capture", "capture_plpgsql"), "update_one", False)
ONE = "capture, UPDATE of one row (µs)"
CPU = "capture, CPU of the backend per UPDATE (µs)"
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
        self.changes = self.measured = 0
        self.wall = self.cpu = 0.0  # seconds of the measured changes

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

    def measure(self, seconds):
        """The same, and adds its wall time and its backend's CPU to what was measured."""
        time.sleep(0.2)  # a backend counts once it is gone
        before = self.cluster.ended_cpu_seconds()
        run = self.update(seconds)
        time.sleep(0.2)
        self.cpu += self.cluster.ended_cpu_seconds() - before
        self.wall += run.seconds
        self.measured += run.transactions

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
    """One client, an UPDATE of one row a transaction: without waiting for the disk, which would hide the cost, and with."""
    took = {}
    with ExitStack() as stack:
        databases = [stack.enter_context(captured(cluster, variant, ROWS)) for variant in variants]
        for db in databases:
            db.sql(f"ALTER DATABASE {db.name} SET synchronous_commit = off")
            db.update(1)
        with client_beside_backend(cluster):
            # In short turns: a machine that is faster for some seconds is so for all.
            for turn in range(TURNS):
                for db in rotated(databases, turn):
                    db.measure(max(1, plan.seconds // TURNS))
        for db in databases:
            took[db.variant] = db.cpu / db.measured * 1e6
            results.add(ONE, db.variant.name, db.wall / db.measured * 1e6)
            results.add(CPU, db.variant.name, took[db.variant])
            db.sql(f"ALTER DATABASE {db.name} RESET synchronous_commit")
            durable = db.update(max(2, plan.seconds // 2))
            results.add(DURABLE, db.variant.name, durable.latency_ms * 1000)
            db.require(db.changes)
    for variant in variants:
        if variant is not UNAUDITED:
            results.add(EXTRA, variant.name, took[variant] - took[UNAUDITED])


def many_rows(cluster, results, plan, variant):
    """All rows of the table in one statement."""
    with captured(cluster, variant, plan.bulk_rows) as db:
        with Session(cluster, db.name, user="bench_app") as session:
            took = session.seconds("UPDATE bench.account SET balance = balance + 1, updated_at = now()")
        results.add(MANY, variant.name, plan.bulk_rows / took)
        db.require(plan.bulk_rows)
