"""The access journal: what a search costs more because it is told of."""

from .cluster import Session
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

# Counted in the server, so that printing a thousand rows does not hide the difference.
SEARCH = """SELECT count(s.event_id) FROM auditlog.search('severity:info OR severity:notice', "limit" => 1000) AS s"""
REPEATS = 100


def journal(cluster, results, plan):
    """A search of 1,000 rows with and without its entry in the access journal."""
    with database(cluster, RECORD) as db:
        load(db, min(plan.search_rows, 100_000))
        with Session(cluster, db.name) as session:
            for _ in range(plan.rounds):
                undisturbed(cluster, results, lambda: one(session, results))


def one(session, results):
    """Both in turns, so that both meet the same machine."""
    times = {"on": [], "off": []}
    for _ in range(REPEATS):
        for state, taken in times.items():
            session.rows(f"SET auditlog.access_log = {state}")
            taken.append(session.seconds(SEARCH))
    for state, taken in times.items():
        taken.sort()
        results.add("journal, a search of 1,000 rows (ms)", f"journal {state}", taken[len(taken) // 2] * 1000)
