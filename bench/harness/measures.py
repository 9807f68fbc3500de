"""The measurements. Each yields samples into a `Results`, a figure per name, variant and round."""

import statistics
import time
from collections import defaultdict

from .cluster import Session
from .pgbench import pgbench
from .quiet import undisturbed
from .variants import INSERT, INSERT_100, NAIVE, PLAIN, PLAIN_100, RECORD, database, rotated
from .watch import Watch

SOURCE_COLUMNS = """event_type, severity, actor_type, actor_id, actor_email, actor_ip, actor_user_agent, actor_session_id,
    resource_type, resource_id, cloud_provider, account_id, region, resource_tags, operation, status, method,
    before, after, request_id, tags, extra"""


class Results:
    """Samples by (measure, variant); a figure is the median of its rounds."""

    def __init__(self, say):
        self.samples = defaultdict(list)
        self.pending = []
        self.disturbance = 0.0
        self.say = say

    def begin(self):
        """Forgets what a disturbed measurement has added."""
        self.pending = []

    def add(self, measure, variant, value):
        """Adds one sample; it counts once the measurement is committed."""
        self.pending.append((measure, variant, value))

    def commit(self, disturbance):
        """Keeps and prints the samples of a measurement, and how much of the machine others had meanwhile."""
        for measure, variant, value in self.pending:
            self.samples[measure, variant].append(value)
            shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            self.say(f"    {measure:<36} {variant:<22} {shown:>10}")
        self.disturbance = max(self.disturbance, disturbance)
        self.pending = []

    def get(self, measure, variant):
        """The median of a figure, or None when it was not measured."""
        values = self.samples.get((measure, variant))
        return statistics.median(values) if values else None

    def spread(self, measure, variant):
        """Smallest and largest sample."""
        values = self.samples[measure, variant]
        return min(values), max(values)

    def ratio(self, measure, variant, against):
        """Median of one variant divided by the median of another."""
        one, other = self.get(measure, variant), self.get(measure, against)
        return one / other if one is not None and other else None


def record(cluster, results, plan):
    """One event per transaction: transactions per second."""
    for number in range(plan.rounds):
        for clients in plan.clients:
            for variant in rotated(plan.only([PLAIN, NAIVE, RECORD, INSERT]), number):
                undisturbed(cluster, results, lambda: record_once(cluster, results, plan, variant, clients))


def record_once(cluster, results, plan, variant, clients):
    """One pgbench run of one variant."""
    with database(cluster, variant) as db:
        run = pgbench(db, clients, seconds=plan.seconds)
        results.add(f"record, {clients} clients (tps)", variant.name, run.tps)
        db.expect(run.transactions)


def bulk(cluster, results, plan):
    """Many events in one statement: seconds until it has committed."""
    for number in range(plan.rounds):
        for form in rotated(bulk_forms(plan), number):
            undisturbed(cluster, results, lambda: bulk_once(cluster, results, *form))


def bulk_once(cluster, results, variant, name, statement, rows):
    """One statement of one variant."""
    with database(cluster, variant, source_rows=rows) as db:
        with Session(cluster, db.name, user="bench_app") as session:
            took = session.seconds(statement)
        results.add("bulk (events/s)", name, rows / took)
        settled = took + db.catch_up(rows)
        if variant.sealed:
            results.add("bulk until sealed (events/s)", name, rows / settled)
        db.expect(rows)


def bulk_forms(plan):
    """(variant, its name here, statement, rows)."""
    def insert(table, columns, severity, extra):
        values = columns.replace("severity,", f"severity::{severity},", 1)
        return f"INSERT INTO {table} ({columns}{', category' if extra else ''}) SELECT {values}{extra} FROM bench.source"
    plain = insert("bench.plain", SOURCE_COLUMNS, "bench.severity", ", 'resource'")
    forms = [
        (PLAIN, "plain", plain, plan.bulk_rows),
        # The head row's versions of one transaction can't be pruned: this form is quadratic, so it gets fewer rows.
        (NAIVE, "naive", plain, plan.bulk_rows // 20),
        (INSERT, "auditlog-insert", insert("auditlog.events", SOURCE_COLUMNS, "auditlog.severity", ""), plan.bulk_rows),
        (RECORD, "auditlog record_batch", "SELECT sum(auditlog.record_batch(events)) FROM bench.batches", plan.bulk_rows),
        (RECORD, "auditlog record", "SELECT count(auditlog.record(document)) FROM bench.documents", plan.bulk_rows),
    ]
    return [form for form in forms if form[0] in plan.only([form[0]])]


def sustained(cluster, results, plan):
    """A long load and the time until everything is sealed; with it CPU, WAL and storage per event."""
    for number in range(plan.rounds):
        for variant in rotated(plan.only([PLAIN, NAIVE, RECORD, INSERT]), number):
            events = plan.sustained_events // (20 if variant is NAIVE else 1)
            undisturbed(cluster, results, lambda: sustained_once(cluster, results, variant, 64, events // 64, 1, 0))
        for variant in rotated(plan.only([PLAIN_100, INSERT_100]), number):
            transactions = plan.sustained_events // 800
            undisturbed(cluster, results, lambda: sustained_once(cluster, results, variant, 8, transactions, 100, 100000))


def sustained_once(cluster, results, variant, clients, transactions, events_each, source_rows):
    """One load of one variant."""
    with database(cluster, variant, source_rows=source_rows) as db:
        wal, (cpu, sealer) = cluster.wal_position(), cluster.cpu_seconds()
        with InboxWatch(db) as watch:
            run = pgbench(db, clients, transactions=transactions, defines={"rows": source_rows})
            events = run.transactions * events_each
            drain = db.catch_up(events)
        cpu_after, sealer_after = cluster.cpu_seconds()
        wal_after = cluster.wal_position()
        db.expect(events)
        name = variant.name
        results.add("sustained (events/s)", name, events / (run.seconds + drain))
        results.add("sustained, load alone (events/s)", name, events / run.seconds)
        results.add("sustained, drain after load (s)", name, drain)
        results.add("CPU per event (µs)", name, (cpu_after - cpu) / events * 1e6)
        if variant.sealed:
            results.add("CPU per event, sealer alone (µs)", name, (sealer_after - sealer) / events * 1e6)
            results.add("inbox, largest during load (MB)", name, watch.largest / 1e6)
        results.add("WAL per event (bytes)", name, (wal_after - wal) / events)
        db.sql("VACUUM")
        kept, inbox = db.bytes()
        results.add("storage per event (bytes)", name, kept / events)
        if variant.sealed:
            results.add("inbox after drain and VACUUM (MB)", name, inbox / 1e6)


class InboxWatch(Watch):
    """Looks at the inbox' size once a second while a load runs. The yardstick is watched too: one more query for both."""

    def __init__(self, db):
        super().__init__(1.0)
        self.db = db
        self.largest = 0

    def look(self):
        """Once."""
        self.largest = max(self.largest, self.db.bytes()[1])


def seal_lag(cluster, results, plan):
    """Time from recording to sealing at a given rate: by the log's own stamps, and as another session sees it."""
    for _ in range(plan.rounds):
        for variant in plan.only([RECORD]):
            undisturbed(cluster, results, lambda: seal_lag_once(cluster, results, plan, variant))


def seal_lag_once(cluster, results, plan, variant):
    """One load at the given rate."""
    with database(cluster, variant) as db:
        with HeadWatch(db) as watch:
            run = pgbench(db, 8, seconds=plan.lag_seconds, rate=plan.lag_rate)
            db.expect(run.transactions)
            time.sleep(0.1)
        results.add("seal lag, rate reached (events/s)", variant.name, run.tps)
        stamps = db.sql(f"""
            SELECT log_index, extract(epoch FROM recorded_at), extract(epoch FROM sealed_at - recorded_at)
            FROM auditlog.events WHERE log_index >= {db.before} ORDER BY log_index""")
        note_percentiles(results, "seal lag by stamps (ms)", variant.name, [float(row[2]) for row in stamps])
        seen = watch.lags([(int(row[0]), float(row[1])) for row in stamps])
        note_percentiles(results, "seal lag as seen (ms)", variant.name, seen)


def note_percentiles(results, measure, variant, seconds):
    """p50, p99 and the largest of a list of times."""
    ordered = sorted(seconds)
    for label, share in (("p50", 0.50), ("p99", 0.99), ("max", 1.0)):
        at = min(len(ordered) - 1, int(len(ordered) * share))
        results.add(f"{measure.replace(' (ms)', '')}, {label} (ms)", variant, ordered[at] * 1000)


class HeadWatch(Watch):
    """Notes every 10 ms how far the log is, so that the lag need not be believed to the sealer."""

    def __init__(self, db):
        super().__init__(0.01)
        self.session = Session(db.cluster, db.name)
        self.points = []

    def look(self):
        """Once."""
        at, size = self.session.rows("SELECT extract(epoch FROM clock_timestamp()), size FROM auditlog_data.head")[0]
        self.points.append((float(at), int(size)))

    def lags(self, recorded):
        """For each (log_index, time of recording) the time until the head had passed it."""
        lags, at = [], 0
        for index, time_recorded in recorded:
            while at < len(self.points) and self.points[at][1] <= index:
                at += 1
            if at == len(self.points):
                break
            lags.append(self.points[at][0] - time_recorded)
        return lags

    def end(self):
        """Afterwards."""
        self.session.close()


def verify(cluster, results, plan):
    """A full verify beside the simplest thing that reads and hashes every row."""
    for variant in plan.only([INSERT]):
        with database(cluster, variant, source_rows=plan.bulk_rows) as db:
            statement = next(form[2] for form in bulk_forms(plan) if form[1] == "auditlog-insert")
            loads = -(-plan.verify_rows // plan.bulk_rows)
            with Session(cluster, db.name, user="bench_app") as session:
                for _ in range(loads):
                    session.rows(statement)
            rows = loads * plan.bulk_rows
            db.expect(rows)
            db.sql("VACUUM ANALYZE")
            cluster.checkpoint()
            with Session(cluster, db.name) as session:
                session.rows("SELECT count(sha256(convert_to(e::text, 'UTF8'))) FROM auditlog.events e")  # warms for both
                for number in range(max(3, plan.rounds)):
                    for name, statement in rotated([
                            ("count(sha256)", "SELECT count(sha256(convert_to(e::text, 'UTF8'))) FROM auditlog.events e"),
                            ("auditlog", "SELECT count(*) FROM auditlog.verify()")], number):
                        undisturbed(cluster, results, lambda: results.add(
                            "verify (rows/s)", name, rows / session.seconds(statement)))
                if findings := int(session.value("SELECT count(*) FROM auditlog.verify()")):
                    raise AssertionError(f"verify() has {findings} findings in an untouched log")


ALL = {"record": record, "bulk": bulk, "sustained": sustained, "seal_lag": seal_lag, "verify": verify}
