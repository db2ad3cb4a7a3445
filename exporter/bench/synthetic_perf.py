"""A program that prints what `perf stat -a -A -j` does on a machine with 128 CPUs.

It is run by its path in the place of perf, so that it needs nothing but Python. What it takes
itself says nothing about perf, and is no figure.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence

CPUS = 128

CLOCKS = ("cpu-clock", "task-clock")

LINE = (
    '{"interval" : %.9f, "cpu" : "%d", "counter-value" : "%d.000000", "unit" : "%s", "event" : '
    '"%s", "event-runtime" : %d, "pcnt-running" : 100.00, "metric-value" : 0.000000, '
    '"metric-unit" : ""}\n'
)
"""As perf 6.1 prints it. No two numbers of an interval are the same."""


def main(words: Sequence[str]) -> None:
    """Print once, or with -I at each interval until nobody reads any more."""
    descriptor = int(words[words.index("--log-fd") + 1])
    events = re.findall(r"[^{},]+", words[words.index("-e") + 1])
    if "-I" not in words:
        _write(descriptor, _print(events, 1))
        return
    seconds = int(words[words.index("-I") + 1]) / 1000
    started = time.monotonic()
    number = 0
    while True:
        number += 1
        time.sleep(max(0.0, started + number * seconds - time.monotonic()))
        _write(descriptor, _print(events, number))


def _print(events: Sequence[str], number: int) -> bytes:
    lines = [
        LINE
        % (
            number,
            cpu,
            123_456_789 + 7919 * cpu + 104_729 * number + len(event),
            "msec" if event in CLOCKS else "",
            event,
            1_000_000_000 + cpu,
        )
        for event in events
        for cpu in range(CPUS)
    ]
    return "".join(lines).encode()


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
