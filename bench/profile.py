"""Where the time goes: perf over a load of one variant, split into sealer, recording backends and pgbench.

    python3 -B bench/profile.py [variant] [clients] [events per client]

Needs root and perf (Debian: linux-perf). Writes results/perf-<part>.txt and prints the head of each.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from harness import variants
from harness.cluster import Cluster
from harness.pgbench import pgbench

RESULTS = Path(__file__).parent / "results"
DATA = "/tmp/pg_auditlog_perf.data"


def sealers(cluster):
    """Process ids of the sealers that run now."""
    postmaster = str(cluster.postmaster())
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if (b"pg_auditlog sealer" in Path("/proc", entry, "cmdline").read_bytes()
                    and Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()[1] == postmaster):
                yield entry
        except (FileNotFoundError, ProcessLookupError):
            continue


def report(name, *selection):
    """One part of the profile: symbols by their own time, then call chains."""
    for kind, options in (("", ["--no-children", "-g", "none"]), ("-calls", ["--children", "-g", "none"])):
        done = subprocess.run(["perf", "report", "-i", DATA, "--stdio", "--percent-limit", "0.3", "--sort", "symbol", *options, *selection],
                              capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith("#")]
        (RESULTS / f"perf-{name}{kind}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"\n== {name}{kind}\n" + "\n".join(lines[:45]), flush=True)


def main():
    """Loads one variant under perf."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "auditlog"
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    each = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    every = [variants.PLAIN, variants.NAIVE, variants.RECORD, variants.INSERT, variants.PLAIN_100, variants.INSERT_100]
    variant = next(v for v in every if v.name == wanted)
    RESULTS.mkdir(exist_ok=True)
    cluster = Cluster(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"), "/tmp/pg_auditlog_profile", preload=variant.sealed)
    cluster.start()
    try:
        rows = 100_000 if "×100" in variant.name else 0
        with variants.database(cluster, variant, source_rows=rows) as db:
            sealing = ",".join(sealers(cluster))
            with subprocess.Popen(["perf", "record", "-q", "-a", "-g", "-F", "499", "-e", "cpu-clock", "-o", DATA]) as perf:
                time.sleep(0.5)
                run = pgbench(db, clients, transactions=each, defines={"rows": rows})
                drain = db.catch_up(run.transactions * (100 if rows else 1))
                perf.terminate()
            print(f"{variant.name}: {run.tps:,.0f} transactions/s, then {drain:.2f} s of sealing")
        subprocess.run(["perf", "report", "-i", DATA, "--stdio", "--no-children", "-g", "none", "--sort", "comm"], check=False)
        if sealing:
            report("sealer", "--pid", sealing)
        report("all-postgres", "--comm", "postgres")
    finally:
        cluster.stop()
        cluster.remove()


if __name__ == "__main__":
    main()
