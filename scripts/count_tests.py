"""Adds up the closing lines of test runners on standard input; prints "PASSED FAILED SKIPPED".

Knows cargo test, cargo nextest, pg_regress and the plain line "N passed, N failed[, N skipped]". Where a runner's output
shows the same run in two ways (pg_regress's own line and a script's plain line), the plain line counts.
"""

import re
import sys

CARGO = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored")
NEXTEST = re.compile(r"^\s*Summary \[.*?\]\s+\d+ tests? run: (\d+) passed(?: \(.*?\))?(?:, (\d+) failed)?(?:.*?, (\d+) skipped)?")
PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
REGRESS = [
    (re.compile(r"^\s*All (\d+) tests passed\."), lambda m: (int(m[1]), 0, 0)),
    (re.compile(r"^\s*(\d+) of (\d+) tests failed\."), lambda m: (int(m[2]) - int(m[1]), int(m[1]), 0)),
    (re.compile(r"^# All (\d+) tests passed\."), lambda m: (int(m[1]), 0, 0)),
    (re.compile(r"^# (\d+) of (\d+) tests failed\."), lambda m: (int(m[2]) - int(m[1]), int(m[1]), 0)),
]
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def numbers(match):
    """The groups of a match as three numbers."""
    return tuple(int(group or 0) for group in match.groups())


def count(lines):
    """The totals of an output, given line by line."""
    plain, other = [], []
    for line in lines:
        line = ESCAPES.sub("", line.rstrip())
        if match := PLAIN.match(line):
            plain.append(numbers(match))
        elif match := CARGO.match(line) or NEXTEST.match(line):
            other.append(numbers(match))
        else:
            other += [total(match) for pattern, total in REGRESS if (match := pattern.match(line))]
    return [sum(column) for column in zip((0, 0, 0), *(plain or other))]


if __name__ == "__main__":
    print(*count(sys.stdin))
