"""What can go wrong with an IRIS instance: one exception, whose kind is from a closed set."""

from __future__ import annotations

from enum import StrEnum

DOCUMENTATION = "docs/iris.md"


class ErrorKind(StrEnum):
    """The label of `iris_errors_total`; docs/iris.md has a line on each."""

    UNREACHABLE = "unreachable"
    """Refused, no route, no such name, or nobody answers while connecting."""
    TIMEOUT = "timeout"
    """A call did not return by its deadline: the worker was ended."""
    DROPPED = "dropped"
    """The connection ended in the middle."""
    CRASHED = "crashed"
    """The worker ended by itself: the driver crashed, or somebody killed it."""
    PROTOCOL = "protocol"
    """The other side speaks something else, or garbage."""
    TLS = "tls"
    """No agreement on TLS, or a certificate that is not trusted."""
    ACCESS_DENIED = "access_denied"
    """Wrong user, password or token; a password that must be changed; a disabled account."""
    LICENCE = "licence"
    """No licence unit is free."""
    PRIVILEGE = "privilege"
    """Logged in, but this one thing is not permitted (<PROTECT>, SQLCODE -99)."""
    ABSENT = "absent"
    """This version has no such class, method, routine or table."""
    REJECTED = "rejected"
    """IRIS has understood and said no (`0^reason`, a %Status that is an error)."""
    SERVER = "server"
    """Any other error that IRIS reports on a connection that stays."""
    DRIVER = "driver"
    """The driver is not installed, or cannot be loaded."""
    INTERNAL = "internal"
    """A mistake of ours: the log has its traceback."""


CONNECTION_LOST = frozenset(
    {
        ErrorKind.UNREACHABLE,
        ErrorKind.TIMEOUT,
        ErrorKind.DROPPED,
        ErrorKind.CRASHED,
        ErrorKind.PROTOCOL,
        ErrorKind.TLS,
        ErrorKind.ACCESS_DENIED,
        ErrorKind.LICENCE,
        ErrorKind.DRIVER,
    }
)
"""After these there is no connection any more; after the others it stays usable."""


class IrisError(Exception):
    """Something that an instance, or the way to it, has refused or failed to do.

    `str()` says what went wrong, what helps, and where it is documented, on one line and without
    secrets.
    """

    def __init__(self, kind: ErrorKind, message: str, remedy: str = "") -> None:
        self.kind = kind
        self.message = message
        self.remedy = remedy
        super().__init__(kind, message, remedy)

    def __str__(self) -> str:
        remedy = f": {self.remedy}" if self.remedy else ""
        return f"{self.message}{remedy} (see {DOCUMENTATION})"

    @property
    def connection_lost(self) -> bool:
        """Whether the session has to be opened anew."""
        return self.kind in CONNECTION_LOST
