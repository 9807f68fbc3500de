"""pgbench as the driver: one call, its figures."""

import re
from dataclasses import dataclass
from pathlib import Path

from .cluster import Failed

SCRIPTS = Path(__file__).resolve().parent.parent / "pgbench"


@dataclass(frozen=True)
class Run:
    """What pgbench said."""

    transactions: int
    tps: float  # without the time to connect
    latency_ms: float

    @property
    def seconds(self):
        """Wall time of the load without the time to connect."""
        return self.transactions / self.tps


def pgbench(db, clients, seconds=None, transactions=None, rate=None, script=None, defines=None):
    """Runs the variant's script with `clients` clients for a time or a number of transactions each."""
    # The account postgres may not be allowed to read the checkout, so the script goes through stdin.
    text = (SCRIPTS / f"{script or db.variant.script}.sql").read_text(encoding="utf-8")
    arguments = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)), "-U", "bench_app", "-f", "-"]
    arguments += ["-t", str(transactions)] if transactions else ["-T", str(seconds)]
    if rate:
        arguments += ["-R", str(rate)]
    for name, value in (defines or {}).items():
        arguments += ["-D", f"{name}={value}"]
    done = db.cluster.run("pgbench", *arguments, db.name, input=text)
    if "aborted" in done.stderr or "ERROR" in done.stderr:
        raise Failed(f"pgbench with {db.variant.name}:\n{done.stderr[-3000:]}")
    count = re.search(r"transactions actually processed: (\d+)", done.stdout)
    tps = re.search(r"tps = ([\d.]+)", done.stdout)
    latency = re.search(r"latency average = ([\d.]+)", done.stdout)
    if not (count and tps and latency):
        raise Failed(f"pgbench said\n{done.stdout}\n{done.stderr}")
    return Run(int(count[1]), float(tps[1]), float(latency[1]))
