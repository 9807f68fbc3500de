"""Row-level security: what a user, a manager and an analyst wait for, beside the same rows without policies."""

from contextlib import ExitStack

from .cluster import Failed, Session
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

# One actor in twenty of the 5,000 that bench/sql/search.sql has is in the team.
TEAM = "SELECT 'user_' || 20 * n FROM generate_series(0, 249) AS n"

SETUP = """
CREATE ROLE bench_user; CREATE ROLE bench_manager; CREATE ROLE bench_analyst;
GRANT auditlog_user TO bench_user; GRANT auditlog_manager TO bench_manager; GRANT auditlog_analyst TO bench_analyst;
SELECT auditlog.add_principal(actor_id => 'user_' || n, teams => CASE WHEN n % 20 = 0 THEN ARRAY['ops'] ELSE ARRAY['dev'] END)
FROM generate_series(1, 4999) AS n WHERE n NOT IN (20, 40);
SELECT auditlog.add_principal('bench_user', 'user_20', teams => ARRAY['ops']);
SELECT auditlog.add_principal('bench_manager', 'user_40', teams => ARRAY['ops']);
SELECT auditlog.add_principal(actor_id => 'user_0', teams => ARRAY['ops']);
"""
CLEANUP = "DROP OWNED BY bench_user, bench_manager, bench_analyst; DROP ROLE bench_user, bench_manager, bench_analyst"

NEWEST = [
    ("my_events", "SELECT * FROM auditlog.my_events ORDER BY \"timestamp\" DESC LIMIT 50"),
    ("search()", "SELECT * FROM auditlog.search(\"limit\" => 50)"),
    ("events", "SELECT * FROM auditlog.events ORDER BY \"timestamp\" DESC LIMIT 50"),
]


def roles(cluster, results, plan):
    """Queries of restricted roles beside the same ones without policies."""
    with database(cluster, RECORD) as db, ExitStack() as stack:
        load(db, plan.roles_rows)
        db.sql(SETUP)
        stack.callback(lambda: cluster.sql(db.name, CLEANUP))
        sessions = {}
        for name in ("superuser", "user", "manager", "analyst"):
            sessions[name] = stack.enter_context(Session(cluster, db.name))
            if name != "superuser":
                sessions[name].rows(f"SET ROLE bench_{name}")
        team = sessions["superuser"].value(f"SELECT quote_literal(array_agg(t)) FROM ({TEAM}) AS t (t)")
        count = "SELECT count(*) FROM auditlog.events"
        same = f"{count} WHERE actor_id = ANY ({team}::text[])"
        word = f"{count} AS e WHERE e @@@ 'once-upon'"
        pairs = [
            ("roles, manager's count (ms)", "policy", ("manager", count), "same rows", ("superuser", same)),
            ("roles, analyst's count (ms)", "policy", ("analyst", count), "superuser", ("superuser", count)),
            ("roles, manager's search for a word (ms)", "policy", ("manager", word), "all rows", ("superuser", word)),
        ]
        if sessions["manager"].value(count) != sessions["superuser"].value(same):
            raise Failed("the manager does not see the team's events")
        for measure, name, (role, sql), other, (other_role, other_sql) in pairs:
            def once(measure=measure, ways=((name, sessions[role], sql), (other, sessions[other_role], other_sql))):
                times = {variant: [] for variant, _, _ in ways}
                for number in range(2 * max(5, plan.rounds)):
                    for variant, session, statement in ways if number % 2 else reversed(ways):
                        times[variant].append(session.seconds(statement))
                for variant, seconds in times.items():
                    results.add(measure, variant, sorted(seconds)[len(seconds) // 2] * 1000)
            undisturbed(cluster, results, once)

        def newest():
            for variant, statement in NEWEST:
                times = sorted(sessions["user"].seconds(statement) for _ in range(11))
                results.add("roles, a user's newest 50 (ms)", variant, times[5] * 1000)
        undisturbed(cluster, results, newest)
