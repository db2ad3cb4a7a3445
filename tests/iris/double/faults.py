"""What can go wrong, as scripts: `double.faults.next_call(Hang())`, `.at_login("access denied")`.

A fault concerns the answer: the instance has already done what was asked, the harder case for a
client that tries again. A ServerError or SqlError comes in its place: nothing was done.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, overload

from tests.iris.double import wire
from tests.iris.double.hooks import ServerError, SqlError
from tests.iris.double.link import GoneError, Link

REFUSED = 417
"""The status of a login that is refused."""
RELEASE = "%ReleaseObjects"
"""The driver calls it by itself now and then: only a fault that names it meets it."""


class Fault(Protocol):
    """Something that happens instead of sending the answer (at the accept: none, b"")."""

    def apply(self, link: Link, answer: bytes, /) -> None:
        """Send something, or nothing; raise GoneError to hang up."""


class Hang:
    """Silence until `release()`, or for so many seconds; then all is well. `entered` says when."""

    def __init__(self, seconds: float | None = None) -> None:
        self.entered = threading.Event()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._released = False
        self._waiting: set[int] = set()

    def release(self) -> None:
        """Let everybody go who is held, and nobody be held any more."""
        with self._lock:
            self._released = True
            for wake in self._waiting:
                os.eventfd_write(wake, 1)

    def apply(self, link: Link, answer: bytes, /) -> None:
        """Hold the answer back."""
        wake = os.eventfd(0)
        with self._lock:
            self._waiting.add(wake)
            if self._released:
                os.eventfd_write(wake, 1)
        self.entered.set()
        try:
            link.wait(wake, self._seconds)
        finally:
            with self._lock:
                self._waiting.remove(wake)
            os.close(wake)
        link.send_bytes(link, answer)


@dataclass(frozen=True, slots=True)
class Drip:
    """From now on a byte at a time: always another one, and never an end for a long time."""

    seconds: float = 0.05

    def apply(self, link: Link, answer: bytes, /) -> None:
        """Begin to send slowly."""
        link.send_bytes = self._send
        self._send(link, answer)

    def _send(self, link: Link, data: bytes) -> None:
        for byte in data:
            link.pause(self.seconds)
            link.socket.sendall(bytes((byte,)))


class Close:
    """The server hangs up (FIN)."""

    def apply(self, _link: Link, _answer: bytes, /) -> None:
        """Send nothing."""
        raise GoneError


class Reset:
    """The server's host hangs up (RST)."""

    def apply(self, link: Link, _answer: bytes, /) -> None:
        """Send nothing."""
        link.reset()
        raise GoneError


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes of something else, and then nothing until the client hangs up."""

    data: bytes

    def apply(self, link: Link, _answer: bytes, /) -> None:
        """Send the bytes."""
        link.socket.sendall(self.data)
        link.pause(None)


HTTP = Garbage(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
SSH = Garbage(b"SSH-2.0-OpenSSH_9.6\r\n")


@dataclass(frozen=True, slots=True)
class Denied:
    """A login that is refused with a text."""

    text: str

    def apply(self, link: Link, answer: bytes, /) -> None:
        """Send the text instead, and hang up."""
        refusal = _with_body(answer, wire.encode(self.text))
        status = struct.pack("<H", REFUSED)
        place = wire.HEADER.size
        link.send_bytes(link, refusal[: place - len(status)] + status + refusal[place:])
        raise GoneError


@dataclass(frozen=True, slots=True)
class Damage:
    """An answer that is changed on its way."""

    change: Callable[[bytes], bytes]

    def apply(self, link: Link, answer: bytes, /) -> None:
        """Send the changed answer."""
        link.send_bytes(link, self.change(answer))


def _with_body(answer: bytes, body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + answer[4 : wire.HEADER.size] + body


def _with_number(answer: bytes, more: int) -> bytes:
    number: int = struct.unpack_from("<I", answer, 4)[0] + more
    return answer[:4] + struct.pack("<I", number) + answer[8:]


WRONG_NUMBER = Damage(lambda answer: _with_number(answer, 2))
"""The answer to a question that nobody has asked."""
BAD_LENGTH = Damage(lambda answer: _with_body(answer, b"\x20\x01abc"))
"""An element that claims to be longer than the message."""
UNKNOWN_TYPE = Damage(lambda answer: _with_body(answer, b"\x05\x63abc"))
OLD_VERSION = Damage(lambda answer: _with_body(answer, struct.pack("<HH", 40, 1)))
"""At the handshake: a protocol that the driver does not speak."""

Trouble = Fault | ServerError | SqlError
AnyFault = TypeVar("AnyFault", bound=Fault)
AnyTrouble = TypeVar("AnyTrouble", bound=Trouble)


def send(trouble: Trouble | None, link: Link, answer: bytes, /) -> None:
    """Send an answer, by way of the fault if there is one."""
    if trouble is None or isinstance(trouble, ServerError | SqlError):
        link.send_bytes(link, answer)
    else:
        trouble.apply(link, answer)


@dataclass(slots=True)
class _Plan:
    trouble: Trouble
    method: str
    after: int
    once: bool

    def concerns(self, names: tuple[str, ...]) -> bool:
        return self.method in names if self.method else RELEASE not in names


class Faults:
    """What is planned. Each plan is for everybody until `clear()`, or `once` for the next only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: dict[str, list[_Plan]] = {}
        self._hangs: list[Hang] = []

    def at_accept(self, fault: AnyFault, *, once: bool = False) -> AnyFault:
        """Go wrong before anything is said, before TLS too."""
        return self._plan("accept", fault, once=once)

    def at_handshake(self, fault: AnyFault, *, once: bool = False) -> AnyFault:
        """Go wrong in the first answer."""
        return self._plan("handshake", fault, once=once)

    @overload
    def at_login(self, fault: str, *, once: bool = False) -> Denied: ...
    @overload
    def at_login(self, fault: AnyFault, *, once: bool = False) -> AnyFault: ...
    def at_login(self, fault: Fault | str, *, once: bool = False) -> Fault:
        """Go wrong in the answer to the login; a str is the text of a refusal."""
        return self._plan("login", Denied(fault) if isinstance(fault, str) else fault, once=once)

    def next_call(self, trouble: AnyTrouble, method: str = "", *, after: int = 0) -> AnyTrouble:
        """Go wrong in the next call, or in the one after so many.

        `method` is a method, class, property, global, SQL text, or a kind of request.
        """
        return self._plan("call", trouble, method, after=after, once=True)

    def every_call(self, trouble: AnyTrouble, method: str = "") -> AnyTrouble:
        """Go wrong in each call until `clear()`."""
        return self._plan("call", trouble, method)

    def clear(self) -> None:
        """Plan nothing any more, and release all that hangs."""
        with self._lock:
            self._plans.clear()
            hangs, self._hangs = self._hangs, []
        for hang in hangs:
            hang.release()

    def _plan(
        self,
        place: str,
        trouble: AnyTrouble,
        method: str = "",
        *,
        after: int = 0,
        once: bool = False,
    ) -> AnyTrouble:
        with self._lock:
            self._plans.setdefault(place, []).append(_Plan(trouble, method, after, once))
            if isinstance(trouble, Hang):
                self._hangs.append(trouble)
        return trouble

    def take(self, place: str, *names: str) -> Trouble | None:
        """Give what is planned for this very moment. For the protocol."""
        with self._lock:
            plans = self._plans.get(place, [])
            for plan in plans:
                if not plan.concerns(names):
                    continue
                if plan.after:
                    plan.after -= 1
                    continue
                if plan.once:
                    plans.remove(plan)
                return plan.trouble
        return None
