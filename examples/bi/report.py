#!/usr/bin/env python3
"""The audit log in pandas: events by day and category, who failed most, and all events of a time written as CSV without holding them in
memory. Shows what the login may see. Needs SQLAlchemy 2, pandas and psycopg 3."""

import argparse
import datetime
import sys

import pandas
import sqlalchemy

DAILY = sqlalchemy.text("""
    SELECT date_trunc('day', "timestamp", 'UTC') AS day, category, count(*) AS events FROM auditlog.events
    WHERE "timestamp" >= :since AND "timestamp" < :until GROUP BY 1, 2 ORDER BY 1, 2""")
# The query is a parameter like the others: a colon in the text of a statement may be taken for one.
FAILED = sqlalchemy.text("SELECT value AS actor, count AS failed FROM auditlog.facets(:query, 'actor.id', :since, :until)")
EVENTS = sqlalchemy.text("""
    SELECT "timestamp", event_type, severity::text AS severity, actor_id, host(actor_ip) AS actor_ip, resource_type, resource_id, status
    FROM auditlog.events WHERE "timestamp" >= :since AND "timestamp" < :until ORDER BY "timestamp", log_index""")


def main():
    """Reads the arguments and prints three things."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url", help="postgresql+psycopg://login@host/database; the password from PGPASSWORD or .pgpass")
    arguments.add_argument("--days", type=int, default=30, help="how far back (30)")
    arguments.add_argument("--until", type=datetime.datetime.fromisoformat, default=datetime.datetime.now(datetime.UTC), help="with its zone (now)")
    arguments.add_argument("--csv", help="file for all events of that time")
    given = arguments.parse_args()
    times = {"since": given.until - datetime.timedelta(days=given.days), "until": given.until}
    # The name stands in the access journal.
    engine = sqlalchemy.create_engine(given.url, connect_args={"application_name": "report.py"})
    with engine.connect() as connection:
        who = connection.execute(sqlalchemy.text("SELECT role, actor_id, sees FROM auditlog.whoami()")).one()
        print(f"{who.role} sees: {who.sees}")

        daily = pandas.read_sql_query(DAILY, connection, params=times)
        print(f"events: {daily['events'].sum()} on {daily['day'].nunique()} days")
        if not daily.empty:
            print(daily.pivot(index="day", columns="category", values="events").fillna(0).astype(int).tail(7).to_string())

        failed = pandas.read_sql_query(FAILED, connection, params={"query": "status:failed OR status:denied", **times})
        print(f"failed or denied, first {len(failed)} actors: {failed['failed'].sum()}")
        print(failed.to_string(index=False))

    if given.csv:
        # A cursor of the server: rows come in portions, and the read is one entry of the journal.
        with engine.connect().execution_options(stream_results=True, max_row_buffer=5000) as connection, open(given.csv, "w", encoding="utf-8") as file:
            rows = 0
            for chunk in pandas.read_sql_query(EVENTS, connection, params=times, chunksize=5000):
                chunk.to_csv(file, index=False, header=rows == 0)
                rows += len(chunk)
        print(f"written: {rows}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
