"""Is the machine ours? Figures taken beside a build are worthless, so they are thrown away and taken again."""

import os
import resource
import time
from pathlib import Path

from .cluster import TICKS

# Share of the machine that other programs may take during one measurement. The kernel's own threads,
# which write the WAL for everybody, are among the others: 10 % of two cores is theirs anyway.
LIMIT = 0.15
ATTEMPTS = 10
PATIENCE_SECONDS = 600


def busy_seconds():
    """CPU time of the whole machine since it started, without idle and waiting."""
    user, nice, system, _idle, _wait, irq, softirq = (int(f) for f in Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def own_seconds():
    """CPU time of the harness and of the programs that it has run."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


class Meter:
    """CPU that neither the cluster nor the harness has used since the meter was made."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.started, self.foreign = time.monotonic(), self.read()

    def read(self):
        """Foreign CPU seconds so far."""
        return busy_seconds() - own_seconds() - self.cluster.cpu_seconds()[0]

    def share(self):
        """Foreign share of all cores."""
        return max(0.0, self.read() - self.foreign) / (time.monotonic() - self.started) / os.cpu_count()


def wait(say):
    """Waits, but not for ever, until the machine has been nearly idle for two seconds."""
    told, until = False, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        before = busy_seconds()
        time.sleep(2)
        if (busy_seconds() - before) / 2 / os.cpu_count() < LIMIT:
            return
        if not told:
            say("    (waiting: something else is running)")
            told = True


def undisturbed(cluster, results, measurement):
    """Calls `measurement` and keeps its samples; again and again if other programs ran meanwhile."""
    for attempt in range(ATTEMPTS):
        if attempt or os.getloadavg()[0] > 1.5:
            wait(results.say)
        meter = Meter(cluster)
        results.begin()
        measurement()
        share = meter.share()
        if share <= LIMIT or attempt == ATTEMPTS - 1:
            results.commit(share)
            return
        results.say(f"    (thrown away: other programs took {share:.0%} of the machine)")
