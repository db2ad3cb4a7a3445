"""Protocol counters from /proc/net/netstat, /proc/net/snmp and /proc/net/snmp6.

Source: Linux net/ipv4/proc.c (two lines a protocol: names, then numbers) and net/ipv6/proc.c (a
name and a number a line; absent without IPv6). Which counters there are depends on the kernel.
Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.options import option, parse_regexp
from exporter.parsing import integers, shorten, signed_integers

DEFAULT_FIELDS = re.compile(
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)"
    "|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)"
    "|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)"
    "|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$"
)

_METRIC_NAME = re.compile(r"[A-Za-z0-9_]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """Which counters are shown."""

    fields: re.Pattern[str] | None = option(
        DEFAULT_FIELDS,
        "Regexp of the counters to show, as Protocol_Name; an empty one shows all.",
        parse=parse_regexp,
    )


class PairedLines(NamedTuple):
    """/proc/net/netstat or snmp: per protocol a line of names and a line of numbers."""

    names: tuple[bytes, ...]
    numbers: tuple[bytes, ...]


def parse_paired_lines(text: bytes) -> PairedLines:
    """Split `Tcp: InSegs OutSegs` and `Tcp: 12 34` lines. Raises ValueError on an odd one.

    The lines stay whole: of some 250 counters a scrape wants 40, at places that do not change.
    """
    lines = text.splitlines()
    if not lines or len(lines) % 2 or not all(map(bytes.strip, lines)):
        raise ValueError(f"expected pairs of lines, got {len(lines)}: {shorten(text)}")
    return PairedLines(tuple(lines[0::2]), tuple(lines[1::2]))


def parse_snmp6(text: bytes) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Split `Ip6InReceives  12` lines into names and numbers, which are checked when picked."""
    words = text.split()
    if len(words) % 2:
        raise ValueError(f"/proc/net/snmp6: expected pairs of words, got {len(words)}")
    return words[0::2], words[1::2]


class Wanted(NamedTuple):
    """The counters of one pair of lines that are shown."""

    line: int
    title: bytes
    width: int
    positions: tuple[int, ...]
    fields: tuple[str, ...]


def pick(line: bytes, wanted: Wanted) -> Sequence[Digits]:
    """Take the wanted numbers of a line. Raises ValueError when it does not belong to the names."""
    words = line.split()
    if len(words) != wanted.width or words[0] != wanted.title:
        raise ValueError(
            f"expected {wanted.title.decode()} and {wanted.width - 1} numbers: {shorten(line)}"
        )
    return signed_integers([words[position] for position in wanted.positions])


class NetstatCollector:
    """The chosen counters of the network protocols."""

    name = "netstat"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        self._netstat = kernel.net("netstat")
        self._snmp = kernel.net("snmp")
        self._snmp6 = kernel.net("snmp6")
        self._fields = (options or Options()).fields
        self._names: tuple[object, ...] | None = None
        self._text6 = b""
        self._columns6: tuple[Sequence[bytes], Sequence[bytes]] = ((), ())

    def collect(self) -> Iterable[Filled]:
        """Yield one untyped family per chosen counter."""
        try:
            netstat = parse_paired_lines(self._netstat.read())
            snmp = parse_paired_lines(self._snmp.read())
        except FileNotFoundError as error:
            raise NoData(f"no {error.filename}: this kernel has no IPv4") from error
        names6, numbers6 = self._read_snmp6()
        names = (netstat.names, snmp.names, names6)
        if names != self._names:
            self._lay_out(*names)
            self._names = names
        numbers: list[Digits] = []
        for lines, wanted in ((netstat.numbers, self._wanted), (snmp.numbers, self._wanted_snmp)):
            for one in wanted:
                numbers += pick(lines[one.line], one)
        if self._positions6:
            numbers += integers([numbers6[position] for position in self._positions6])
        yield self._layout.fill(numbers)

    def _read_snmp6(self) -> tuple[Sequence[bytes], Sequence[bytes]]:
        try:
            text = self._snmp6.read()
        except FileNotFoundError:  # IPv6 is not built in, or disabled at boot
            text = b""
        if text != self._text6:  # often it is the same: few hosts have IPv6 traffic all the time
            self._columns6 = parse_snmp6(text)
            self._text6 = text
        return self._columns6

    def _lay_out(
        self, netstat: Sequence[bytes], snmp: Sequence[bytes], names6: Sequence[bytes]
    ) -> None:
        self._wanted = self._find(netstat)
        self._wanted_snmp = self._find(snmp)
        fields6 = [split_snmp6_name(name.decode("utf-8", "replace")) for name in names6]
        self._positions6 = [
            position for position, field in enumerate(fields6) if field and self._shows(*field)
        ]
        chosen = [
            (one.title.decode().removesuffix(":"), field, file)
            for file, wanted in (("netstat", self._wanted), ("snmp", self._wanted_snmp))
            for one in wanted
            for field in one.fields
        ]
        chosen += [(*fields6[position], "snmp6") for position in self._positions6]
        self._layout = Layout(
            [
                Series(
                    f"node_netstat_{protocol}_{field}",
                    f"{field} of {protocol}, as /proc/net/{file} has it.",
                    "untyped",
                )
                for protocol, field, file in chosen
            ]
        )

    def _find(self, lines: Sequence[bytes]) -> list[Wanted]:
        found = []
        for number, line in enumerate(lines):
            title, *fields = line.decode("utf-8", "replace").split()
            positions = tuple(
                position
                for position, field in enumerate(fields, 1)
                if self._shows(title.removesuffix(":"), field)
            )
            if positions:
                shown = tuple(fields[position - 1] for position in positions)
                found.append(Wanted(number, title.encode(), len(fields) + 1, positions, shown))
        return found

    def _shows(self, protocol: str, field: str) -> bool:
        key = f"{protocol}_{field}"
        if not _METRIC_NAME.match(key):
            return False
        return self._fields is None or self._fields.search(key) is not None


def split_snmp6_name(name: str) -> tuple[str, str] | tuple[()]:
    """Split `Icmp6InMsgs` behind the first 6; a name without one belongs to no protocol."""
    protocol, six, field = name.partition("6")
    return (protocol + six, field) if six else ()
