#!/usr/bin/env python3
"""The live tail as lines of JSON. Listens to the sealer's NOTIFY, and goes on where it was after a restart."""

import argparse
import json
import pathlib
import sys

import psycopg

PAGE = 1000


def read(connection, after, query):
    """Prints what is behind a position; returns the position where it ends."""
    while True:
        # asked first: what is sealed meanwhile is behind it
        end = connection.execute("SELECT auditlog.tail_position()").fetchone()[0]
        rows = connection.execute(
            'SELECT e.log_index, auditlog.to_json(e) FROM auditlog.tail(%s, %s, %s) AS e', (after, query, PAGE)
        ).fetchall()
        for log_index, event in rows:
            print(json.dumps({"log_index": log_index, **event}, ensure_ascii=False), flush=True)
            after = log_index
        if len(rows) < PAGE:
            return max(after, -1 if end is None else end)


def main():
    """Reads the arguments and goes on for ever, or as long as --seconds says."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("query", nargs="?", default="", help="in the query language")
    arguments.add_argument("--dsn", default="", help="connection string; without it PGHOST, PGDATABASE … count")
    arguments.add_argument("--position", type=pathlib.Path, help="file that keeps the position")
    arguments.add_argument("--seconds", type=float, help="end after this time without news")
    given = arguments.parse_args()
    with psycopg.connect(given.dsn, autocommit=True) as connection:
        connection.execute("LISTEN auditlog")
        if given.position and given.position.exists():
            after = int(given.position.read_text(encoding="ascii"))
        else:
            after = connection.execute("SELECT coalesce(auditlog.tail_position(), -1)").fetchone()[0]
        while True:
            after = read(connection, after, given.query)
            if given.position:
                given.position.write_text(str(after), encoding="ascii")
            # NOTIFY is not stored: a look now and then finds what was sealed while nobody listened
            told = list(connection.notifies(timeout=given.seconds or 30, stop_after=1))
            if given.seconds and not told:
                return 0


if __name__ == "__main__":
    sys.exit(main())
