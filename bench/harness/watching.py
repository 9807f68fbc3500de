"""Watching: 50 live tails beside a steady load, alerts from commit to receiver, the scheduler's drift, the evaluator's rate."""

import http.server
import json
import os
import re
import subprocess
import threading
import time

from .cluster import Failed, Session
from .measures import note_percentiles
from .pgbench import pgbench
from .quiet import undisturbed
from .report import ROOT
from .variants import RECORD, database

TAILS = 50
FIRINGS = 100
ALERT = "name: bench\ncondition: event_type:bench.alert\nnotification: {channels: [hook], severity: error}\n"


def watching(cluster, results, plan):
    """50 tails at 2,000 events/s, firings from commit to receiver, jobs every second, 500 alerts in the evaluator."""
    for _ in range(plan.rounds):
        undisturbed(cluster, results, lambda: tails(cluster, results, plan))
    undisturbed(cluster, results, lambda: firings(cluster, results))
    undisturbed(cluster, results, lambda: drift(cluster, results))
    undisturbed(cluster, results, lambda: rate(results))


class Tail(threading.Thread):
    """One client that tails everything, and notes how late each event came."""

    def __init__(self, db, lags):
        super().__init__(daemon=True)
        self.session = Session(db.cluster, db.name)
        self.after = int(self.session.value("SELECT coalesce(auditlog.tail_position(), -1)"))
        self.seen, self.lags, self.over = 0, lags, threading.Event()

    def run(self):
        """Until told to end; the database's clock is the one of both times."""
        while not self.over.is_set():
            rows = self.session.rows(
                "SELECT log_index, extract(epoch FROM clock_timestamp() - recorded_at) "
                f"FROM auditlog.tail({self.after}, '', 10000, '1s')")
            if rows:
                self.after = int(rows[-1][0])
                self.seen += len(rows)
                self.lags.extend(float(row[1]) for row in rows)


def tails(cluster, results, plan):
    """All tails are open while the load runs."""
    with database(cluster, RECORD) as db:
        lags = []
        open_tails = [Tail(db, lags) for _ in range(TAILS)]
        for tail in open_tails:
            tail.start()
        run = pgbench(db, 8, seconds=plan.lag_seconds, rate=plan.lag_rate)
        time.sleep(2)
        for tail in open_tails:
            tail.over.set()
        for tail in open_tails:
            tail.join(10)
            tail.session.close()
        if any(tail.seen != run.transactions for tail in open_tails):
            raise Failed(f"of {run.transactions} events the tails have seen {[tail.seen for tail in open_tails]}")
        results.add("tails, rate reached (events/s)", "50 tails", run.tps)
        note_percentiles(results, "tails, from recording to the client (ms)", "50 tails", lags)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Notes when each notification arrived."""

    arrived = []

    def do_POST(self):
        """One notification."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        Receiver.arrived.append(time.time())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


def firings(cluster, results):
    """An event a time, until the receiver has its notification."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster.sql("postgres", "ALTER SYSTEM SET auditlog.allowed_hosts = '127.0.0.1'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    try:
        with database(cluster, RECORD) as db, Session(cluster, db.name) as session:
            url = json.dumps({"url": f"http://127.0.0.1:{server.server_port}/", "rate_per_minute": 100000})
            session.rows(f"SELECT auditlog.create_channel('hook', 'webhook', '{url}')")
            session.rows(f"SELECT auditlog.create_alert($${ALERT}$$)")
            until(session, "SELECT count(*) FROM auditlog.alerts WHERE state = 'active'", 1)
            lags = []
            for number in range(FIRINGS):
                Receiver.arrived.clear()
                session.rows("SELECT auditlog.record('bench.alert')")
                committed = time.time()
                while not Receiver.arrived:
                    if time.time() - committed > 30:
                        raise Failed(f"firing {number} has not arrived")
                    time.sleep(0.001)
                lags.append(max(Receiver.arrived[0] - committed, 0))
            note_percentiles(results, "alert, from commit to the receiver (ms)", "webhook", lags)
    finally:
        cluster.sql("postgres", "ALTER SYSTEM RESET auditlog.allowed_hosts")
        server.shutdown()


def until(session, statement, wanted):
    """Waits until a statement gives a number."""
    begun = time.monotonic()
    while int(session.value(statement)) < wanted:
        if time.monotonic() - begun > 60:
            raise Failed(f"not within a minute: {statement}")
        time.sleep(0.05)


def drift(cluster, results):
    """How late runs of a job begin that is due at whole minutes, here every second."""
    with database(cluster, RECORD) as db, Session(cluster, db.name) as session:
        session.rows("SELECT auditlog.schedule('tick', '1 second', 'SELECT 1')")
        until(session, "SELECT count(*) FROM auditlog.job_run_details WHERE status = 'succeeded'", 20)
        rows = session.rows("SELECT extract(epoch FROM start_time) FROM auditlog.job_run_details ORDER BY runid")
        begins = [float(row[0]) for row in rows]
        gaps = [after - before - 1 for before, after in zip(begins, begins[1:])]
        note_percentiles(results, "job, begin of a run after it was due (ms)", "1 second", [max(gap, 0) for gap in gaps])


def rate(results):
    """500 alerts on one core, without a database."""
    environment = dict(os.environ)
    done = subprocess.run(["cargo", "run", "-q", "--release", "-p", "auditlog-policy", "--example", "engine_rate"],
                          capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr[-2000:])
    found = re.search(r" s: (\d+) events/s", done.stdout)
    if not found:
        raise Failed(f"engine_rate said {done.stdout}")
    results.add("evaluator of 500 alerts (events/s)", "one core", float(found[1]))
