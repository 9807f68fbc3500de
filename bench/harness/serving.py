"""auditlog-server beside the same SQL without it: a page, many pages, exports, and streams that wait."""

import json
import re
import resource
import socket
import subprocess
import time

from .cluster import Failed
from .exporting import rotated, seconds
from .http_client import Connection, request
from .http_client import load as load_http
from .program import PASSWORD, program
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

PAGE = "server, a page of 100, p50 (ms)"
ADDED = "server, added to a page of 100, p50 (ms)"
LISTS = "server, lists of 100 (requests/s)"
CLIENT = "server, lists of 100, CPU of the client (cores)"
EXPORT = "server, export (MB/s)"
FIRST_BYTE = "server, first byte of an export (ms)"
STREAMS = 1_000
IDLE = f"server, memory with {STREAMS:,} idle streams (MB)"
IDLE_CPU = f"server, CPU with {STREAMS:,} idle streams (% of a core)"
IDLE_CONNECTIONS = f"server, connections to the database with {STREAMS:,} idle streams"

CLIENTS = 16
# Requests of each client in a row, and how often each client has its turn at the least.
SLICE, SLICES = 100, 4
EXPORTS = "/api/v1/audit-logs/export"
EXPORT_ROWS = 200_000
# Until streams are idle, and how long they are looked at then: longer than a heartbeat (15 s).
SETTLE, WATCHED = 3, 20
# Streams that are opened at a time: all of one identity's wait for its few connections to the database, and not for ever.
TOGETHER = 20
SEARCH = json.dumps({"limit": 100}).encode()


def serving(cluster, results, plan):
    """Over HTTP and by pgbench or psql as the same role, in turn: searches, lists, exports; and 1,000 idle streams."""
    with database(cluster, RECORD) as db:
        load(db, plan.search_rows)
        cluster.environment["PGPASSWORD"] = PASSWORD
        with program(cluster, db.name, "log_statement = 'all'") as server:
            sql = statements(cluster, server, results)
        with program(cluster, db.name) as server:
            callers = server.callers()
            for _ in range(plan.rounds):
                undisturbed(cluster, results, lambda: pages(cluster, db, server, results, callers, sql, plan))
                undisturbed(cluster, results, lambda: lists(cluster, db, server, results, callers["session"], sql, plan))
            exports(cluster, db, server, results, callers["session"], plan)
        for _ in range(plan.rounds):
            with program(cluster, db.name) as server:
                undisturbed(cluster, results, lambda: idle(cluster, db, server, results))
    del cluster.environment["PGPASSWORD"]


def statements(cluster, server, results):
    """How many statements a request for a page has; returns the one that reads, with its values put in.

    Out of the database's log: what is compared is the same whatever becomes of the server."""
    results.begin()
    for caller, headers in server.callers().items():
        server.ask("POST", "/api/v1/audit-logs/search", {"limit": 100}, headers)  # opens the connection
        begun = cluster.log.stat().st_size
        server.ask("POST", "/api/v1/audit-logs/search", {"limit": 100}, headers)
        with open(cluster.log, encoding="utf-8") as log:
            log.seek(begun)
            said = log.read()
        results.add("server, statements of a page of 100", caller, len(re.findall(r"LOG: +(?:execute|statement)", said)))
    results.commit(0.0)
    found = re.search(r"LOG: +execute [^:]+: (.*auditlog\.search\(.*)\n.*DETAIL: +[Pp]arameters: (.*)", said)
    if not found:
        raise Failed(f"no statement of a page in {cluster.log}")
    values = dict(re.findall(r"(\$\d+) = (NULL|'(?:[^']|'')*')", found[2]))
    return re.sub(r"\$\d+", lambda name: values[name[0]], found[1])


def pages(cluster, db, server, results, callers, sql, plan):
    """One client after the other, a hundred requests each, in turn; the median of all."""
    times = {"pgbench": []} | {caller: [] for caller in callers}
    for number in range(max(SLICES, plan.seconds)):
        for name in rotated(list(times), number):
            if name == "pgbench":
                times[name] += latencies(cluster, db, sql)
            else:
                times[name] += over_http(server, callers[name])
    medians = {name: sorted(taken)[len(taken) // 2] * 1000 for name, taken in times.items()}
    for name, median in medians.items():
        results.add(PAGE, name, median)
        if name in callers:
            results.add(ADDED, name, median - medians["pgbench"])


def over_http(server, headers):
    """Times of searches over one connection that is kept alive."""
    data = request("POST", "/api/v1/audit-logs/search", headers, SEARCH)
    connection = Connection(server.port)
    times = [connection.seconds(data) for _ in range(SLICE)]
    connection.close()
    return times


def pgbench(cluster, db, sql, clients, *more):
    """The same statement by pgbench as the same role, unnamed as the server sends it; what it prints."""
    arguments = ["-n", "-M", "extended", "-c", str(clients), "-j", str(min(2, clients)), "-U", "bench_analyst", *more]
    done = cluster.run("pgbench", *arguments, "-f", "-", db.name, input=f"{sql};\n")
    if "aborted" in done.stderr or "ERROR" in done.stderr:
        raise Failed(f"pgbench of a page:\n{done.stderr[-3000:]}")
    return done.stdout


def latencies(cluster, db, sql):
    """Times of the statement over one connection."""
    pgbench(cluster, db, sql, 1, "-t", str(SLICE), "-l", f"--log-prefix={cluster.directory / 'latency'}")
    times = []
    for path in cluster.directory.glob("latency.*"):
        times += [int(line.split()[2]) / 1e6 for line in path.read_text(encoding="ascii").splitlines()]
        path.unlink()
    return times


def lists(cluster, db, server, results, session, sql, plan):
    """Sixteen clients at once, over HTTP and by pgbench."""
    data = request("GET", "/api/v1/audit-logs?limit=100", session)
    answers, took, cpu = load_http(server.port, data, CLIENTS, plan.seconds)
    results.add(LISTS, "HTTP", answers / took)
    results.add(CLIENT, "HTTP", cpu / took)
    children = own_children()
    said = pgbench(cluster, db, sql, CLIENTS, "-T", str(plan.seconds))
    results.add(LISTS, "pgbench", float(re.search(r"tps = ([\d.]+)", said)[1]))
    results.add(CLIENT, "pgbench", (own_children() - children) / plan.seconds)


def own_children():
    """CPU seconds of the programs that the harness has run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def exports(cluster, db, server, results, session, plan):
    """The newest 200,000 events as lines, over HTTP and by COPY; and the first byte of an export of everything."""
    newest = f'SELECT "timestamp" FROM auditlog.events ORDER BY "timestamp" DESC OFFSET {min(EXPORT_ROWS, plan.search_rows) - 1} LIMIT 1'
    since = db.sql(newest)[0][0]
    for number in range(plan.rounds):
        for form in rotated(["ndjson", "csv"], number):
            def once(form=form):
                size, took = curl(server, session, {"format": form, "start_time": since})
                results.add(EXPORT, f"HTTP, {form}", size / took / 1e6)
                name = "json" if form == "ndjson" else form
                lines = f"SELECT * FROM auditlog.export_rows('{name}', '', '{since}')"
                by_copy = seconds(cluster, db.name, f"SET ROLE bench_analyst; COPY ({lines}) TO STDOUT")
                results.add(EXPORT, f"COPY of the same lines, {form}", size / by_copy / 1e6)
            undisturbed(cluster, results, once)

        undisturbed(cluster, results, lambda: results.add(FIRST_BYTE, f"of {plan.search_rows:,} events", first_byte(db, server, session) * 1000))


def curl(server, session, body):
    """An export to nowhere: (bytes, seconds)."""
    headers = [part for name, value in session.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{time_total}", *headers,
                           "-H", "Content-Type: application/json", "-d", json.dumps(body), f"http://127.0.0.1:{server.port}{EXPORTS}"],
                          capture_output=True, text=True, check=False)
    code, size, took = (done.stdout or "- 0 0").split()
    if code != "200" or done.returncode != 0:
        raise Failed(f"an export: {code}, {done.stderr}")
    return int(size), float(took)


def first_byte(db, server, session):
    """Time until an export of everything begins to come; then it is given up, and the database with it."""
    connection = Connection(server.port)
    connection.send(request("POST", EXPORTS, session, b'{"format": "ndjson"}'))
    head = connection.socket.recv(1)
    took = time.perf_counter() - connection.begun
    if not (head + connection.socket.recv(4096)).startswith(b"HTTP/1.1 200"):
        raise Failed("an export does not begin")
    connection.close()
    while db.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%export_rows(%' AND state = 'active' AND pid <> pg_backend_pid()")[0][0] != "0":
        time.sleep(0.05)
    return took


def idle(cluster, db, server, results):
    """Streams that are open and have nothing to tell: the whole process, some heartbeats long."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files[1], 4 * STREAMS), files[1]))
    empty = server.memory()
    data = request("GET", "/api/v1/audit-logs/stream?query=status:failed", server.callers()["session"])
    streams = []
    try:
        while len(streams) < STREAMS:
            new = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(TOGETHER)]
            streams += new
            for stream in new:
                stream.sendall(data)
            for stream in new:
                if not (head := stream.recv(4096)).startswith(b"HTTP/1.1 200"):
                    raise Failed(f"a stream does not begin: {head.decode(errors='replace')}")
        time.sleep(SETTLE)
        cpu, begun, largest = server.cpu_seconds(), time.monotonic(), 0.0
        while (took := time.monotonic() - begun) < WATCHED:
            largest = max(largest, server.memory())
            time.sleep(0.5)
        results.add(IDLE, "the whole process", largest)
        results.add(IDLE, "before the streams", empty)
        results.add(IDLE_CPU, "auditlog-server", (server.cpu_seconds() - cpu) / took * 100)
        # Those of the harness have no such name.
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'auditlog-server%'"
        results.add(IDLE_CONNECTIONS, "auditlog-server", int(db.sql(count)[0][0]))
    finally:
        for stream in streams:
            stream.close()
