"""Sends the frames to rsyslog and waits until it has written as many lines."""

import socket
import sys
import time
from pathlib import Path

port, work = int(sys.argv[1]), Path(sys.argv[2])
frames = (work / "frames").read_bytes()
wanted = sum(1 for _ in (work / "expected.jsonl").open())
for attempt in range(100):
    try:
        connection = socket.create_connection(("127.0.0.1", port))
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
else:
    sys.exit("rsyslog does not listen")
with connection:
    # pieces that end inside frames
    for start in range(0, len(frames), 7919):
        connection.sendall(frames[start : start + 7919])
received = work / "received"
for attempt in range(200):
    if received.exists() and received.read_bytes().count(b"\n") >= wanted:
        sys.exit(0)
    time.sleep(0.1)
written = received.read_bytes().count(b"\n") if received.exists() else 0
sys.exit(f"rsyslog wrote {written} lines, not {wanted}")
