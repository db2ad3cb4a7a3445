"""From settings to the collectors that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exporter import collectors as registry
from exporter.kernel import KernelTree
from exporter.outcome import AnyCollector
from exporter.settings import Settings, SettingsError
from exporter.slow import SlowCollector


def make_collectors(
    settings: Settings, kept: Mapping[str, AnyCollector] | None = None
) -> list[AnyCollector]:
    """Make the enabled collectors, in the registry's order, but for those that are `kept`.

    Raises SettingsError where a tree of the kernel is not what its setting says.
    """
    path = settings.path
    for name, folder in (("procfs", path.procfs), ("sysfs", path.sysfs), ("rootfs", path.rootfs)):
        if not Path(folder).is_dir():
            raise SettingsError(
                f"path.{name}: {folder!r} is no directory: name where the host's {name} is mounted"
            )
    kernel = KernelTree(path.procfs, path.sysfs, path.rootfs, path.udev_data)
    made: list[AnyCollector] = []
    for entry in registry.ALL:
        if kept and entry.name in kept:
            made.append(kept[entry.name])
        elif entry.name in settings.collectors:
            options = settings.collectors[entry.name]
            one = entry.make(kernel) if options is None else entry.make(kernel, options)
            made.append(SlowCollector(one) if entry.slow else one)
    return made
