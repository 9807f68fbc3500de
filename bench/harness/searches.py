"""Searches: `@@@` beside hand-written SQL, growth with the log, words, pages, the evaluator alone."""

import time

from .cluster import Failed, Session
from .quiet import undisturbed
from .variants import RECORD, database

# (shape, query, SQL of the same meaning). Values are compared without regard to case, as the language does.
SHAPES = [
    ("equality", "event_type:cost.budget", "event_type = 'cost.budget'"),
    ("prefix", "event_type:authentication.*", "event_type LIKE 'authentication.%'"),
    ("CIDR", "ip:10.17.0.0/16", "actor_ip <<= '10.17.0.0/16'"),
    ("severity", "severity:>=error", "severity >= 'error'"),
    ("date math", "timestamp:>now-12h", "\"timestamp\" > now() - interval '12 hours'"),
    ("list", "region IN (eu-west-1, ap-south-1)", "lower(region) IN ('eu-west-1', 'ap-south-1')"),
    ("tags", "metadata.tags:tag7", "EXISTS (SELECT FROM unnest(tags) t WHERE lower(t) = 'tag7')"),
    ("nested path", "resource.tags.team:team-7", "lower(resource_tags ->> 'team') = 'team-7'"),
    ("NOT", "NOT status:success", "lower(status) IS DISTINCT FROM 'success'"),
    ("either of two", "user:user4321@company.com",
     "(lower(actor_email) = 'user4321@company.com' OR lower(actor_id) = 'user4321@company.com')"),
    ("all together", "event_type:authentication.login status:failed timestamp:>now-7d severity:>=warning",
     "event_type = 'authentication.login' AND lower(status) = 'failed' AND \"timestamp\" > now() - interval '7 days' AND severity >= 'warning'"),
    ("keyword", "zanzibar", r"auditlog.to_json(e)::text ~* '\mzanzibar\M'"),
]

# As many hits in the long log as in the short one, or a bounded page of many.
SELECTIVE = [
    ("keyword", "SELECT * FROM auditlog.events e WHERE e @@@ '\"once upon 105017\"'"),
    ("a page of a word's hits", "SELECT * FROM auditlog.search('upon', \"limit\" => 200)"),
    ("person", "SELECT * FROM auditlog.search('user:GUEST_7', \"limit\" => 100)"),
    ("JSON path", "SELECT * FROM auditlog.search('metadata.reason:\"cost saving ticket 5017 once-upon 105017\"', \"limit\" => 200)"),
    ("newest failures", "SELECT * FROM auditlog.search('status:failed severity:critical', \"limit\" => 100)"),
    ("no hit", "SELECT * FROM auditlog.search('resource.id:nowhere AND nothing')"),
]


def load(db, rows, already=0, marked=1_000_000, total=None):
    """Fills the log up to `rows` events, of `total` over sixty days, and waits until their words are indexed.

    Returns (seconds to seal, to index)."""
    started = time.perf_counter()
    for first in range(already, rows, 100_000):
        db.load("search", {"first": first, "rows": min(100_000, rows - first), "chunk": 1000, "marked": marked,
                           "total": total or rows})
        db.catch_up(first)  # keeps the inbox small: its size is not what is measured here
    db.catch_up(rows)
    sealed = time.perf_counter() - started
    while int(db.sql("SELECT coalesce(max(end_index), 0) FROM auditlog_data.word_run")[0][0]) < rows + db.before:
        if time.perf_counter() - started > 3600:
            raise Failed("the word index does not catch up")
        time.sleep(0.1)
    indexed = time.perf_counter() - started
    db.sql("VACUUM ANALYZE")
    db.cluster.checkpoint()
    return sealed, indexed


def count(condition):
    """Counts the events with a condition."""
    return f"SELECT count(*) FROM auditlog.events e WHERE {condition}"


def search(cluster, results, plan):
    """Queries beside hand-written SQL over the same events, both warm."""
    with database(cluster, RECORD) as db:
        sealed, indexed = load(db, plan.search_rows)
        results.begin()
        results.add("search, time to seal and index (s)", "sealed", sealed)
        results.add("search, time to seal and index (s)", "indexed", indexed)
        results.commit(0.0)
        with Session(cluster, db.name) as session:
            for shape, query, sql in SHAPES:
                ours, theirs = count(f"e @@@ '{query}'"), count(sql)
                found = [int(session.value(statement)) for statement in (ours, theirs)]
                if found[0] != found[1] or found[0] == 0:
                    raise Failed(f"{shape}: the query finds {found[0]} events, the hand-written SQL {found[1]}")
                undisturbed(cluster, results, lambda: compare(session, results, shape, ours, theirs, plan))
            pages(cluster, session, results, plan)
            evaluator(cluster, session, results, plan)


def compare(session, results, shape, ours, theirs, plan):
    """Alternates the two, so that whatever drifts drifts for both."""
    times = {"@@@": [], "hand-written": []}
    for number in range(max(5, 2 * plan.rounds)):
        pair = [("@@@", ours), ("hand-written", theirs)]
        for name, statement in pair if number % 2 else reversed(pair):
            times[name].append(session.seconds(statement))
            if times[name][0] > 5 and number > 1:
                break
    for name, seconds in times.items():
        results.add(f"search, {shape} (ms)", name, sorted(seconds)[len(seconds) // 2] * 1000)


def pages(cluster, session, results, plan):
    """The first page of a search, and one in the depth of the log."""
    deep = plan.search_rows * 9 // 10
    cursor = session.value(f"SELECT auditlog.cursor(e) FROM auditlog.events e ORDER BY \"timestamp\" DESC OFFSET {deep} LIMIT 1")
    first = "SELECT count(*) FROM auditlog.search('severity:>=info', \"limit\" => 100)"
    last = f"SELECT count(*) FROM auditlog.search('severity:>=info', \"limit\" => 100, after => '{cursor}')"
    for statement in (first, last):
        session.rows(statement)

    def once():
        for name, statement in (("first page", first), (f"page {deep // 100:,}", last)) * 5:
            results.add("search, a page of 100 (ms)", name if name == "first page" else "deep page", session.seconds(statement) * 1000)
    undisturbed(cluster, results, once)


def evaluator(cluster, session, results, plan):
    """`matches(jsonb, text)` over documents, less the time of reading them."""
    rows = min(200_000, plan.search_rows)
    session.rows(f"CREATE TEMPORARY TABLE documents AS SELECT auditlog.to_json(e) AS d FROM auditlog.events e WHERE log_index < {rows}")
    session.rows("SET max_parallel_workers_per_gather = 0")

    def once():
        for _ in range(3):
            alone = session.seconds("SELECT count(*) FROM documents WHERE d IS NOT NULL")
            with_it = session.seconds("SELECT count(*) FROM documents WHERE auditlog.matches(d, 'action.status:failed')")
            results.add("evaluator (documents/s)", "auditlog", rows / max(with_it - alone, 1e-9))
    undisturbed(cluster, results, once)


def growth(cluster, results, plan):
    """Selective searches over a log and over one ten times as long."""
    from . import exporting, proofs  # which load logs as this does
    small, large = plan.growth_rows
    with database(cluster, RECORD) as db:
        done = 0
        for size, name in ((small, "small"), (large, "large")):
            sealed, indexed = load(db, size, done, small, large)
            results.begin()
            results.add(f"growth, loading {size:,} events (s)", "sealed", sealed)
            results.add(f"growth, loading {size:,} events (s)", "indexed", indexed)
            kept, _ = db.bytes()
            results.add("growth, storage per event (bytes)", name, kept / size)
            results.commit(0.0)
            done = size
            db.sql("SELECT auditlog.checkpoint()")
            with Session(cluster, db.name) as session:
                if name == "large":
                    proofs.one_proof(cluster, session, results, size)
                for shape, statement in SELECTIVE:
                    for _ in range(3):
                        session.rows(statement)  # warm

                    def once(shape=shape, statement=statement):
                        times = sorted(session.seconds(statement) for _ in range(9))
                        results.add(f"growth, {shape} (ms)", name, times[4] * 1000)
                    undisturbed(cluster, results, once)
        exporting.all_of_it(cluster, results, db, large)
