"""Control groups: how many there are, and CPU, memory, I/O and pressure of the chosen ones.

Sources: /proc/cgroups (Linux kernel/cgroup/cgroup-v1.c, since 2.6.24), and the groups themselves
below /sys/fs/cgroup, of version 1, version 2 or both (see _cgroup_files.py). Needs no rights. In a
container the host's groups are seen only where the host's /sys, with what is mounted below it, is
mounted: the container's own shows its own group.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from exporter.collectors._cgroup_containers import ID, Container, parse_container
from exporter.collectors._cgroup_families import DEVICE, GROUP, make_columns
from exporter.collectors._cgroup_reader import DeviceNames, Group, Wanted
from exporter.collectors._cgroup_tree import Choice, Hierarchy, choose, find_hierarchies
from exporter.families import Digits, Family, Filled, LabelValues, Number, gauge
from exporter.kernel import KernelTree, NoData
from exporter.options import NameFilter, option, parse_regexp, parse_text, shown
from exporter.parsing import integers, shorten
from exporter.table import Table

DEFAULT_INCLUDE = (
    r"^/("
    r"[^/]+\.slice|kubepods"  # the sums: system.slice, user.slice, ...
    r"|system\.slice/[^/]+\.service"
    r"|user\.slice/user-[0-9]+\.slice"
    r"|machine\.slice/(?!libpod-conmon-)[^/]+"  # virtual machines, nspawn
    rf"|(.+/)?{ID}"  # containers, wherever they are
    r")$"
)


def parse_include(raw: Any) -> re.Pattern[str]:
    """Take a regular expression; an empty one matches every group, as everywhere."""
    return parse_regexp(raw) or re.compile("")


def parse_root(raw: Any) -> str:
    """Take an absolute path; an empty one means the usual place."""
    path = parse_text(raw)
    if path and not os.path.isabs(path):  # noqa: PTH117 -- it stays a text
        raise ValueError(f"expected an absolute path such as /sys/fs/cgroup, got {shown(path)}")
    return path


@dataclass(frozen=True, slots=True)
class Options:
    """Which control groups are shown."""

    root: str = option(
        "",
        "Where control groups are mounted, if not at fs/cgroup below sysfs: an absolute path.",
        parse=parse_root,
    )
    include: re.Pattern[str] = option(
        re.compile(DEFAULT_INCLUDE),
        "Regexp of the groups to show, by path (/system.slice/ssh.service).",
        parse=parse_include,
    )
    exclude: re.Pattern[str] | None = option(
        None, "Regexp of groups to leave out of those included.", parse=parse_regexp
    )
    fields: re.Pattern[str] | None = option(
        None,
        "Regexp of the only metrics to show, without node_cgroup_ (^cpu_|^memory_usage).",
        parse=parse_regexp,
    )
    max_depth: int = option(5, "How many levels below the root are looked at.")
    max_groups: int = option(
        200, "How many groups are shown at most (0: only node_cgroups_cgroups and _enabled)."
    )


def parse_cgroups(text: bytes) -> list[tuple[str, Digits, Digits]]:
    """Parse `memory<TAB>4<TAB>19<TAB>1`: name, number of groups, whether enabled.

    Raises ValueError when it is not that.
    """
    controllers = []
    for line in text.splitlines():
        if line.startswith(b"#"):
            continue
        words = line.split()
        if len(words) < 4:
            raise ValueError(f"/proc/cgroups: expected a name and 3 numbers: {shorten(line)}")
        integers(words[1:4])
        controllers.append((words[0].decode("utf-8", "replace"), words[2], words[3]))
    return controllers


class CgroupsCollector:
    """Control groups."""

    name = "cgroups"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        self._options = options = options or Options()
        self._kernel = kernel
        self._summary = kernel.proc("cgroups")
        self._root = os.path.relpath(options.root, kernel.sysfs) if options.root else ""
        metrics = NameFilter(options.fields, None)
        self._wanted = Wanted(metrics)
        self._group_metrics = [name for name in GROUP if metrics.accepts(name)]
        self._device_metrics = [name for name in DEVICE if metrics.accepts(name)]
        self._group_table = Table(make_columns(GROUP, metrics), ("cgroup",))
        self._device_table = Table(make_columns(DEVICE, metrics), ("cgroup", "device"))
        self._devices = DeviceNames(kernel)
        self._groups: dict[str, Group] = {}

    def collect(self) -> Iterator[Family | Filled]:
        """Yield the numbers of groups by controller, and what the chosen groups say."""
        summary = list(self._collect_summary())
        yield from summary
        hierarchies = find_hierarchies(self._kernel, self._root) if self._options.max_groups else []
        if hierarchies:
            yield from self._collect_groups(hierarchies)
        elif self._root and self._options.max_groups:
            raise FileNotFoundError(
                f"no control groups at {self._options.root}, which collector.cgroups.root names: "
                "mount them there, or leave it out to have them found"
            )
        elif not summary:
            raise NoData("no control groups: neither /proc/cgroups nor any below /sys/fs/cgroup")

    def _collect_summary(self) -> Iterator[Family]:
        try:
            controllers = parse_cgroups(self._summary.read())
        except FileNotFoundError:
            return
        if not controllers:
            return
        yield Family(
            "node_cgroups_cgroups",
            "Control groups that the controller has.",
            "gauge",
            ("subsys_name",),
            [((name,), number) for name, number, _ in controllers],
        )
        yield Family(
            "node_cgroups_enabled",
            "Whether the controller is enabled.",
            "gauge",
            ("subsys_name",),
            [((name,), enabled) for name, _, enabled in controllers],
        )

    def _collect_groups(self, hierarchies: Iterable[Hierarchy]) -> Iterator[Family | Filled]:
        options = self._options
        choice = choose(
            self._kernel, hierarchies, self._accepts, options.max_depth, options.max_groups
        )
        self._follow(choice)
        values = {path: group.read_values() for path, group in self._groups.items()}
        yield self._group_table.fill(
            {
                (path,): [numbers.get(metric) for metric in self._group_metrics]
                for path, numbers in values.items()
            }
        )
        if self._device_metrics:
            yield self._device_table.fill(dict(self._device_rows()))
        yield Family(
            "node_cgroup_container_info",
            "Which container a control group is; always 1.",
            "gauge",
            ("cgroup", *Container._fields),
            [
                ((path, *container), 1)
                for path in values
                if (container := parse_container(path)) is not None
            ],
        )
        yield gauge("node_cgroup_shown_groups", "Control groups that are shown.", len(values))
        yield gauge(
            "node_cgroup_left_out_groups",
            "Control groups that were to be shown, but are more than the maximum.",
            choice.left_out,
        )
        yield gauge(
            "node_cgroup_walked_groups",
            "Directories of control groups that were looked at, whether shown or not.",
            choice.walked,
        )

    def _accepts(self, path: str) -> bool:
        exclude = self._options.exclude
        return bool(self._options.include.search(path)) and not (exclude and exclude.search(path))

    def _follow(self, choice: Choice) -> None:
        """Keep the groups that are still the same, take new ones, and forget the others."""
        known = self._groups
        self._groups = {
            path: known[path]
            if path in known and known[path].places == places
            else Group(self._kernel, path, places, self._wanted)
            for path, places in choice.groups.items()
        }

    def _device_rows(self) -> Iterator[tuple[LabelValues, list[Number | None]]]:
        names: dict[bytes, str] = {}
        for path, group in self._groups.items():
            for number, numbers in group.read_devices().items():
                if number not in names:
                    names[number] = self._devices.find(number)
                yield (
                    (path, names[number]),
                    [numbers.get(metric) for metric in self._device_metrics],
                )
