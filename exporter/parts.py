"""From settings to the collectors that they ask for."""

from __future__ import annotations

from exporter import collectors as registry
from exporter.collectors import Collector
from exporter.kernel import KernelTree
from exporter.settings import Settings


def make_collectors(settings: Settings) -> list[Collector]:
    """Make the enabled collectors, in the registry's order."""
    path = settings.path
    kernel = KernelTree(path.procfs, path.sysfs, path.rootfs, path.udev_data)
    made = []
    for entry in registry.ALL:
        if entry.name in settings.collectors:
            options = settings.collectors[entry.name]
            made.append(entry.make(kernel) if options is None else entry.make(kernel, options))
    return made
