"""No object of another's: what somebody's lists have and one's own have not is not to be had one by one either. Lists and what they lead to are
those of the OpenAPI document, so that a new one is tried without a word here. Prints «ok» and «not ok» lines.

    others.py URL PASSWORD       people are those of examples/demo/people.sql
"""

import base64
import datetime
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

PEOPLE = ("administrator", "analyst", "compliance", "manager", "user")
MOST = 30
# Taking back may be tried on what is another's; nothing of it may happen. Saved queries: a name is everybody's own.
OWNED = {"/api/v1/tokens/{id}": "/api/v1/tokens"}

faults = []
passed = 0


def ask(person, path, method="GET", body=None):
    """Status and answer."""
    credentials = base64.b64encode(f"demo_{person}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if answer.headers.get_content_type() == "application/json" else None
    except urllib.error.HTTPError as error:
        error.read()
        return error.code, None


def ids(person, path, key):
    """What a list shows a person, all pages of it; empty where it shows nothing."""
    # Reading makes events: those of before are compared.
    pages = f"?limit=1000&end_time={urllib.parse.quote(BEGIN)}" if path.endswith("/audit-logs") else ""
    found, cursor = set(), ""
    while True:
        status, answer = ask(person, path + pages + cursor)
        if status != 200:
            return found
        items = answer.get("items") or answer.get("events") or []
        found |= {str(item[key]) for item in items}
        if not answer.get("next_cursor"):
            return found
        cursor = f"&cursor={answer['next_cursor']}"


def check(name, right, seen):
    """Counts a check."""
    global passed
    if right:
        passed += 1
        print(f"ok {name}")
    else:
        faults.append(name)
        print(f"not ok {name}: {seen}")


def families(document):
    """Lists, the member by which their things are asked for, and the paths of one thing."""
    for path, item in document["paths"].items():
        whole, _, last = path.rpartition("/")
        if last.startswith("{") and "get" in item and "get" in document["paths"].get(whole, {}):
            under = [deeper for deeper, operations in document["paths"].items() if deeper.startswith(path + "/") and "get" in operations and deeper.count("{") == 1]
            yield whole, last.strip("{}"), [path, *under]


def prepare():
    """Something of everybody's, so that lists are not empty."""
    for person in PEOPLE:
        ask(person, "/api/v1/tokens", "POST", {"name": f"of {person}"})
        ask(person, f"/api/v1/saved-queries/of-{person}", "PUT", {"query": "status:failed"})
    ask("administrator", "/api/v1/built-in-alerts", "POST", {})
    ask("administrator", "/api/v1/reports", "POST", {"framework": "soc2", "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-02-01T00:00:00Z", "formats": ["json"]})


def main():
    """All families and all people."""
    with urllib.request.urlopen(URL + "/openapi.json", timeout=60) as answer:
        document = json.load(answer)
    prepare()
    found = list(families(document))
    check("others: the description has lists that lead to things", len(found) >= 4, found)
    tried = set()
    for whole, key, paths in found:
        shown = {person: ids(person, whole, key) for person in PEOPLE}
        everything = set().union(*shown.values())
        for person in PEOPLE:
            strange = sorted(everything - shown[person])[:MOST]
            if not strange:
                continue
            tried.add(whole)
            got = []
            for path in paths:
                for one in strange:
                    status, _ = ask(person, path.replace("{%s}" % key, urllib.parse.quote(one, safe="")))
                    if status not in (403, 404):
                        got.append((path, one, status))
            check(f"others: {person} gets none of {len(strange)} things that {whole} does not show", not got, got[:5])
    check("others: events, alerts and reports were tried", {"/api/v1/audit-logs", "/api/v1/alerts", "/api/v1/reports"} <= tried, tried)
    for path, whole in OWNED.items():
        for person in PEOPLE[1:]:
            strange = sorted(ids("administrator", whole, "id") - ids(person, whole, "id"))[:MOST]
            statuses = {ask(person, path.replace("{id}", one), "DELETE")[0] for one in strange}
            check(f"others: {person} takes back none of {len(strange)} tokens of others", strange and statuses <= {403, 404}, statuses)
    for person in PEOPLE:
        ask(person, f"/api/v1/saved-queries/of-{person}", "DELETE")
    return 1 if faults else 0


if __name__ == "__main__":
    URL, PASSWORD = sys.argv[1:]
    BEGIN = datetime.datetime.now(datetime.timezone.utc).isoformat()
    sys.exit(main())
