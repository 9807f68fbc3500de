"""What the checks of examples in Python share: psql as any role, and lines that begin with «ok» or «skipped». The server is the one of
PGHOST, PGPORT; the first check that fails ends the program with exit status 1."""

import os
import pathlib
import subprocess
import sys
import time

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent
SEPARATOR = "\x1f"


class Refused(Exception):
    """What psql said, with the SQLSTATE in front."""


def psql(sql, database, role="postgres", *options):
    """Columns and rows of what the statements of `sql` print, one result, all of it as texts; raises Refused."""
    run = subprocess.run(
        ["psql", "-X", "-q", "-A", "-F", SEPARATOR, "-R", "\x1e", "-P", "footer=off", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate",
         *options, "-d", database, "-U", role, "-f", "-"],
        input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "PGTZ": "UTC"})
    if run.returncode != 0:
        raise Refused(run.stderr.strip().partition("ERROR:  ")[2] or run.stderr.strip())
    lines = run.stdout.removesuffix("\n").split("\x1e") if run.stdout.strip() else [""]
    return lines[0].split(SEPARATOR), [line.split(SEPARATOR) for line in lines[1:]]


def value(sql, database, role="postgres"):
    """The one value that a query gives."""
    return psql(sql, database, role)[1][0][0]


def check(name, right, *seen):
    """Says that a check passed, or ends the program."""
    if not right:
        print(f"not ok {name}", *seen, sep="\n    ")
        sys.exit(1)
    print(f"ok {name}")


def refused(name, sql, database, role, states=("42501",)):
    """Checks that a role is refused a statement, and by which SQLSTATE."""
    try:
        seen = psql(sql, database, role)
    except Refused as refusal:
        seen = str(refusal)
        if seen[:5] in states:
            print(f"ok {name}")
            return
    check(name, False, sql, seen)


def until(sql, database, seconds=20):
    """Waits until a query says «t»."""
    end = time.monotonic() + seconds
    while value(sql, database) != "t":
        if time.monotonic() > end:
            check(f"in {seconds} s: {sql}", False)
        time.sleep(0.05)


def new_database(name):
    """A database with the extension, in which reads are recorded."""
    psql(f"CREATE DATABASE {name}", "postgres")
    psql(f"ALTER DATABASE {name} SET auditlog.access_log = on", "postgres")
    psql("CREATE EXTENSION pg_auditlog", name)


def sealed(database):
    """Waits until all events are sealed."""
    until("SELECT inbox_rows = 0 FROM auditlog.stat_seal", database)
