"""Paging, swapping, reclaim and fault counters of the memory manager.

Source: /proc/vmstat (Linux mm/vmstat.c, since 2.6.0). Which fields exist depends on version and
configuration; the option `fields` chooses. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.options import option, parse_regexp
from exporter.parsing import integers, shorten

DEFAULT_FIELDS = (
    "^(oom_kill|pg|pswp"  # faults and paging: holds node_exporter's default set
    "|swap_ra|swpin|swpout|zswp|ksm_swpin|cow_ksm"  # swapping and copying
    "|thp_(swp|fault|file|zero)"  # the same, of huge pages
    "|allocstall|kswapd_|pageoutrun|unevictable_pgs_"  # why pages come and go
    "|workingset_(refault|activate|restore|nodereclaim)"
    "|numa_(hint_faults|pages_migrated))"  # faults that move memory to the node that uses it
)


def parse_fields(raw: Any) -> re.Pattern[str]:
    """Take a regular expression; an empty one matches every field, as everywhere."""
    return parse_regexp(raw) or re.compile("")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the vmstat collector."""

    fields: re.Pattern[str] = option(
        re.compile(DEFAULT_FIELDS),
        "Expose the fields that match this regexp.",
        parse=parse_fields,
    )


class VmstatFields(NamedTuple):
    """The file's columns."""

    names: list[bytes]
    numbers: list[Digits]


def parse_vmstat(text: bytes) -> VmstatFields:
    """Parse lines such as `pgfault 1736106`. Raises ValueError when it is not that."""
    words = text.split()
    names, numbers = words[::2], words[1::2]
    if len(names) != len(numbers) or not b"".join(names).replace(b"_", b"").isalnum():
        raise ValueError(f"/proc/vmstat: expected lines of a name and a number: {shorten(text)}")
    integers(numbers)
    return VmstatFields(names, numbers)


class VmstatCollector:
    """The chosen fields of /proc/vmstat."""

    name = "vmstat"

    def __init__(self, kernel: KernelTree, options: Options) -> None:
        self._file = kernel.proc("vmstat")
        self._wanted = options.fields
        self._names: list[bytes] = []
        self._layout = Layout(())
        self._select: list[bool] = []

    def collect(self) -> Iterator[Filled]:
        """Yield node_vmstat_<field> for each chosen field."""
        text = self._file.read()
        words = text.split()
        # The names stay the same while a kernel runs: then only the chosen numbers are checked.
        if words[::2] != self._names or len(words) % 2:
            self._adopt(parse_vmstat(text).names)
        yield self._layout.fill(integers(list(compress(words[1::2], self._select))))

    def _adopt(self, names: list[bytes]) -> None:
        """Choose among the fields of this kernel, at the first collection."""
        texts = [name.decode() for name in names]
        self._select = [bool(self._wanted.search(text)) for text in texts]
        # Untyped, as in node_exporter: counters and gauges share the file, and nothing tells which.
        self._layout = Layout(
            [
                Series(f"node_vmstat_{text}", f"Field {text} of /proc/vmstat.", "untyped")
                for text in compress(texts, self._select)
            ]
        )
        self._names = names
