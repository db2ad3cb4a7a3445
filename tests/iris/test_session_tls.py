from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.iris.access.connection import Tls
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.access.tls import authorities, settings
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.tls import Issuer

EXPIRY = datetime(2090, 1, 1, tzinfo=UTC)


class Identity(NamedTuple):
    """A certificate for localhost and its addresses, which is its own authority, and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_identity(folder: Path) -> Identity:
    """Make one."""
    issuer = Issuer(folder)
    return Identity(issuer.issue(EXPIRY), issuer.key)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Whose the server is."""
    return make_identity(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Somebody else."""
    return make_identity(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def double(identity: Identity) -> Iterator[Double]:
    """A superserver that speaks TLS only."""
    with Double(Scripted(), tls=identity.context()) as double:
        yield double


def failure(double: Double, **changes: object) -> IrisError:
    """The error of a login; nothing is left of it."""
    session = Session(double.connection(**{"timeout_seconds": 1, **changes}))
    with pytest.raises(IrisError) as raised:
        session.open()
    assert session.pid is None
    return raised.value


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_that_is_trusted(double: Double, identity: Identity, host: str) -> None:
    """By its name as by its address."""
    tls = Tls(ca_file=str(identity.certificate))
    with Session(double.connection(host=host, tls=tls)) as session:
        assert session.get_global("Node") is None


def test_a_certificate_that_is_not_trusted(double: Double, other: Identity) -> None:
    """The error says so, and which setting has the authorities."""
    error = failure(double, tls=Tls(ca_file=str(other.certificate)))
    assert error.kind is ErrorKind.TLS
    assert "certificate verify failed" in error.message
    assert "`iris.tls-ca-file`" in error.remedy


def test_a_certificate_that_the_system_does_not_know(double: Double) -> None:
    """Without a file of its own it is the system's authorities that count."""
    assert failure(double, tls=Tls()).kind is ErrorKind.TLS


def test_a_certificate_of_another_name(double: Double, identity: Identity) -> None:
    """Trusted authorities sign for many hosts: 127.1 is the same, and not in the certificate."""
    error = failure(double, host="127.1", tls=Tls(ca_file=str(identity.certificate)))
    assert error.kind is ErrorKind.TLS
    assert "X509_check_host" in error.message


def test_whoever_does_not_want_to_know_is_not_asked(double: Double) -> None:
    """Without verification any certificate will do."""
    with Session(double.connection(tls=Tls(verify=False))) as session:
        assert session.get_global("Node") is None


def test_an_authority_that_is_not_there(double: Double, tmp_path: Path) -> None:
    """The driver would say nothing of the file."""
    path = str(tmp_path / "missing.pem")
    error = failure(double, tls=Tls(ca_file=path))
    assert error.kind is ErrorKind.TLS
    assert path in error.message


def test_a_server_that_speaks_no_tls() -> None:
    """It waits for a beginning that never comes; the remedy says what to look at."""
    with Double(Scripted()) as double:
        error = failure(double, tls=Tls(verify=False), timeout_seconds=0.1)
    assert error.kind in {ErrorKind.TLS, ErrorKind.UNREACHABLE}
    assert "TLS" in error.remedy


def test_a_server_that_speaks_tls_only(double: Double) -> None:
    """Who comes without TLS gets no answer that he understands."""
    error = failure(double, tls=None)
    assert error.kind in {ErrorKind.PROTOCOL, ErrorKind.DROPPED, ErrorKind.UNREACHABLE}


def test_the_system_s_authorities_are_those_that_are_there(tmp_path: Path) -> None:
    """The first of them; and without any, the error says which setting helps."""
    there = tmp_path / "ca.pem"
    there.touch()
    missing = str(tmp_path / "missing.pem")
    assert authorities("", [missing, str(there)]) == str(there)
    with pytest.raises(IrisError, match=r"`iris\.tls-ca-file`") as raised:
        authorities("", [missing])
    assert raised.value.kind is ErrorKind.TLS


def test_the_settings_ask_for_the_host_s_name_too(tmp_path: Path) -> None:
    """The driver does not by itself."""
    path = tmp_path / "ca.pem"
    path.touch()
    assert f"VerifyPeer=1\nVerifyHost=1\nCAFile={path}\n" in settings(str(path), verify=True)
