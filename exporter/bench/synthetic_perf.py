"""A program that prints what `perf stat -a -x ';'` does, with -A on a machine with 128 CPUs.

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

LINE = "%17.9f;%s%s;%s;%s;%d;100.00;;\n"
"""As perf 6.1 prints it. No two lines of a run are the same."""


def main(words: Sequence[str]) -> None:
    """Print once, or with -I at each interval until nobody reads any more."""
    descriptor = int(words[words.index("--log-fd") + 1])
    events = re.findall(r"[^{},]+", words[words.index("-e") + 1])
    places = [f"CPU{cpu};" for cpu in range(CPUS)] if "-A" in words else [""]
    if "-I" not in words:
        _write(descriptor, _print(events, places, 1))
        return
    seconds = int(words[words.index("-I") + 1]) / 1000
    started = time.monotonic()
    number = 0
    while True:
        number += 1
        time.sleep(max(0.0, started + number * seconds - time.monotonic()))
        _write(descriptor, _print(events, places, number))


def _print(events: Sequence[str], places: Sequence[str], number: int) -> bytes:
    lines = []
    for event in events:
        is_clock = event in CLOCKS
        for cpu, place in enumerate(places):
            count = 123_456_789 + 7919 * cpu + 104_729 * number + len(event)
            value = f"{count / 1e5:.2f}" if is_clock else str(count)
            unit = "msec" if is_clock else ""
            lines.append(LINE % (number, place, value, unit, event, 1_000_000_000 + cpu))
    return "".join(lines).encode()


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
