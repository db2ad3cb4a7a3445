"""The beginning of a connection: which protocol, and who is there."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.iris.double import wire
from tests.iris.double.faults import Denied, send
from tests.iris.double.hooks import User
from tests.iris.double.link import GoneError, Link, frames

if TYPE_CHECKING:
    from tests.iris.double.server import Double

PROTOCOL = 65
UNICODE_SERVER = 1
"""The features: no compact doubles."""
INSTALLED_IN = "/usr/irissys/"


def log_in(double: Double, link: Link) -> User:
    """Answer until somebody is logged in; GoneError for who may not."""
    message = link.receive()
    if message.code != b"HS":
        raise GoneError
    spoken = min(PROTOCOL, struct.unpack_from("<H", message.body)[0])
    body = struct.pack("<HH", spoken, UNICODE_SERVER) + wire.encode("UNICODE")
    send(double.faults.take("handshake"), link, frames(message, body))

    message = link.receive()
    if message.code != b"CN":
        raise GoneError
    namespace, username, secret = (text or "" for text in wire.decode_all(message.body)[:3])
    name, word = wire.unscramble(username), wire.unscramble(secret)
    # A token comes in the place of the password, without a user.
    password, token = (word, "") if name else ("", word)
    fault = double.faults.take("login")
    if not isinstance(fault, Denied):
        refusal = double.instance.check_login(name, password, token, namespace)
        fault = fault if refusal is None else Denied(refusal)
    double.changed(**{"refused_logins" if isinstance(fault, Denied) else "logins": 1})
    send(fault, link, frames(message, _welcome(double.instance.version)))
    return User(name, namespace, token)


def _welcome(version: str) -> bytes:
    """Version, delimited identifiers, (ignored), isolation, job, character of "", row format."""
    return wire.encode_all((f"{version}|{INSTALLED_IN}", 1, 0, 0, 4711, 0, 0))
