"""Where the time goes: perf over a load of one variant, split into the sealer and the recording backends.

    python3 -B bench/profile.py [variant] [clients] [transactions per client]
    python3 -B bench/profile.py bulk [form of the bulk measure]

Needs root and perf (Debian: linux-perf). Writes results/perf-<part>.txt and prints the head of each.
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from harness import measures, variants
from harness.cluster import Cluster, Session
from harness.pgbench import pgbench
from harness.watch import Watch

RESULTS = Path(__file__).parent / "results"
DATA = "/tmp/pg_auditlog_perf.data"


class Processes(Watch):
    """Notes five times a second which processes seal and which record, while a load runs."""

    def __init__(self, cluster):
        super().__init__(0.2)
        self.postmaster = str(cluster.postmaster())
        self.sealing, self.recording = set(), set()

    def look(self):
        """Once."""
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                title = Path("/proc", entry, "cmdline").read_bytes()
                parent = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()[1]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.postmaster and b"pg_auditlog sealer" in title:
                self.sealing.add(entry)
            elif parent == self.postmaster and b"bench_app" in title:
                self.recording.add(entry)


def samples():
    """(process id, library, function) of each sample; perf report's own filters merge processes before they filter."""
    lines = subprocess.run(["perf", "script", "-i", DATA, "-F", "pid,ip,sym,dso"], capture_output=True, text=True, check=False).stdout
    for line in lines.splitlines():
        if found := re.match(r"\s*(\d+)\s+[0-9a-f]+ (.*) \((.*)\)$", line):
            symbol = found[2] if found[2] != "[unknown]" else "?"
            yield found[1], os.path.basename(found[3]), re.sub(r"\+0x[0-9a-f]+$", "", symbol)


def report(name, processes, every):
    """One part of the profile: libraries, then functions by their own time."""
    part = [(library, symbol) for process, library, symbol in every if process in processes]
    if not part:
        return
    lines = [f"== {name}: {len(part) / len(every):.1%} of all samples"]
    for key, count in (*Counter(library for library, _ in part).most_common(6), ("", 0), *Counter(part).most_common(60)):
        lines.append(f"{count / len(part):7.2%}  {key if isinstance(key, str) else '  '.join(key)}" if count else "")
    (RESULTS / f"perf-{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n" + "\n".join(lines[:50]), flush=True)


def load(db, clients, each):
    """One event per transaction, or a hundred."""
    rows = 100_000 if "×100" in db.variant.name else 0
    run = pgbench(db, clients, transactions=each, defines={"rows": rows})
    return f"{run.tps:,.0f} transactions/s", run.transactions * (100 if rows else 1)


def bulk(db, statement, rows):
    """All events in one statement."""
    with Session(db.cluster, db.name, user="bench_app") as session:
        return f"{rows / session.seconds(statement):,.0f} events/s", rows


def main():
    """Loads one variant under perf."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "auditlog"
    if wanted == "bulk":
        forms = measures.bulk_forms(SimpleNamespace(bulk_rows=100_000, only=list))
        variant, name, statement, rows = next(f for f in forms if f[1] == (sys.argv[2] if len(sys.argv) > 2 else "auditlog-insert"))
        work = lambda db: bulk(db, statement, rows)
    else:
        every = [variants.PLAIN, variants.NAIVE, variants.RECORD, variants.INSERT, variants.PLAIN_100, variants.INSERT_100]
        variant = next(v for v in every if v.name == wanted)
        name, rows = variant.name, 100_000 if "×100" in wanted else 0
        clients, each = (int(a) for a in (sys.argv[2:4] if len(sys.argv) > 3 else ("64", "1000")))
        work = lambda db: load(db, clients, each)
    RESULTS.mkdir(exist_ok=True)
    cluster = Cluster(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"), "/tmp/pg_auditlog_profile", preload=variant.sealed)
    cluster.start()
    try:
        with variants.database(cluster, variant, source_rows=rows) as db:
            with Processes(cluster) as processes, subprocess.Popen(["perf", "record", "-q", "-a", "-F", "499", "-e", "cpu-clock", "-o", DATA]) as perf:
                time.sleep(0.5)
                speed, events = work(db)
                drain = db.catch_up(events)
                perf.terminate()
            print(f"{name}: {speed}, then {drain:.2f} s of sealing")
        every = list(samples())
        report("sealer", processes.sealing, every)
        report("recording", processes.recording, every)
    finally:
        cluster.stop()
        cluster.remove()


if __name__ == "__main__":
    main()
