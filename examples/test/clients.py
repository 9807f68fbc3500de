#!/usr/bin/env python3
"""Runs the programs of examples/clients against the server of AUDITLOG_URL: each does the same, and the same is expected of it. Called by
scripts/examples_test.sh, which starts the server; SERVED_DB is its database, PASSWORD that of its people. Without Node and npm the program in
TypeScript is skipped."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from checks import EXAMPLES, check, psql, sealed, value

FOLDER = EXAMPLES / "clients"
DATABASE = os.environ["SERVED_DB"]
ADDRESS = urllib.parse.urlsplit(os.environ["AUDITLOG_URL"])
# The budget that examples_test.sh gives the server: requests a minute.
BUDGET = 120
# A text that needs care in JSON, in a shell and in the query language; as the latter has it.
TEXT = '"«ü» \\"\\\\ \'"'


def token(role):
    """A token of one of the people."""
    return psql(f"SET ROLE {role};\nSELECT auditlog.create_token('{role} {time.monotonic_ns()}', expires_in => interval '1 day')", DATABASE)[1][0][0]


def typescript(folder):
    """The program in TypeScript, built from its lock file; None when it can't be."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("skipped clients: there is no node, or no npm, for TypeScript")
        return None
    for name in ("client.ts", "package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(FOLDER / "typescript" / name, folder)
    install = subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if install.returncode != 0:
        print(f"skipped clients: npm ci: {install.stdout.strip()[-200:]}")
        return None
    built = subprocess.run(["npx", "--no-install", "tsc"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    check("clients: the program in TypeScript has the types that it says", built.returncode == 0, built.stdout)
    return ["node", f"{folder}/build/client.js"]


class Relay:
    """Passes connections on to the server, and cuts one off when it is told to: what happens in any network."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Takes connections for ever."""
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection((ADDRESS.hostname, ADDRESS.port))
            self.open.append((client, server))
            for here, there in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(here, there), daemon=True).start()

    @staticmethod
    def copy(here, there):
        """One direction of a connection."""
        try:
            while data := here.recv(1 << 16):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Cuts all that is open."""
        for pair in self.open:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.open.clear()


class Program:
    """One of the programs."""

    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, command, folder
        # Each has budgets of its own: they are by token.
        self.writer, self.reader = token("demo_administrator"), token("demo_analyst")

    def start(self, *arguments, who=None, url=None):
        """Runs it, as an analyst unless told."""
        environment = {**os.environ, "AUDITLOG_URL": url or os.environ["AUDITLOG_URL"], "AUDITLOG_TOKEN": who or self.reader}
        return subprocess.Popen([*self.command, *map(str, arguments)], cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, **options):
        """Exit status and what it said."""
        process = self.start(*arguments, **options)
        try:
            said, complained = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complained = process.communicate()
        return process.returncode, said, complained

    def lines(self, *arguments, **options):
        """What it printed, as JSON; it must succeed."""
        status, said, complained = self.run(*arguments, **options)
        check(f"clients: {self.name} {arguments[0]} succeeds", status == 0, said[-500:], complained)
        return [json.loads(line) for line in said.splitlines()]

    def file(self, name, text):
        """A file of the program's."""
        path = pathlib.Path(self.folder) / name
        path.write_text(text, encoding="utf-8")
        return path


def of_kind(kind):
    """How many events of a type there are."""
    return int(value(f"SELECT count(*) FROM auditlog.events WHERE event_type = '{kind}'", DATABASE))


def records(program):
    """Single, several, lines; each twice with the same key."""
    kind = f"example.{program.name}"
    one = program.file("one.json", json.dumps({"event_type": f"{kind}.single", "actor": {"type": "user", "id": "ann"}}))
    ids = {program.lines("record", one, f"{program.name}-1", who=program.writer)[0]["event_id"] for _ in range(2)}
    check(f"clients: {program.name} records one event, and a retry with its key records none", len(ids) == of_kind(f"{kind}.single") == 1, ids)
    batch = [{"event_type": f"{kind}.batch", "actor": {"type": "user", "id": "ann"}, "metadata": {"n": n, "text": json.loads(TEXT)}} for n in range(25)]
    for name, text in (("batch.json", json.dumps(batch)), ("batch.ndjson", "".join(f"{json.dumps(event)}\n" for event in batch))):
        file = program.file(name, text)
        told = [program.lines("record", file, f"{program.name}-{name}", who=program.writer)[0]["recorded"] for _ in range(2)]
        check(f"clients: {program.name} records {name}, and a retry with its key records none", told == [25, 0], told)
    check(f"clients: {program.name} has recorded each event once", of_kind(f"{kind}.batch") == 50)
    for _ in range(2):
        program.lines("record", one, who=program.writer)
    check(f"clients: {program.name} without a key records what it is told as often as it is told", of_kind(f"{kind}.single") == 3)
    sealed(DATABASE)
    return ids.pop()


def reads(program, event_id):
    """All pages, one event and its proof, an export."""
    kind = f"example.{program.name}"
    events = program.lines("search", f"event_type:{kind}.batch", 7)
    check(f"clients: {program.name} reads all pages: 50 events in portions of 7, each once, the newest first",
          len({event["event_id"] for event in events}) == len(events) == 50
          and [event["auditlog"]["log_index"] for event in events] == sorted((event["auditlog"]["log_index"] for event in events), reverse=True),
          len(events))
    check(f"clients: {program.name} finds nothing where there is nothing", program.lines("search", f"event_type:{kind}.nothing") == [])
    psql("SELECT auditlog.checkpoint() \\g /dev/null\nSELECT 1", DATABASE)
    proof = pathlib.Path(program.folder) / "proof"
    event = program.lines("event", event_id, proof)[0]
    check(f"clients: {program.name} gets one event and its proof",
          event["event_id"] == event_id and event["event_type"] == f"{kind}.single" and proof.read_text(encoding="utf-8").startswith("c2sp.org/tlog-proof@v1\n"), event)
    status, _, complained = program.run("event", "no such/event", proof)
    check(f"clients: {program.name} is told that there is no such event", status == 1 and "may not be seen" in complained, complained)
    exported = pathlib.Path(program.folder) / "exported"
    for form in ("ndjson", "csv"):
        status, said, complained = program.run("export", form, exported, f"event_type:{kind}.batch AND metadata.text:{TEXT}")
        rows = exported.read_text(encoding="utf-8").splitlines()
        check(f"clients: {program.name} exports 50 events as {form}", status == 0 and len(rows) == 50 + (form == "csv"), said, complained, len(rows))


def streams(program, relay):
    """What is there and what comes, over a connection that is cut in the middle: each once, in order."""
    kind = f"example.{program.name}.live"
    begin = int(value("SELECT auditlog.tail_position()", DATABASE))
    reader = program.start("stream", f"event_type:{kind}", begin, 30, url=relay.url)
    try:
        heard = []
        for number in range(30):
            psql(f"SELECT auditlog.record('{kind}', jsonb_build_object('type', 'user', 'id', 'ann'), metadata => '{{\"n\": {number}}}') \\g /dev/null\nSELECT 1", DATABASE)
            if number in (9, 19):
                heard += [json.loads(reader.stdout.readline())["metadata"]["n"] for _ in range(number + 1 - len(heard))]
                relay.cut()
        timer = threading.Timer(60, reader.kill)
        timer.start()
        rest, complained = reader.communicate()
        timer.cancel()
        heard += [json.loads(line)["metadata"]["n"] for line in rest.splitlines()]
    finally:
        reader.kill()
    check(f"clients: {program.name} hears 30 events once and in order, though its connection was cut twice", heard == list(range(30)), heard, complained)
    late = [event["metadata"]["n"] for event in program.lines("stream", f"event_type:{kind}", begin, 30)]
    check(f"clients: {program.name} hears the same later, from the same place", late == list(range(30)), late)


def refusals(program):
    """A query that is none, a token that is none, too many requests."""
    status, said, complained = program.run("search", "status:(a")
    place = re.search(r"^( *)status:\(a\n( *)\^", complained, re.MULTILINE)
    check(f"clients: {program.name} shows the character that is wrong in a query",
          status == 1 and not said and "The query cannot be read" in complained and place and len(place[2]) - len(place[1]) == 7, complained)
    status, said, complained = program.run("stream", "status:(a", -1, 1)
    check(f"clients: {program.name} shows it for streams too", status == 1 and not said and "The query cannot be read" in complained, complained)
    status, _, complained = program.run("search", "", who="pgal_none")
    check(f"clients: {program.name} says that its token is none", status == 1 and "The caller is not known" in complained, complained)
    spent = token("demo_analyst")
    connection = http.client.HTTPConnection(ADDRESS.hostname, ADDRESS.port)
    for _ in range(BUDGET + 20):
        connection.request("GET", "/api/v1/session", headers={"Authorization": f"Bearer {spent}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 429:
            break
    check(f"clients: {program.name} has a token that has asked too often", answer.status == 429 and int(answer.headers["Retry-After"]) == 1, answer.status)
    log = pathlib.Path(os.environ["SERVER_LOG"])
    before = log.stat().st_size
    status, said, complained = program.run("search", f"event_type:example.{program.name}.single", who=spent)
    refused = log.read_bytes()[before:].count(b'"status":429')
    check(f"clients: {program.name} waits as long as Retry-After says, and asks again", status == 0 and len(said.splitlines()) == 3 and 1 <= refused <= 3, complained, refused)


def main():
    """All programs, one after the other."""
    relay = Relay()
    with tempfile.TemporaryDirectory() as folder:
        built = pathlib.Path(folder) / "typescript"
        built.mkdir()
        programs = {"curl": [str(FOLDER / "client.sh")], "python": [sys.executable, "-B", str(FOLDER / "client.py")], "typescript": typescript(built)}
        for name, command in programs.items():
            if command is None:
                continue
            own = pathlib.Path(folder) / f"files-{name}"
            own.mkdir()
            program = Program(name, command, own)
            event_id = records(program)
            reads(program, event_id)
            streams(program, relay)
            refusals(program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
