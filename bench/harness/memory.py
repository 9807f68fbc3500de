"""Memory of a worker while it works."""

import re
import threading
from pathlib import Path

from .cluster import Session


class Watch:
    """Notes ten times a second how much memory of its own a worker has; `largest` is in MB."""

    def __init__(self, cluster, name, worker):
        self.largest = 0.0
        self.find = f"SELECT coalesce(max(pid), 0) FROM auditlog.stat_workers WHERE worker = '{worker}'"
        self.cluster, self.name = cluster, name
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        """Until told to end."""
        with Session(self.cluster, self.name) as session:
            while not self.over.wait(0.1):
                try:
                    status = Path(f"/proc/{int(session.value(self.find))}/status").read_text(encoding="ascii")
                except OSError:
                    continue  # not there yet, or there no longer
                if found := re.search(r"RssAnon:\s+(\d+)", status):
                    self.largest = max(self.largest, int(found[1]) / 1024)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
