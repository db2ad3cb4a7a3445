"""What gives a site away in the files of the kernel, and how its substitute is written."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable
from typing import NamedTuple

from exporter.collectors._process_parsers import KERNEL_THREAD


def _itself(text: str) -> str | None:
    return text


class Rule(NamedTuple):
    """One kind of private data: how it looks, and how the n-th of its kind is written instead."""

    kind: str
    pattern: str
    """If it has a group, that stays, and what is behind it is private."""
    write: Callable[[int, str], str]
    """Makes the substitute from a number; it looks like the text, which may come in many forms."""
    identify: Callable[[str], str | None] = _itself
    """Gives the same for two forms of the same; None for what says nothing about anybody."""
    where: tuple[str, ...] = ()
    """The files it is looked for in: the ends of their paths, as patterns; else everywhere."""

    @property
    def has_kept(self) -> bool:
        """Whether the pattern has such a group."""
        return re.compile(self.pattern).groups > 0


def _named(form: str) -> Callable[[int, str], str]:
    return lambda number, _: form.format(number)


_PREFIX = re.compile(r"(?:0x|naa\.|eui\.|enx|wlx)?", re.IGNORECASE)
"""Before the digits of an identifier."""


def _hex_digits(text: str) -> str | None:
    """Take the digits out of an identifier; those that stand for `none` or `all` say nothing."""
    digits = re.sub("[^0-9a-f]", "", _PREFIX.sub("", text, count=1).lower())
    return digits if set(digits) - {"0"} and set(digits) - {"f"} else None


def _digits(leading: str = "") -> Callable[[int, str], str]:
    """Write a number in the places of an identifier's digits, behind some that are the same."""

    def write(number: int, text: str) -> str:
        prefix = _PREFIX.match(text)
        start = prefix.end() if prefix else 0
        places = len(re.findall("[0-9A-Fa-f]", text[start:]))
        digits = iter(leading + f"{number:0{places - len(leading)}x}")
        return text[:start] + re.sub("[0-9A-Fa-f]", lambda _: next(digits), text[start:])

    return write


_WORDS = re.compile("(?:[0-9A-F]{8}){1,4}")


def _swap(word: bytes) -> bytes:
    """Turn a word from the machine's own order to that of the network, or back."""
    return word[::-1] if sys.byteorder == "little" else word


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse what people write, or the words that /proc/net/tcp has."""
    try:
        if _WORDS.fullmatch(text):
            words = re.findall("." * 8, text)
            return ipaddress.ip_address(b"".join(_swap(bytes.fromhex(word)) for word in words))
        return ipaddress.ip_address(text)
    except ValueError:  # a time of day, a version
        return None


def _identify_address(text: str) -> str | None:
    address = _parse_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    if address is None or address.is_loopback or address.is_unspecified:
        return None
    return str(address)


def _identify_ip_vs(text: str) -> str | None:
    return _identify_address(str(ipaddress.IPv4Address(bytes.fromhex(text))))


def _ipv4(number: int) -> ipaddress.IPv4Address:
    """Of those reserved for documentation and, when these are used up, for benchmarks."""
    base = "192.0.2.0" if number < 255 else "198.18.0.0"
    return ipaddress.IPv4Address(base) + number


def _write_address(number: int, text: str) -> str:
    address = _parse_address(text)
    packed = _ipv4(number).packed
    if isinstance(address, ipaddress.IPv6Address):
        other = (ipaddress.IPv6Address("2001:db8::") + number).packed
        packed = bytes(10) + b"\xff\xff" + packed if address.ipv4_mapped else other
    if not _WORDS.fullmatch(text):
        new = ipaddress.ip_address(packed)
        return new.exploded if len(text) == len(new.exploded) else str(new)
    words = (_swap(packed[start : start + 4]) for start in range(0, len(packed), 4))
    return b"".join(words).hex().upper()


def _identify_process(text: str) -> str | None:
    """Take the name out of `name) S 1 ...`, if it is none of the kernel's: those are no secrets."""
    name, _, behind = text.rpartition(")")
    flags = behind.split()[6:7]
    return None if flags and int(flags[0]) & KERNEL_THREAD else name


def _write_process(number: int, text: str) -> str:
    return f"process{number})" + text.rpartition(")")[2]


ALONE, END = r"(?:(?<=pod)|(?<![0-9a-z]))", r"(?![0-9a-z])"
"""Around identifiers, also of pods: `pod5f1c6a0b_9e8d_...`."""

UNIT = r"[\w.\\:-]*\.(?:service|scope|slice|socket|mount|swap|target|timer|path|device)\b"
"""What an instance of systemd's is called behind the @."""

MOUNTS = ("mountinfo", "mountstats")
PROPERTIES = ("run/udev/data/*", "uevent")
NOBODYS = frozenset(
    {
        *("", "(none)", "none", "n/a", "na", "unknown", "not specified", "not available"),
        *("default string", "to be filled by o.e.m.", "system serial number", "no asset tag"),
        *("chassis serial number", "base board serial number", "asset tag", "empty", "invalid"),
    }
)
"""What a file says that holds a name, when nobody gave one."""


def identify_whole(text: str) -> str | None:
    """Tell names from what files say that have none."""
    return None if text.lower() in NOBODYS or not set(text) - set("0. -") else text


SHAPES = (
    Rule(
        "UUID",
        ALONE + "[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}" + END,
        _digits("0000000000004000" + "8000"),
        _hex_digits,
    ),
    Rule(
        "WWN",
        r"(?:(?<!\w)0x|\bnaa\.|\beui\.)[0-9a-f]{16}(?:[0-9a-f]{16})?" + END,
        _digits(),
        _hex_digits,
    ),
    Rule("long identifier", ALONE + "[0-9a-f]{32,64}" + END, _digits(), _hex_digits),
    Rule("qualified name", r"\b(?:nqn|iqn)\.[0-9]{4}-[0-9]{2}\.[\w.:-]+",
        lambda number, text: f"{text[:3]}.2014-08.org.example:{number}"),
)  # fmt: skip
"""Known by their form, wherever they stand; those of pods and containers keep it."""

RULES = (
    Rule("IP address", r"\b[0-9A-F]{8}(?=:[0-9A-F]{4}\b)",
        _write_address, _identify_address, ("net/tcp", "net/udp")),
    Rule("IP address", r"\b[0-9A-F]{32}(?=:[0-9A-F]{4}\b)",
        _write_address, _identify_address, ("net/tcp6", "net/udp6")),
    Rule("IP address", r"\b[0-9A-F]{8}(?=:[0-9A-F]{4}\b)",
        lambda number, _: _ipv4(number).packed.hex().upper(), _identify_ip_vs, ("net/ip_vs",)),
    Rule("volume", r"\bdisk/by-[a-z-]+/[^\s,]+", _named("disk/by-id/volume{}")),
    Rule("serial number", r"(\b\w*(?:SERIAL|WWN)\w*=).+", _named("serial{}"),
        where=PROPERTIES),
    Rule("serial number", r"(?m:^(Serial\s*:\s*)\S+)", _named("serial{}"), _hex_digits,
        ("proc/cpuinfo",)),
    Rule("label", r"(\b\w*(?:UUID|LABEL|PARTNAME|ENTRY_NAME|MD_NAME)\w*=).+",
        _named("label{}"), where=PROPERTIES),
    *SHAPES,
    Rule("MAC address", r"\b(?:en|wl)x[0-9a-f]{12}\b|\b(?:[0-9a-f]{2}:){5,19}[0-9a-f]{2}\b",
        _digits("02"), _hex_digits),
    Rule("GUID", r"(?<![\w:.])[0-9a-f]{4}(?::[0-9a-f]{4}){3}(?![\w:.])", _digits(), _hex_digits),
    Rule("export", r"(?<=\s)(?:[^\s/=]+:/|//)\S*", _named("server{0}:/export{0}")),
    Rule("account", rf"\b[\w.+-]+@(?!{UNIT})[\w.-]+", _named("user{0}@host{0}")),
    Rule("process", r"(?<= \()(?s:.{1,64})\) [A-Za-z](?: -?\d+){1,6}",
        _write_process, _identify_process, ("stat",)),
    Rule("process", r"(?m:^(Name:\t).+)", _named("process{}"), where=("status",)),
    Rule("data set", r"(?m:^(dataset_name\s+\d+\s+[^/\s]+/)\S.*)", _named("dataset{}"),
        where=("objset-*",)),
    Rule("machine", r"(?<=\bmachine-)[^/\s]+(?=\.scope)|(?<=\blxc\.payload\.)[^/\s]+",
        _named("machine{}")),
    Rule("user", r"(\b(?:username|user|domain)=)[^\s,']+", _named("user{}"), where=MOUNTS),
    Rule("home", r"(?<=/home/)[^/\s,:]+|(?<=\bhome-)[^/\s]+(?=\.mount)", _named("user{}")),
    Rule("host name", r"(\bHN:)[\w.-]+", _named("host{}"), where=("symbolic_name",)),
    Rule("IP address", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])",
        _write_address, _identify_address),
    Rule("IP address", r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:.])",
        _write_address, _identify_address),
)  # fmt: skip
"""The first one counts, of those that begin at the same place."""

HOST_NAME = Rule("host name", "", _named("host{}"), identify_whole, ("proc/sys/kernel/hostname",))

WHOLE = (
    HOST_NAME,
    Rule("domain name", "", _named("domain{}.example"), identify_whole,
        ("proc/sys/kernel/domainname",)),
    Rule("serial number", "", _named("serial{}"), identify_whole,
        ("*serial*", "*_asset_tag", "unique_id")),
    Rule("alias", "", _named("alias{}"), identify_whole, ("net/*/ifalias",)),
    Rule("label", "", _named("label{}"), identify_whole,
        ("fs/btrfs/*/label", "fs/bcachefs/*/dev-*/label")),
)  # fmt: skip
"""Files that hold a name and nothing else."""

MAY_NAME_HOST = (*MOUNTS, "run/udev/data/*")
"""Where volumes are named after their host. Elsewhere a host called `cpu` would be found amiss."""
