"""Gives each file of a fresh checkout the time that it had in the checkout before, when its content is the same.

    keep_times.py FILE      FILE remembers path, content (Git's hash) and time; it is read, and written anew

Cargo takes a file for changed when its time is later than the last build's. A clone makes all files new, so without this
each CI run builds all our crates again. A file whose content differs from that of the run before keeps its new time.
"""

import json
import os
import subprocess
import sys


def tracked():
    """Path and Git hash of each file in the index."""
    listing = subprocess.run(["git", "ls-files", "-s", "-z"], check=True, capture_output=True, text=True).stdout
    for entry in listing.split("\0"):
        if entry:
            head, path = entry.split("\t", 1)
            yield path, head.split()[1]


def main(memory):
    """Sets the times, and remembers them."""
    try:
        with open(memory, encoding="utf-8") as file:
            before = json.load(file)
    except (OSError, ValueError):
        before = {}
    # the index says what was checked out; a file that was edited since is none of those
    try:
        edited = subprocess.run(["git", "diff", "--name-only", "-z"], check=True, capture_output=True, text=True).stdout
        files = list(tracked())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no checkout of Git, so everything is built: {error}")
        return
    edited = set(edited.split("\0"))
    now, kept = {}, 0
    for path, content in files:
        if path in edited or not os.path.isfile(path):
            continue
        if path in before and before[path][0] == content:
            os.utime(path, ns=(before[path][1], before[path][1]))
            kept += 1
        now[path] = [content, os.stat(path).st_mtime_ns]
    with open(memory + ".new", "w", encoding="utf-8") as file:
        json.dump(now, file)
    os.replace(memory + ".new", memory)
    print(f"{kept} of {len(now)} files are as in the run before")


if __name__ == "__main__":
    main(sys.argv[1])
