"""Memory of a worker while it works."""

import re
from pathlib import Path

from .cluster import Session
from .watch import Watch


class MemoryWatch(Watch):
    """Notes ten times a second how much memory of its own a worker has; `largest` is in MB."""

    def __init__(self, cluster, name, worker):
        super().__init__(0.1)
        self.largest = 0.0
        self.find = f"SELECT coalesce(max(pid), 0) FROM auditlog.stat_workers WHERE worker = '{worker}'"
        self.session = Session(cluster, name)

    def look(self):
        """Once."""
        try:
            status = Path(f"/proc/{int(self.session.value(self.find))}/status").read_text(encoding="ascii")
        except OSError:
            return  # not there yet, or there no longer
        if found := re.search(r"RssAnon:\s+(\d+)", status):
            self.largest = max(self.largest, int(found[1]) / 1024)

    def end(self):
        """Afterwards."""
        self.session.close()
