"""Chosen settings of the kernel (sysctls), as numbers or as texts.

Source: /proc/sys (Linux fs/proc/proc_sysctl.c). Nothing is shown but what is asked for. Most need
no rights; those that only root may read are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from exporter.attributes import MISSING, NO_VALUE
from exporter.families import Digits, Family, LabelValues, Number
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.options import option, parse_words, shown
from exporter.parsing import signed_integers

_INCLUDE = re.compile(r"(?P<name>[\w./+*@-]+?)(?::(?P<keys>\w+(?:,\w+)+))?\Z", re.ASCII)
_OUTSIDE = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)")
_HEXADECIMAL = re.compile(rb"0x[0-9a-f]{1,16}\Z")
_NO_METRIC_NAME = re.compile(r"[^A-Za-z0-9_]")


class Sysctl(NamedTuple):
    """A setting that is asked for."""

    name: str
    keys: tuple[str, ...]
    """Names for its numbers, in their order; none to count them."""

    @property
    def path(self) -> str:
        """Its file below /proc/sys, by the rules of sysctl(8).

        The first separator counts: behind a dot, a slash stands for a dot of a name, as in
        `net.ipv4.conf.eth0/100.forwarding`.
        """
        first = re.search("[./]", self.name)
        if first is None or first[0] == "/":
            return self.name
        return self.name.translate(str.maketrans("./", "/."))

    @property
    def metric(self) -> str:
        """The name of its metric."""
        return f"node_sysctl_{_NO_METRIC_NAME.sub('_', self.name)}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of its metrics: of several, when its numbers have names."""
        return tuple(f"{self.metric}_{key}" for key in self.keys) or (self.metric,)


def parse_sysctl(text: str) -> Sysctl:
    """Take `kernel.pid_max` or `net.ipv4.tcp_rmem:min,default,max`; raise ValueError otherwise."""
    match = _INCLUDE.match(text)
    keys = tuple(match["keys"].split(",")) if match and match["keys"] else ()
    sysctl = Sysctl(match["name"] if match else "", keys)
    if _OUTSIDE.search(sysctl.path) or len(set(keys)) < len(keys):
        raise ValueError(
            "expected a sysctl such as kernel.pid_max, or net.ipv4.tcp_rmem:min,default,max "
            f"with a name for each of its numbers; got {shown(text)}"
        )
    return sysctl


def parse_include(raw: Any) -> tuple[str, ...]:
    """Take the sysctls that are shown as numbers; each name of a metric once."""
    words = parse_words(raw)
    metrics = Counter(metric for word in words for metric in parse_sysctl(word).metrics)
    for metric, times in metrics.items():
        if times > 1:
            raise ValueError(
                f"expected each sysctl once, got {shown(' '.join(words))}, "
                f"which gives the metric {metric} {times} times"
            )
    return words


def parse_include_info(raw: Any) -> tuple[str, ...]:
    """Take the sysctls that are shown as texts, each once."""
    words = parse_include(raw)
    for word in words:
        if parse_sysctl(word).keys:
            raise ValueError(f"expected a sysctl without names for its parts, got {shown(word)}")
    return words


@dataclass(frozen=True, slots=True)
class Options:
    """Which sysctls are shown."""

    include: tuple[str, ...] = option(
        (),
        "Sysctl to show as a number, as kernel.pid_max or net.ipv4.tcp_rmem:min,default,max; "
        "may be repeated.",
        parse=parse_include,
    )
    include_info: tuple[str, ...] = option(
        (),
        "Sysctl to show as a text, as kernel.core_pattern; may be repeated.",
        parse=parse_include_info,
    )


def parse_numbers(sysctl: Sysctl, text: bytes) -> Sequence[Digits]:
    """Parse the numbers of a sysctl, which may be none.

    Raises ValueError when they are no integers, or not as many as there are names for them.
    """
    words = text.split()
    try:
        numbers = signed_integers([_without_base(word) for word in words])
    except ValueError as error:
        raise ValueError(
            f"the sysctl {sysctl.name} is {error}; name it in sysctl.include_info as a text"
        ) from error
    if numbers and sysctl.keys and len(numbers) != len(sysctl.keys):
        raise ValueError(
            f"the sysctl {sysctl.name} has {len(numbers)} numbers, "
            f"but sysctl.include gives {len(sysctl.keys)} names for them"
        )
    return numbers


def _without_base(word: bytes) -> bytes:
    """Turn `0x7fff`, as sunrpc writes its masks, into decimal digits."""
    return b"%d" % int(word, 16) if _HEXADECIMAL.match(word) else word


class SysctlCollector:
    """The chosen sysctls."""

    name = "sysctl"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        options = options or Options()
        self._numeric, self._texts = (
            [(one, kernel.proc(f"sys/{one.path}")) for one in map(parse_sysctl, words)]
            for words in (options.include, options.include_info)
        )

    def collect(self) -> Iterator[Family]:
        """Yield node_sysctl_<name> for each that is a number, and node_sysctl_info for texts."""
        if not self._numeric and not self._texts:
            raise NoData("no sysctl is asked for: name some in collector.sysctl.include")
        numeric = [(sysctl, _read(file)) for sysctl, file in self._numeric]
        texts = [(sysctl, _read(file)) for sysctl, file in self._texts]
        if all(content is None for _, content in (*numeric, *texts)):
            raise NoData("none of the sysctls that are asked for can be read here")
        for sysctl, content in numeric:
            if content is not None:
                yield from _describe(sysctl, parse_numbers(sysctl, content))
        yield Family(
            "node_sysctl_info",
            "A word of the text that a sysctl is set to; always 1.",
            "gauge",
            ("name", "value", "index"),
            [sample for sysctl, content in texts for sample in _words(sysctl, content or b"")],
        )


def _describe(sysctl: Sysctl, numbers: Sequence[Number]) -> Iterator[Family]:
    for key, number in zip(sysctl.keys, numbers, strict=False):
        help_text = f"Part {key} of the sysctl {sysctl.name}."
        yield Family(f"{sysctl.metric}_{key}", help_text, "untyped", (), [((), number)])
    if sysctl.keys or not numbers:
        return
    help_text = f"The sysctl {sysctl.name}."
    if len(numbers) == 1:
        yield Family(sysctl.metric, help_text, "untyped", (), [((), numbers[0])])
        return
    samples = [((str(index),), number) for index, number in enumerate(numbers)]
    yield Family(sysctl.metric, help_text, "untyped", ("index",), samples)


def _words(sysctl: Sysctl, content: bytes) -> Iterator[tuple[LabelValues, int]]:
    for index, word in enumerate(content.decode("utf-8", "replace").split()):
        yield (sysctl.name, word, str(index)), 1


def _read(file: KernelFile) -> bytes | None:
    """Read a sysctl; none when it is missing or for root only, or says nothing.

    As stable_secret of IPv6, which is an I/O error until it is set.
    """
    try:
        return file.read()
    except (*MISSING, PermissionError):
        return None
    except OSError as error:
        if error.errno not in NO_VALUE:
            raise
        return None
