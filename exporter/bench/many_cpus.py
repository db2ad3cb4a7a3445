"""The daemon on a machine that seems to have more CPUs: `python -m exporter.bench.many_cpus run`.

The kernel refuses to count on CPUs that are not there. So what is asked for beyond those of this
machine is counted on one of them: as many descriptors and reads, by the kernel's own price.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from exporter.cli import main
from exporter.perf import perf_event
from exporter.perf.perf_event import Attributes, open_group


def open_somewhere(members: Sequence[Attributes], cpu: int) -> list[int]:
    """Begin to count on the CPU that stands for this one."""
    return open_group(members, cpu % (os.cpu_count() or 1))


if __name__ == "__main__":
    perf_event.open_group = open_somewhere  # before its user is imported
    sys.exit(main(sys.argv[1:]))
