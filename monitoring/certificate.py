"""When certificates expire: read from files, and from TLS servers that nobody would trust.

The `ssl` module takes a certificate apart only after it has verified it, which an expired one
never passes. So the one date is read from its DER form here (RFC 5280, 4.1).
"""

from __future__ import annotations

import re
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read_expiry(der: bytes) -> datetime:
    """Give the notAfter of a certificate in DER form. Raises ValueError when it is none."""
    try:
        return _read_not_after(der)
    except IndexError as error:
        raise ValueError("this is no X.509 certificate: it ends too early") from error


def read_file(path: str | Path) -> list[bytes]:
    """Give the certificates of a PEM file in DER form.

    Raises OSError when it cannot be read, and ValueError when there is none in it.
    """
    blocks = _PEM.findall(Path(path).read_text("utf-8", "replace"))
    if not blocks:
        raise ValueError(f"{path} holds no certificate in PEM form")
    return [ssl.PEM_cert_to_DER_cert(block) for block in blocks]


def fetch(host: str, port: int, server_name: str, timeout: float) -> bytes:
    """Give the certificate that a TLS server shows, in DER form, whether it is valid or not.

    Raises OSError (ssl.SSLError is one) when there is no connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _shake_hands(context, host, port, server_name, timeout)


def verify(host: str, port: int, server_name: str, timeout: float, cafile: str | Path) -> None:
    """Raise ssl.SSLCertVerificationError when the authorities of a file do not vouch for it."""
    context = ssl.create_default_context(cafile=str(cafile))
    _shake_hands(context, host, port, server_name, timeout)


def _shake_hands(
    context: ssl.SSLContext, host: str, port: int, server_name: str, timeout: float
) -> bytes:
    with (
        socket.create_connection((host, port), timeout) as plain,
        context.wrap_socket(plain, server_hostname=server_name) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def _read_not_after(der: bytes) -> datetime:
    """Walk to the validity, the field behind version, serial number, signature and issuer."""
    certificate = _enter(der, 0)
    position = _enter(der, certificate)  # what is signed of it
    if der[position] == _VERSION:  # left out in version 1
        position = _skip(der, position)
    for _ in ("serial number", "signature", "issuer"):
        position = _skip(der, position)
    not_before = _enter(der, position)
    not_after = _skip(der, not_before)
    start, end = _content(der, not_after)
    text = der[start:end].decode("latin-1")
    if der[not_after] == _UTC_TIME:  # two digits for the years 1950 to 2049
        text = ("19" if text >= "50" else "20") + text
    elif der[not_after] != _GENERALIZED_TIME:
        raise ValueError("this is no X.509 certificate: there is no date where it should expire")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _content(der: bytes, position: int) -> tuple[int, int]:
    """Give where the content of the element at a position starts and ends."""
    length, start = der[position + 1], position + 2
    if length & 0x80:  # the length of the length
        start += length & 0x7F
        length = int.from_bytes(der[position + 2 : start], "big")
    return start, start + length


def _enter(der: bytes, position: int) -> int:
    """Give where the first element of the sequence at a position is."""
    if der[position] != _SEQUENCE:
        raise ValueError("this is no X.509 certificate: its structure is another")
    return _content(der, position)[0]


def _skip(der: bytes, position: int) -> int:
    return _content(der, position)[1]
