"""What is compared, and how a database for it is made."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .cluster import Failed, Session

SQL = Path(__file__).resolve().parent.parent / "sql"
CATCH_UP_SECONDS = 600


@dataclass(frozen=True)
class Variant:
    """One way to store events."""

    name: str
    setup: tuple  # SQL files
    script: str  # pgbench script, one event per transaction
    sealed: bool  # does a sealer move the events on?


PLAIN = Variant("plain", ("plain",), "plain", False)
NAIVE = Variant("naive", ("plain", "naive"), "plain", False)
RECORD = Variant("auditlog", ("auditlog",), "record", True)
INSERT = Variant("auditlog-insert", ("auditlog",), "insert", True)
PLAIN_100 = Variant("plain ×100", ("plain",), "plain_100", False)
INSERT_100 = Variant("auditlog-insert ×100", ("auditlog",), "insert_100", True)


class Database:
    """A fresh database of one variant, dropped at the end of its measurement."""

    def __init__(self, cluster, variant):
        self.cluster = cluster
        self.variant = variant
        self.name = "bench_db"
        self.before = 0

    def create(self, source_rows=0):
        """Creates it; the log cannot be emptied, so each variant starts each round in a new database."""
        self.cluster.sql("postgres", f"CREATE DATABASE {self.name} TEMPLATE template0")
        self.load("common")
        for name in self.variant.setup:
            self.load(name)
        if source_rows:
            self.load("source", {"rows": source_rows, "chunk": min(10000, source_rows)})
        if self.variant.sealed:
            self.sql("SELECT auditlog.record('{\"event_type\": \"system.maintenance\"}'::jsonb)")
            self.catch_up(1)
            self.before = self.stored()
        self.cluster.checkpoint()

    def load(self, name, variables=None):
        """Runs a file of bench/sql."""
        self.cluster.sql(self.name, (SQL / f"{name}.sql").read_text(encoding="utf-8"), variables)

    def sql(self, text):
        """Runs SQL as superuser."""
        return self.cluster.sql(self.name, text)

    def stored(self):
        """How many events are in their final place."""
        table = "SELECT size FROM auditlog_data.head" if self.variant.sealed else "SELECT count(*) FROM bench.plain"
        return int(self.sql(table)[0][0])

    def catch_up(self, events):
        """Waits until `events` more than before are sealed and returns the seconds waited."""
        if not self.variant.sealed:
            return 0.0
        started = time.perf_counter()
        with Session(self.cluster, self.name) as session:
            while (size := int(session.value("SELECT size FROM auditlog_data.head"))) < self.before + events:
                if time.perf_counter() - started > CATCH_UP_SECONDS:
                    raise Failed(f"the sealer has sealed {size} of {self.before + events} events in {CATCH_UP_SECONDS} s")
                time.sleep(0.02)
        return time.perf_counter() - started

    def expect(self, events):
        """Fails unless exactly `events` were stored: a fast variant that loses some is worth nothing."""
        self.catch_up(events)
        found = self.stored() - self.before
        if found != events:
            raise Failed(f"{self.variant.name}: {events} events were acknowledged, {found} are stored")

    def bytes(self):
        """Total size with indexes and TOAST of what keeps the events: (final place, inbox)."""
        if not self.variant.sealed:
            return int(self.sql("SELECT pg_total_relation_size('bench.plain')")[0][0]), 0
        row = self.sql("""
            SELECT coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname !~ '^inbox_'), 0),
                   coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname ~ '^inbox_'), 0)
            FROM pg_class c
            WHERE c.relnamespace = 'auditlog_data'::regnamespace AND c.relkind = 'r'""")[0]
        return int(row[0]), int(row[1])

    def drop(self):
        """Drops it; the sealer must leave by itself."""
        self.cluster.sql("postgres", f"DROP DATABASE {self.name} WITH (FORCE)")


@contextmanager
def database(cluster, variant, source_rows=0):
    """A fresh database of `variant` for one measurement."""
    db = Database(cluster, variant)
    db.create(source_rows)
    try:
        yield db
    finally:
        db.drop()


def rotated(variants, number):
    """The variants in the order of round `number`: nobody is always first."""
    shift = number % len(variants)
    return variants[shift:] + variants[:shift]
