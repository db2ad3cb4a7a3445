"""Record the kernel files that the collectors read, as a plain tree for the golden tests.

    python -m tools.capture_host tests/hosts/NAME [--hide WORD ...]

Names and addresses are replaced, the same one always by the same substitute; what was replaced is
said at the end. No pattern knows everything that gives a site away, so read the tree before you
publish it, and capture again with `--hide` for what is left. Run it as root: others may not read
the mount table and the network counters of process 1 and get those of their own.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.captured_files import CAPTURED

MAX_FILE_BYTES = 2 * 1024 * 1024
"""/proc/cpuinfo of 1,024 CPUs fits. Reads of 4 MiB and more are refused by /proc/sys (ENOMEM)."""


class Rule(NamedTuple):
    """What gives a site away, and what takes its place, made from a number."""

    pattern: str
    substitute: Callable[[int], str]


def _value_of(*keys: str) -> Rule:
    """Make the rule for the values of some keys, in mount options and in udev's data."""
    behind = "|".join(rf"(?<=\b{key}=)|(?<=_{key}=)" for key in keys)
    return Rule(rf"(?:{behind})[^\s,]+", f"{keys[0].lower()}{{}}".format)


RULES: dict[str, Rule] = {
    "volume": Rule(r"\bdisk/by-[a-z-]+/[^\s,]+", "disk/by-id/volume{}".format),
    "UUID": Rule(
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "00000000-0000-4000-8000-{:012x}".format
    ),
    "serial number": _value_of("SERIAL", "SERIAL_SHORT", "WWN", "WWN_WITH_EXTENSION"),
    "label": _value_of("UUID", "UUID_ENC", "LABEL", "LABEL_ENC"),
    "long identifier": Rule(r"\b(?:0x[0-9a-f]{16}|[0-9a-f]{32,64})\b", "{:032x}".format),
    "interface named after its address": Rule(r"\b(?:en|wl)x[0-9a-f]{12}\b", "enx02{:010x}".format),
    "MAC address": Rule(r"\b(?:[0-9a-f]{2}:){5,19}[0-9a-f]{2}\b", "02:00:00:00:00:{:02x}".format),
    "export": Rule(r"(?<=\s)(?:[^\s/=]+:/|//)\S*", "server{0}:/export{0}".format),
    "account": Rule(r"\b[\w.+-]+@[\w.-]+", "user{0}@host{0}".format),
    "process": Rule(r"(?<= \()(?s:.{1,64}?)(?=\) [RSDTtXxKWPIZ] \d+ )", "process{}".format),
    "user": _value_of("username", "domain"),
    "home": Rule(r"(?<=/home/)[^/\s,:]+", "user{}".format),
    "IPv4 address": Rule(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])", "192.0.2.{}".format),
    "IPv6 address": Rule(
        r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:.])", "2001:db8::{:x}".format
    ),
}
"""Looked for in every file, the first kind first. The addresses are reserved for documentation."""

WHOLE: dict[str, Rule] = {
    "host name": Rule("proc/sys/kernel/hostname", "host{}".format),
    "domain name": Rule("proc/sys/kernel/domainname", "domain{}.example".format),
}
"""Files that hold a name and nothing else; here the pattern is that of their paths."""

MAY_NAME_HOST = ("*/mountinfo", "run/udev/data/*")
"""Where volumes are named after their host. Elsewhere a host called `cpu` would be found amiss."""

NOTHING_SET = frozenset({"", "(none)"})
"""What such a file says when no name was given."""


class CaptureError(Exception):
    """Nothing was captured: one line that says why and what to do."""


class Scrubber:
    """Replaces what gives a site away, and remembers what it replaced by what."""

    def __init__(self, host: str, hidden: Sequence[str] = ()) -> None:
        self._substitutes: dict[str, dict[str, str]] = {}
        self._host = host
        # The device mapper doubles the hyphens of a volume group that is named after the host.
        names = {host, host.partition(".")[0]} - NOTHING_SET
        names |= {name.replace("-", "--") for name in names}
        words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        self._host_words = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])") if words else None
        self._rules = dict(RULES)
        if any(hidden):
            words = "|".join(
                re.escape(word) for word in sorted(filter(None, hidden), key=len, reverse=True)
            )
            self._rules = {"hidden word": Rule(words, "hidden{}".format), **RULES}
        self._kinds = tuple(self._rules)
        self._pattern = re.compile(
            "|".join(f"({rule.pattern})" for rule in self._rules.values()), re.IGNORECASE
        )

    def scrub(self, text: str, path: str) -> str:
        """Give the text of a file, known by its path in the captured tree, as it may be shown."""
        for kind, rule in WHOLE.items():
            if Path(path).match(rule.pattern) and text.strip() not in NOTHING_SET:
                return self._substitute(kind, rule, text.strip()) + "\n"
        if self._host_words and any(Path(path).match(one) for one in MAY_NAME_HOST):
            text = self._host_words.sub(self._replace_host, text)
        return self._pattern.sub(self._replace, text)

    def report(self) -> list[str]:
        """Say how many different finds of each kind were replaced, and by what."""
        return [
            f"{len(found)} {kind}{'s' if len(found) > 1 else ''} by {', '.join(_some(found))}"
            for kind, found in self._substitutes.items()
        ]

    def _replace_host(self, match: re.Match[str]) -> str:  # noqa: ARG002 -- any spelling is the host
        return self._substitute("host name", WHOLE["host name"], self._host)

    def _replace(self, match: re.Match[str]) -> str:
        kind = self._kinds[(match.lastindex or 1) - 1]
        if kind.startswith("IPv") and not _gives_away(match[0]):
            return match[0]
        return self._substitute(kind, self._rules[kind], match[0])

    def _substitute(self, kind: str, rule: Rule, original: str) -> str:
        found = self._substitutes.setdefault(kind, {})
        return found.setdefault(original, rule.substitute(len(found) + 1))


def _gives_away(text: str) -> bool:
    """Tell an address from a time of day or a version, and from one that every host has."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _some(found: Mapping[str, str], limit: int = 3) -> list[str]:
    substitutes = list(found.values())
    return substitutes[:limit] + ["..."] * (len(substitutes) > limit)


class Capture:
    """One run: what was written, and what could not be."""

    def __init__(self, roots: Mapping[str, Path], out: Path, scrubber: Scrubber) -> None:
        self._roots = roots
        self._out = out
        self._scrubber = scrubber
        self.files = 0
        self.bytes = 0
        self.absent: list[str] = []
        self.skipped: list[str] = []

    def record(self, pattern: str) -> None:
        """Write the files of one line of CAPTURED."""
        tree, _, inside = pattern.partition("/")
        root = self._roots[tree]
        found = {f"{tree}/{source.relative_to(root)}": source for source in root.glob(inside)}
        if inside.startswith("1/"):
            found = {pattern: _of_process_1_or_own(root, inside)}
        for path, source in sorted(found.items()):
            self._record_file(source, path)
        if not found:
            self.absent.append(pattern)

    def _record_file(self, source: Path, path: str) -> None:
        try:
            with source.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            self.absent.append(path)
            return
        except OSError as error:
            self.skipped.append(f"{path}: {error.strerror}")
            return
        if len(content) > MAX_FILE_BYTES:
            self.skipped.append(f"{path}: larger than {MAX_FILE_BYTES} bytes")
            return
        text = content.decode("utf-8", "surrogateescape")
        content = self._scrubber.scrub(text, path).encode("utf-8", "surrogateescape")
        target = self._out / self._scrubber.scrub(path, "")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.files += 1
        self.bytes += len(content)


def _of_process_1_or_own(procfs: Path, inside: str) -> Path:
    """Choose whose file is read; the right to open it is only told by opening it."""
    try:
        with (procfs / inside).open("rb"):
            return procfs / inside
    except OSError:
        return procfs / "self" / inside.removeprefix("1/")


def capture(roots: Mapping[str, Path], out: Path, hidden: Sequence[str]) -> Iterator[str]:
    """Record a host, and say line by line what came of it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CaptureError(f"{out} is not an empty directory: name a new one, or remove it first")
    try:
        host = (roots["proc"] / "sys/kernel/hostname").read_text().strip()
    except OSError as error:
        raise CaptureError(
            f"{error.filename}: {error.strerror}: name where procfs is mounted with --procfs"
        ) from error
    scrubber = Scrubber(host, hidden)
    run = Capture(roots, out, scrubber)
    for pattern in dict.fromkeys(path for paths in CAPTURED.values() for path in paths):
        run.record(pattern)
    yield f"captured {run.files} files, {run.bytes} bytes, into {out}"
    yield from (f"replaced {line}" for line in scrubber.report())
    yield from (f"not on this host: {path}" for path in run.absent)
    yield from (f"not captured: {line}" for line in run.skipped)
    yield f"read {out} before you publish it: no pattern knows everything (--hide WORD does)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Capture as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="where to: new, or empty")
    parser.add_argument("--procfs", type=Path, default=Path("/proc"), help="default: %(default)s")
    parser.add_argument("--sysfs", type=Path, default=Path("/sys"), help="default: %(default)s")
    parser.add_argument("--rootfs", type=Path, default=Path("/"), help="default: %(default)s")
    parser.add_argument("--run", type=Path, default=Path("/run"), help="default: %(default)s")
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="WORD",
        help="a text to replace wherever it is found; may be given several times",
    )
    options = parser.parse_args(arguments)
    roots = {"proc": options.procfs, "sys": options.sysfs, "run": options.run}
    roots |= {name: options.rootfs / name for name in ("etc", "usr")}
    try:
        for line in capture(roots, options.out, options.hide):
            print(line)
    except (CaptureError, OSError) as error:
        print(f"capture_host: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
