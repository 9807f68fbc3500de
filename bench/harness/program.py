"""auditlog-server over a database of the benchmark, with people whom the database asks for a password."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from .cluster import TICKS, Failed

ROOT = Path(__file__).parents[2]
PASSWORD = "bench"
PEOPLE = """
CREATE ROLE bench_service LOGIN PASSWORD 'bench' IN ROLE pg_monitor;
CREATE ROLE bench_analyst LOGIN PASSWORD 'bench' IN ROLE auditlog_analyst;
CREATE ROLE bench_authenticator LOGIN NOINHERIT PASSWORD 'bench';
GRANT auditlog_user, auditlog_manager, bench_analyst TO bench_authenticator;
SELECT auditlog.add_principal('bench_analyst', 'bench_analyst');
"""
CLEANUP = """
SELECT auditlog.drop_principal('bench_analyst');
DROP OWNED BY bench_service, bench_analyst, bench_authenticator;
DROP ROLE bench_service, bench_analyst, bench_authenticator;
"""
# No budget may decide what is measured; everything else is at its default.
SETTINGS = {
    "metrics_listen": "none",
    "authenticator": "bench_authenticator",
    "rate_requests": 100_000_000,
    "rate_exports": 100_000_000,
    "rate_refusals": 100_000_000,
    "streams_per_identity": 2_000,
}


class Program:
    """The server while it runs."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.port = free_port()
        self.log = cluster.directory / "auditlog-server.log"
        password = cluster.directory / "bench.password"
        password.write_text(PASSWORD, encoding="ascii")
        settings = SETTINGS | {
            "listen": f"127.0.0.1:{self.port}",
            "database": f"host={cluster.directory} port=5432 dbname={name} user=bench_service",
            "database_password_file": str(password),
            "authenticator_password_file": str(password),
        }
        config = cluster.directory / "auditlog-server.yaml"
        config.write_text(json.dumps(settings), encoding="ascii")  # JSON is YAML
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary(), "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.await_start()

    def await_start(self):
        """Until it is ready, which takes a connection to the database."""
        begun = time.monotonic()
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready") as answer:
                    answer.read()
                    return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() - begun > 20:
                    raise Failed(f"auditlog-server does not start: {error}\n{self.log.read_text()[-2000:]}") from error
                time.sleep(0.05)

    def ask(self, method, target, body=None, headers=None):
        """One request and its answer, as JSON, with the headers of the answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{target}", method=method, headers=headers or {},
                                         data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer), answer.headers
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {target}: {error.code} {error.read()[:2000]!r}") from error

    def callers(self):
        """Headers by which the analyst is known: of a session as a browser has it, and of a program's token."""
        answer, headers = self.ask("POST", "/api/v1/session", {"user": "bench_analyst", "password": PASSWORD})
        session = {"Cookie": headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": answer["csrf_token"]}
        made, _ = self.ask("POST", "/api/v1/tokens", {"name": "bench", "scopes": ["read", "export"], "days": 1}, session)
        return {"session": session, "API token": {"Authorization": f"Bearer {made['token']}"}}

    def memory(self):
        """Resident megabytes of the whole process, its code included."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def cpu_seconds(self):
        """CPU that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def end(self):
        """SIGTERM, and what it says when that is not enough."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def program(cluster, name, setting=None):
    """The server over a database, and its people, for whom the setting holds; both go afterwards."""
    cluster.sql(name, PEOPLE)
    for role in ("bench_analyst", "bench_authenticator") if setting else ():
        cluster.sql(name, f"ALTER ROLE {role} SET {setting}")
    hba = Path(cluster.data) / "pg_hba.conf"
    before = hba.read_text(encoding="utf-8")
    asked = "local all bench_service,bench_analyst,bench_authenticator scram-sha-256\n"
    hba.write_text(asked + before, encoding="utf-8")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    running = None
    try:
        running = Program(cluster, name)
        yield running
    finally:
        if running:
            running.end()
        hba.write_text(before, encoding="utf-8")
        cluster.sql("postgres", "SELECT pg_reload_conf()")
        cluster.sql(name, CLEANUP)


def binary():
    """The release build, or what AUDITLOG_SERVER_BIN names."""
    if given := os.environ.get("AUDITLOG_SERVER_BIN"):
        return given
    done = subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "auditlog-server"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr[-3000:])
    return str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "auditlog-server")


def free_port():
    """A port that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
