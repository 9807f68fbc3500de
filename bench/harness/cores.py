"""Which cores take part in a measurement of CPU.

A client that waits for its answer on another core has to be woken there, and its backend too. On a virtual machine that costs
the backend 10 to 25 µs each time, and less when something else keeps that core awake: there an UPDATE beside a busy sealer
took *less* CPU than one without (41 and 47 µs, 30 November 2026). On one core nobody is woken elsewhere.
"""

import os
from contextlib import contextmanager
from pathlib import Path


def children(process):
    """Process ids of its children."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == process:
            found.append(int(entry))
    return found


@contextmanager
def client_beside_backend(cluster):
    """Clients and the backends that begin meanwhile share one core; the workers that are there have the others.

    With one core only there is nothing to do.
    """
    all_cores = os.sched_getaffinity(0)
    first, *others = sorted(all_cores)
    postmaster = cluster.postmaster()

    def place(process, cores):
        try:
            os.sched_setaffinity(process, cores)
        except ProcessLookupError:
            pass  # it has ended

    if not others:
        yield
        return
    for worker in children(postmaster):
        place(worker, others)
    # What they start inherits it.
    place(postmaster, {first})
    place(0, {first})
    try:
        yield
    finally:
        for process in (0, postmaster, *children(postmaster)):
            place(process, all_cores)
