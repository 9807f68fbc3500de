"""Streaming: events per second that one sink of each kind delivers to a receiver on this machine, and the streamer's memory."""

import http.server
import json
import re
import socket
import socketserver
import threading
import time
from pathlib import Path

from .cluster import Failed, Session
from .quiet import undisturbed
from .variants import RECORD, database

PATIENCE = 600


def streaming(cluster, results, plan):
    """A sink of each kind from the first event of a log on, which is sealed already."""
    cluster.sql("postgres", "ALTER SYSTEM SET auditlog.allowed_hosts = '127.0.0.1'")
    secrets = Path(cluster.data) / "auditlog_secrets"
    cluster.sql("postgres", f"COPY (SELECT 1) TO PROGRAM 'umask 077; mkdir -p {secrets}; printf token > {secrets}/hec'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    lines = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines)
    for server in (web, lines):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{web.server_port}"
    sinks = {
        "file": {"path": str(Path(cluster.data) / "streamed.jsonl")},
        "http": {"url": url},
        "splunk_hec": {"hec_url": url, "hec_token": "secret:hec"},
        "syslog": {"address": f"tcp://127.0.0.1:{lines.server_address[1]}"},
    }
    try:
        with database(cluster, RECORD) as db, Session(cluster, db.name) as session:
            session.rows(f"SELECT count(auditlog.record('bench.stream', metadata => jsonb_build_object('n', n))) "
                         f"FROM generate_series(1, {plan.stream_rows}) AS n")
            until(session, f"SELECT (size >= {plan.stream_rows})::int FROM auditlog_data.head_state()")
            for kind, config in sinks.items():
                undisturbed(cluster, results, lambda kind=kind, config=config: one(results, session, kind, config))
    finally:
        web.shutdown()
        lines.shutdown()


def one(results, session, kind, config):
    """The time from the sink's begin until it has passed the log's end."""
    rows = int(session.value("SELECT size FROM auditlog_data.head_state()"))
    begin = time.monotonic()
    session.rows(f"SELECT auditlog.create_sink('{kind}', '{kind}', '{json.dumps(config)}', from_index => 0)")
    until(session, f"SELECT (position + 1 >= {rows})::int FROM auditlog.sinks WHERE name = '{kind}'")
    took = time.monotonic() - begin
    delivered = int(session.value(f"SELECT delivered FROM auditlog.stat_sinks WHERE name = '{kind}'"))
    if delivered < rows:
        raise Failed(f"{kind}: {delivered} of {rows} events")
    results.add("streaming (events/s)", kind, rows / took)
    pid = int(session.value("SELECT pid FROM auditlog.stat_workers WHERE worker = 'streamer'"))
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    results.add("streaming, memory of the streamer (MB)", kind, int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024)
    session.rows(f"SELECT auditlog.drop_sink('{kind}')")


def until(session, sql):
    """Waits until a statement says 1."""
    begin = time.monotonic()
    while session.value(sql) != "1":
        if time.monotonic() - begin > PATIENCE:
            raise Failed(f"not true after {PATIENCE} s: {sql}")
        time.sleep(0.01)


class Web(http.server.BaseHTTPRequestHandler):
    """Takes everything, on a connection that stays open."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """One batch."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"text":"Success","code":0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def setup(self):
        """Answers go out at once."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_):
        """Says nothing."""


class Lines(socketserver.BaseRequestHandler):
    """Reads until the other side is gone."""

    def handle(self):
        """One connection."""
        while self.request.recv(1 << 16):
            pass
