"""Entry point of the benchmark; see README.md."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from harness import captures, exporting, journal, measures, proofs, report, reporting, roles, searches, serving, streaming, tiering, watching
from harness.cluster import Cluster, Failed


LAST = Path(__file__).parent / "results" / "last.json"
ALL = {
    **measures.ALL,
    "capture": captures.capture,
    "search": searches.search,
    "journal": journal.journal,
    "exporting": exporting.exporting,
    "reporting": reporting.reporting,
    "proof": proofs.proof,
    "roles": roles.roles,
    "watching": watching.watching,
    "streaming": streaming.streaming,
    "serving": serving.serving,
    "tiering": tiering.tiering,
    "growth": searches.growth,
}


class Plan:
    """How much is measured."""

    def __init__(self, options):
        quick, long = options.quick, options.long
        self.rounds = options.rounds or (1 if quick else 5 if long else 3)
        self.seconds = options.seconds or (4 if quick else 30 if long else 10)
        self.clients = [int(c) for c in options.clients.split(",")]
        self.bulk_rows = 20_000 if quick else 100_000
        self.sustained_events = options.events or (20_000 if quick else 600_000 if long else 150_000)
        self.lag_rate = 2000
        self.lag_seconds = 5 if quick else 60 if long else 20
        self.verify_rows = 60_000 if quick else 1_000_000 if long else 300_000
        self.search_rows = 100_000 if quick else 1_000_000
        self.stream_rows = 20_000 if quick else 500_000 if long else 100_000
        self.tier_rows = 30_000 if quick else 300_000
        self.roles_rows = 100_000 if quick else 2_000_000
        small = options.growth or (10_000 if quick else 1_000_000)
        self.growth_rows = (small, 10 * small)
        self.baselines = options.baselines
        self.load_at_start = os.getloadavg()[0]

    def only(self, variants):
        """The variants that this run can measure."""
        return [v for v in variants if not (self.baselines and v.sealed)]


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/run.sh", description="Measures pg_auditlog beside a plain table and a naive chain.")
    parser.add_argument("--quick", action="store_true", help="one short round: shows that it works, not how fast it is")
    parser.add_argument("--long", action="store_true", help="five long rounds")
    parser.add_argument("--rounds", type=int, help="number of rounds")
    parser.add_argument("--seconds", type=int, help="seconds of each pgbench run")
    parser.add_argument("--clients", default="1,16,64", help="numbers of clients, default %(default)s")
    parser.add_argument("--events", type=int, help="events of the sustained load")
    parser.add_argument("--growth", type=int, help="events of the shorter log of growth, default a million; the other is ten times as long")
    parser.add_argument("--only", default=",".join(n for n in ALL if n != "growth"),
                        help=f"of {','.join(ALL)}; default %(default)s (growth takes half an hour)")
    parser.add_argument("--baselines", action="store_true", help="without the extension: plain table and naive chain only")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument("--add", action="store_true",
                        help="keep the other measures of the last run in the report, with a note of when that was")
    parser.add_argument("--keep", action="store_true", help="leave the cluster running afterwards")
    return parser.parse_args()


def main():
    """Measures, reports, and ends with 1 when a goal is missed."""
    # An interrupted run must not leave its cluster behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    plan = Plan(options)
    binaries = os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin")
    directory = os.environ.get("BENCH_DIR", "/tmp/pg_auditlog_bench")
    if plan.load_at_start > 1.5:
        print(f"warning: the load average is {plan.load_at_start:.1f}: something else is running, the figures will be poor", file=sys.stderr)
    cluster = Cluster(binaries, directory, preload=not plan.baselines)
    results = measures.Results(say=lambda line: print(line, flush=True))
    try:
        cluster.start()
        for name in options.only.split(","):
            started = time.monotonic()
            print(f"{name}: {ALL[name].__doc__.splitlines()[0]}", flush=True)
            ALL[name](cluster, results, plan)
            print(f"    ({time.monotonic() - started:.0f} s)", flush=True)
        about = report.conditions(cluster, plan)
        if options.add:
            about |= report.keep_others(LAST, results)
        about["unplanned checkpoints"] = str(cluster.unplanned_checkpoints())
        about["largest share of other programs"] = f"{results.disturbance:.0%} of the machine in any kept measurement"
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        print(f"server log: {cluster.log}", file=sys.stderr)
        return 2
    finally:
        if options.keep:
            print(f"the cluster is left running: {cluster.directory}")
        else:
            cluster.stop()
    if not options.keep:
        cluster.remove()
    print("\n" + report.text(results, plan, about))
    report.write_json(LAST, results, plan, about)
    if options.write:
        report.write_document(report.ROOT / "docs" / "performance.md", results, plan, about)
    return 1 if any(row[4] != "met" for row in report.goal_lines(results, plan)) else 0


if __name__ == "__main__":
    sys.exit(main())
