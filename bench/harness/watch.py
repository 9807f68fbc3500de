"""A thread that looks at something again and again while a load runs."""

import threading


class Watch:
    """`with` it, `look` is called every `interval` seconds, and `end` once afterwards."""

    def __init__(self, interval):
        self.interval = interval
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        """Until told to end."""
        while not self.over.wait(self.interval):
            self.look()

    def look(self):
        """Once."""
        raise NotImplementedError

    def end(self):
        """Afterwards."""

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.end()
