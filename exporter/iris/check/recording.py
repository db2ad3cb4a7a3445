"""What `perfwatch iris check --record` writes: what a real server answers, and nobody's names.

Only words that we have said ourselves, or that IRIS uses in its own messages, come through; each
other word becomes a token, the same one wherever it stands. So a name that nobody has thought of
is replaced too.
"""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

from exporter import __version__
from exporter.iris.check.assumptions import judge_all
from exporter.iris.check.checks import Finding

TYPES = {int: "whole number", float: "number", type(None): "nothing"}

_WORD = re.compile(r"[%\w](?:[\w.%-]*\w)?")
_RUN = re.compile(r"[^\W\d_]+|\d+")
_SMALL_NUMBER = re.compile(r"-?\d{1,4}\Z")

MAX_MASK_LENGTH = 60
MAX_KINDS = 20

MESSAGE_WORDS = frozenset(
    """
    a access an and argument at attempt available be been by call called cannot class close
    closed code column command communication connect connection create current database defined
    denied details disabled does error errors execute executed execution exist exists expected
    expired failed field for found from function global has have held host id in installed
    insufficient integer internal invalid is licence license limit link list load login maximum
    may message method missing must name namespace no not object of on only open operation
    operator or out password permission permitted privilege privileged privileges procedure
    process prohibited property protect protected read receive referenced refused required
    resource returned routine schema select send server sql sqlcode status subscript success
    system table task than the this timed to token undefined unexpected unit units unknown
    update use used user valid value version was while with within wrapper write wrong
    """.split()  # noqa: SIM905 -- a vocabulary is read more easily so
)
"""English, and what stands between < and > in errors of IRIS."""

_PLATFORMS = ("UNIX", "Windows", "Ubuntu", "Red Hat", "SUSE", "AIX", "Containers", "ARM64")
_RELEASE = re.compile(r"\b20\d\d\.\d(?:\.\d)?")
_BUILD = re.compile(r"\(Build (\d{1,5}\w{0,4})\)")


SAID = (
    "IRIS %SYS %SYSTEM.Security.Check %SYSTEM.Monitor.State %SYS.Journal.System.GetState",
    "%SYSTEM.Mirror.GetStatus SYS.Lock.GetLockSpaceInfo %SYSTEM.License.KeyExpirationDate",
    "SYS.Monitor.SAM.Sensors.PrometheusMetrics SYS.Monitor.SAM.Sensors PrometheusMetrics",
    "SYS.Stats.Global.Sample SYS.Stats.Dashboard.Sample SYS.Stats.Global SYS.Stats.Dashboard",
    "%Library.File.DirectoryExists %Library.File",
    "IRIS.SystemPerformance %SYS.Task.%OpenId %SYS.Task",
    "%DB_IRISSYS %Admin_Task %Admin_Manage %Admin_Operate %Admin_Secure %Development",
    "%Native_ClassExecution %Native_GlobalAccess %Service_SQL ZPerfWatch.WrapperVersion HTTP",
    "READ WRITE USE SELECT PROTECT SQLCODE Location Prepare Execute %msg Privilege violation",
)
"""What we say to a server ourselves, and what it says of it in errors that are known."""


PROPERTIES = frozenset(
    """
    RefLocal LogicalBlocks DatabaseSpace JournalSpace LockTable SystemUpTime
    Suspended Settings LastStarted LastFinished Status Error characters names
    """.split()  # noqa: SIM905 -- as above
)
"""What we ask for by name, so that these names are no secret."""


class Scrubber:
    """Replaces words; remembers which token stands for which."""

    def __init__(self, said: Iterable[str]) -> None:
        """Take the texts that we have sent ourselves: their words are no secrets."""
        self._said = {word for text in said for word in _WORD.findall(text)}
        self._tokens: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Give a message without the words that are the server's own."""
        return _WORD.sub(lambda match: self._word(match[0]), text)

    def _word(self, word: str) -> str:
        if word in self._said or word.lower() in MESSAGE_WORDS or _SMALL_NUMBER.match(word):
            return word
        return self._tokens.setdefault(word, f"#{len(self._tokens) + 1}")


def shape(value: Any) -> Any:
    """Tell what kind of answer it was: types, and a text's letters and digits as `a` and `9`."""
    if isinstance(value, str):
        return f"text {mask(value)}"
    if isinstance(value, Mapping):
        return _shape_of_mapping(value)
    if isinstance(value, tuple):
        return ", ".join(str(shape(item)) for item in value[:10])
    if isinstance(value, list):
        return _kinds(value)
    return TYPES.get(type(value), "other")


def _shape_of_mapping(value: Mapping[str, Any]) -> Any:
    if PROPERTIES.issuperset(value):
        return {name: shape(item) for name, item in value.items()}
    return {"names": _kinds(value.keys()), "values": _kinds(value.values())}


def _kinds(values: Iterable[Any]) -> dict[str, int]:
    """Count what is alike: a hundred of one kind are one line, what differs is worth a look."""
    counted = Counter(str(shape(value)) for value in values)
    return dict(counted.most_common(MAX_KINDS))


def mask(text: str) -> str:
    """Replace each run of letters and of digits by one character."""
    masked = _RUN.sub(lambda match: "9" if match[0].isdigit() else "a", text[:1000])
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in masked)
    return plain if len(plain) <= MAX_MASK_LENGTH else f"{plain[:MAX_MASK_LENGTH]}..."


def _sensors(findings: Iterable[Finding]) -> list[str]:
    """List the families that are of IRIS itself, by their names; others tell what somebody runs."""
    for finding in findings:
        if finding.check.name == "sensors" and finding.answer is not None:
            return [name for name in finding.answer["names"] if name.startswith("iris_")]
    return []


def _driver_version() -> str | None:
    try:
        return metadata.version("intersystems-irispython")
    except metadata.PackageNotFoundError:
        return None


def version(text: str) -> dict[str, Any]:
    """Take from `$ZVERSION` what names nobody: release, build, and the kind of platform."""
    release, build = _RELEASE.search(text), _BUILD.search(text)
    return {
        "release": release[0] if release else None,
        "build": build[1] if build else None,
        "platform": [word for word in _PLATFORMS if word in text],
    }


def record(findings: Sequence[Finding], server_version: str, *, tls: bool) -> dict[str, Any]:
    """Make the record of what was found."""
    scrubber = Scrubber(SAID)
    return {
        "record": "perfwatch iris check",
        "perfwatch": __version__,
        "python": platform.python_version(),
        "driver": _driver_version(),
        "server": version(server_version),
        "tls": tls,
        "checks": [
            {
                "name": finding.check.name,
                "outcome": finding.outcome,
                "answer": shape(finding.answer),
                "error": scrubber.text(finding.error.message) if finding.error else None,
            }
            for finding in findings
        ],
        "sensors": _sensors(findings),
        "assumptions": judge_all(findings),
    }
