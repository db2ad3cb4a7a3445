"""Run in a network of its own: says whose network the kernel's trees are taken to show."""

from __future__ import annotations

import tempfile
from pathlib import Path

from exporter.kernel import KernelTree

with tempfile.TemporaryDirectory() as folder:
    mounted = Path(folder, "proc")
    mounted.symlink_to("/proc")  # as a procfs that is mounted elsewhere
    print(KernelTree().own_network, KernelTree(str(mounted)).own_network)
