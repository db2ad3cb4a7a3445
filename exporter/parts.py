"""From settings to the collectors that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter import collectors as registry
from exporter.kernel import KernelTree
from exporter.outcome import AnyCollector
from exporter.settings import Settings, SettingsError
from exporter.slow import SlowCollector

IRIS = "iris"
"""The name of the collector that is in no registry, as it has no host but instances."""


def make_collectors(
    settings: Settings, kept: Mapping[str, AnyCollector] | None = None, *, acts: bool = True
) -> list[AnyCollector]:
    """Make the enabled collectors, in the registry's order, but for those that are `kept`.

    With instances of IRIS theirs is the last one; only if it `acts` it changes anything in them.
    Raises SettingsError where a tree of the kernel is not what its setting says.
    """
    path = settings.path
    for name, folder in (("procfs", path.procfs), ("sysfs", path.sysfs), ("rootfs", path.rootfs)):
        if not Path(folder).is_dir():
            raise SettingsError(
                f"path.{name}: {folder!r} is no directory: name where the host's {name} is mounted"
            )

    def make_kernel() -> KernelTree:
        return KernelTree(path.procfs, path.sysfs, path.rootfs, path.udev_data)

    kernel = make_kernel()
    made: list[AnyCollector] = []
    for entry in registry.ALL:
        if kept and entry.name in kept:
            made.append(kept[entry.name])
        elif entry.name in settings.collectors:
            options = settings.collectors[entry.name]
            one = entry.make(kernel) if options is None else entry.make(kernel, options)
            made.append(SlowCollector(one) if entry.slow else one)
    if kept and IRIS in kept:
        made.append(kept[IRIS])
    elif settings.iris:
        from exporter.iris.collector import IrisCollector  # few hosts run IRIS

        made.append(IrisCollector(settings.iris, make_kernel, acts=acts))
    return made


def start_beside(collectors: Mapping[str, AnyCollector]) -> None:
    """Start what works without being asked, and join those that are to know of each other.

    While an instance of IRIS finds this host under pressure, the costly collectors are suspended.
    """
    costly: list[Any] = [one for one in collectors.values() if hasattr(one, "suspend")]
    iris: Any = collectors.get(IRIS)
    if iris is not None:
        iris.start(costly)
        return
    for one in costly:
        one.resume()  # what was kept at a reload may be of a time with an instance
