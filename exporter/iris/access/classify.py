"""What the driver's exceptions mean: it has one type for nearly everything, and tells by texts.

The texts are those of intersystems-irispython 5.4.1, and of servers as others have recorded them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from exporter.iris.access.errors import ErrorKind, IrisError

CONNECTING = "connecting"
CALLING = "calling"

MAX_TEXT = 300
"""Characters of a foreign text in a message."""

ACCOUNT = (
    "check `iris.username` and `iris.password-file`, and whether the account is enabled and may "
    "enter `iris.namespace`"
)
ADDRESS = "check `iris.host` and `iris.port`, and whether the instance runs"
GRANT = "grant what `perfwatch iris check` names"
SHORTCOMING = "this version of IRIS does not have it; `perfwatch iris check` lists what it has"
SUPERSERVER = "`iris.port` must be the superserver's (1972), with TLS only where it is set up there"


class Rule(NamedTuple):
    """Texts that mean the same."""

    pattern: re.Pattern[str]
    kind: ErrorKind
    meaning: str
    remedy: str


def _rule(pattern: str, kind: ErrorKind, meaning: str, remedy: str) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), kind, meaning, remedy)


_NO_LICENCE = (
    ErrorKind.LICENCE,
    "no licence unit is free",
    "end other sessions, or enlarge the licence",
)
_GARBAGE = _rule(
    r"Message out of order|bad_alloc|^\Z|protocol is not compatible",
    ErrorKind.PROTOCOL,
    "the other side does not speak IRIS's protocol",
    SUPERSERVER,
)
"""A reply of a strange length gives an empty text, and one that is no reply may give bad_alloc."""

_CONNECTING = (
    _rule(
        r"password.*(chang|expire)",
        ErrorKind.ACCESS_DENIED,
        "the password must be changed",
        "log in once by hand and change it, then change what `iris.password-file` names",
    ),
    _rule(r"access denied|<PROTECT>", ErrorKind.ACCESS_DENIED, "access denied", ACCOUNT),
    _rule(
        r"account.*(disabled|locked|expired)|user.*(disabled|locked|expired)|(invalid|bad) token",
        ErrorKind.ACCESS_DENIED,
        "access denied",
        ACCOUNT,
    ),
    _rule(
        r"SSL|TLS|certificate",
        ErrorKind.TLS,
        "no agreement on TLS",
        "check `iris.tls-ca-file`, and whether the superserver's port takes TLS",
    ),
    _rule(
        r"getaddrinfo|Name or service|name resolution",
        ErrorKind.UNREACHABLE,
        "there is no such name",
        "check `iris.host`, and the name service",
    ),
    _rule(r"licen[cs]e", *_NO_LICENCE),
    _GARBAGE,
    _rule(r"Error code: -1\b", ErrorKind.UNREACHABLE, "refused, or no answer at all", ADDRESS),
    _rule(r"Error code: 11[0-3]\b", ErrorKind.UNREACHABLE, "no answer, or hung up", ADDRESS),
    _rule(r"Error code: (104|32)\b|EPIPE", ErrorKind.DROPPED, "hung up at the login", SUPERSERVER),
    _rule(
        r"<NAMESPACE>|namespace",
        ErrorKind.ABSENT,
        "there is no such namespace",
        "check `iris.namespace`",
    ),
    _rule(r"LINK ERROR(?!.*Invalid Message)", ErrorKind.UNREACHABLE, "no connection", ADDRESS),
)

_CALLING = (
    _rule(
        r"<PROTECT>|SQLCODE: *<?-99\b|privilege violation|not privileged",
        ErrorKind.PRIVILEGE,
        "not permitted",
        GRANT,
    ),
    _rule(
        r"<(CLASS|METHOD|PROPERTY) DOES NOT EXIST>|<NOROUTINE>|<NOLINE>"
        r"|SQLCODE: *<?-(29|30|359|428)\b|Table '.*' not found|function .* does(n't| not) exist",
        ErrorKind.ABSENT,
        "there is no such thing",
        SHORTCOMING,
    ),
    _rule(r"<LICENSE|licen[cs]e limit|licen[cs]e.* exceeded", *_NO_LICENCE),
    _GARBAGE,
    _rule(
        r"^<COMMUNICATION|connection .*closed|closed connection|EPIPE",
        ErrorKind.DROPPED,
        "the connection ended",
        "the next attempt comes by itself; see the instance's messages.log if it goes on",
    ),
)

_PREFIX = re.compile(
    r"(<COMMUNICATION (LINK )?ERROR> (Failed to connect to server|Invalid Message received)"
    r"|<SQL ERROR>); Details: *"
)
_NOTHING_SAID = re.compile(r"\s*Error message:\s*\Z")
"""Behind a code alone."""


def classify(exception: str, text: str, phase: str) -> IrisError:
    """Say what an exception of the driver's means: its type's name, its text, and when it came."""
    if exception == "MemoryError":
        text = text or "bad_alloc"
    for rule in _CONNECTING if phase == CONNECTING else _CALLING:
        if rule.pattern.search(text):
            return IrisError(rule.kind, _message(rule.meaning, text), rule.remedy)
    return IrisError(ErrorKind.SERVER, _message("IRIS reports an error", text or exception))


def _message(meaning: str, text: str) -> str:
    plain = one_line(_NOTHING_SAID.sub("", _PREFIX.sub("", text)))
    return f"{meaning}: {plain}" if plain else meaning


def one_line(text: str, length: int = MAX_TEXT) -> str:
    """Make a foreign text fit for a message: printable, on one line, and not longer than this."""
    words = "".join(char if char.isprintable() else " " for char in text).split()
    plain = " ".join(words)
    return plain if len(plain) <= length else plain[: length - 3] + "..."
