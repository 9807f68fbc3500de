#!/usr/bin/env python3
"""The REST API of the audit log with Python's standard library.

  . .run/env                              AUDITLOG_URL and AUDITLOG_TOKEN, as `make run` has written them
  client.py record FILE [KEY]             one event, an array (.json) or one a line (.ndjson)
  client.py search QUERY [PAGE]           all events that match, one a line, read in pages of so many
  client.py event ID PROOF_FILE           one event, and its proof into a file
  client.py stream QUERY AFTER COUNT      what is sealed behind a log_index, so many events
  client.py export FORMAT FILE [QUERY]    a file that is whole, or no file
"""

import http.client
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

ATTEMPTS = 8


class Problem(Exception):
    """A refusal (RFC 9457)."""

    def __init__(self, status, document):
        super().__init__(document.get("detail") or document.get("title") or f"status {status}")
        self.status, self.document = status, document

    def __str__(self):
        """What it says, with the character of the query that it is about."""
        lines = [f"{self.document.get('title', self.status)}: {self.args[0]}"]
        for error in self.document.get("errors", []):
            lines += [f"    {line}" for line in error.get("excerpt", "").splitlines()]
        return "\n".join(lines + [self.document[name] for name in ("hint",) if self.document.get(name)])


class Client:
    """The audit log, as the owner of a token sees it."""

    def __init__(self, url, token):
        self.url, self.token = url.rstrip("/") + "/api/v1", token

    def ask(self, path, parameters=None, body=None, headers=None, timeout=60):
        """The open answer. Waits as long as Retry-After says where it is 429 or 503, so only what may be done twice is asked for here."""
        query = urllib.parse.urlencode({name: value for name, value in (parameters or {}).items() if value is not None})
        request = urllib.request.Request(f"{self.url}{path}{'?' if query else ''}{query}", data=body, headers={
            "Authorization": f"Bearer {self.token}", "User-Agent": "auditlog-example", **(headers or {})})
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return urllib.request.urlopen(request, timeout=timeout)
            except urllib.error.HTTPError as error:
                text = error.read()
                if error.code not in (429, 503) or attempt == ATTEMPTS:
                    is_problem = error.headers.get_content_type() == "application/problem+json"
                    raise Problem(error.code, json.loads(text) if is_problem else {}) from None
                pause = int(error.headers.get("Retry-After", "1"))
            except (urllib.error.URLError, ConnectionError):
                if attempt == ATTEMPTS:
                    raise
                pause = min(2 ** attempt / 2, 30)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def record(self, body, kind="application/json", key=None):
        """Records; what is sent again with the same key is not recorded again. Without a key, one that is drawn covers retries of this call."""
        headers = {"Content-Type": kind, "Idempotency-Key": key or str(uuid.uuid4())}
        with self.ask("/events", body=body, headers=headers) as answer:
            return json.load(answer)

    def search(self, query, page=1000):
        """All events that match, the newest first."""
        cursor = None
        while True:
            with self.ask("/audit-logs", {"q": query, "limit": page, "cursor": cursor}) as answer:
                found = json.load(answer)
            yield from found["events"]
            cursor = found["next_cursor"]
            if cursor is None:
                return

    def event(self, event_id):
        """An event and its proof. By a parameter: «.» and «..», which may be ids, would be steps in a path."""
        with self.ask("/audit-logs/by-id", {"id": event_id}) as event, self.ask("/audit-logs/by-id/proof", {"id": event_id}) as proof:
            return json.load(event), proof.read()

    def stream(self, query, after):
        """Events behind a log_index as they are sealed, without end. A connection that breaks off is made anew where it was."""
        last = after
        while True:
            try:
                # The server says something every 15 seconds.
                with self.ask("/audit-logs/stream", {"query": query}, headers={"Last-Event-ID": str(last)}, timeout=45) as answer:
                    for name, place, data in messages(answer):
                        if name == "problem":
                            raise Problem(data.get("status"), data)
                        if name == "audit":
                            yield data
                        last = last if place is None else place
            except (OSError, http.client.HTTPException) as error:
                print(f"the stream broke off: {error}", file=sys.stderr)
            time.sleep(2)

    def export(self, form, path, query=""):
        """Writes a file; there is none when the connection breaks off, as what came would be a part."""
        part = path.with_name(path.name + ".part")
        body = json.dumps({"format": form, "query": query}).encode()
        try:
            with self.ask("/audit-logs/export", body=body, headers={"Content-Type": "application/json"}) as answer, open(part, "wb") as file:
                while piece := answer.read(1 << 16):
                    file.write(piece)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def messages(lines):
    """Name, id and data of Server-Sent Events."""
    fields = {}
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield fields.get("event"), int(fields["id"]) if "id" in fields else None, json.loads(fields["data"])
            fields = {}


def main(command, *arguments):
    """Does what a command says."""
    client = Client(os.environ["AUDITLOG_URL"], os.environ["AUDITLOG_TOKEN"])
    match command, arguments:
        case "record", (file, *key):
            path = pathlib.Path(file)
            kind = "application/x-ndjson" if path.suffix == ".ndjson" else "application/json"
            print(json.dumps(client.record(path.read_bytes(), kind, *key)))
        case "search", (query, *page):
            for event in client.search(query, *page):
                print(json.dumps(event, ensure_ascii=False))
        case "event", (event_id, file):
            event, proof = client.event(event_id)
            pathlib.Path(file).write_bytes(proof)
            print(json.dumps(event, ensure_ascii=False))
        case "stream", (query, after, count):
            for _, event in zip(range(int(count)), client.stream(query, int(after))):
                print(json.dumps(event, ensure_ascii=False), flush=True)
        case "export", (form, file, *query):
            client.export(form, pathlib.Path(file), *query)
            print("written")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*(sys.argv[1:] or [""])))
    except Problem as refusal:
        sys.exit(str(refusal))
