"""A client of HTTP/1.1 that costs little: requests are bytes made beforehand, answers are counted and thrown away."""

import resource
import selectors
import socket
import time

from .cluster import Failed

BUFFER = 1 << 18


def request(method, target, headers, body=b""):
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """A connection that is kept alive; one request at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(BUFFER)
        self.left = 0
        self.begun = 0.0

    def send(self, data):
        """Sends a request."""
        self.begun, self.left = time.perf_counter(), None
        self.socket.sendall(data)

    def receive(self):
        """Takes what has come; True when the answer is whole."""
        got = self.socket.recv_into(self.buffer)
        if got == 0:
            raise Failed("auditlog-server has closed a connection")
        if self.left is None:
            # The head comes in one piece: it is the first that is written, and small.
            head, separator, _ = bytes(self.buffer[:min(got, 8192)]).partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200") or not separator:
                raise Failed(f"the answer is {bytes(self.buffer[:min(got, 2000)])!r}")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if not lengths:
                raise Failed(f"no Content-Length in {head!r}")
            self.left = int(lengths[0].split(b":")[1]) + len(head) + 4
        self.left -= got
        return self.left == 0

    def seconds(self, data):
        """Sends a request and returns the time until the last byte of its answer."""
        self.send(data)
        while not self.receive():
            pass
        return time.perf_counter() - self.begun

    def close(self):
        """Ends the connection."""
        self.socket.close()


def load(port, data, connections, seconds):
    """The same request over so many connections for a time: (answers, seconds, CPU seconds of this client)."""
    opened = [Connection(port) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        for connection in opened:
            connection.seconds(data)  # its connection to the database is open afterwards
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        cpu, begun, answers = own_cpu(), time.perf_counter(), 0
        for connection in opened:
            connection.send(data)
        waiting = len(opened)
        while waiting:
            for key, _ in selector.select():
                if key.data.receive():
                    answers += 1
                    if time.perf_counter() - begun < seconds:
                        key.data.send(data)
                    else:
                        waiting -= 1
        took = time.perf_counter() - begun
    for connection in opened:
        connection.close()
    return answers, took, own_cpu() - cpu


def own_cpu():
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
