"""When certificates expire, also those that nobody would trust."""

from __future__ import annotations

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.certificate import read_expiry
from monitoring.ready_checks import certificate_expiry, certificate_file_expiry
from tests.tls import Issuer, listen, serve_tls


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Makes certificates."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


def in_days(days: float) -> datetime:
    """A moment so far from now."""
    return datetime.now(UTC) + timedelta(days=days)


def element(tag: int, *content: bytes) -> bytes:
    """An element of DER with a short content."""
    inside = b"".join(content)
    return bytes([tag, len(inside)]) + inside


def first_version(not_after: bytes) -> bytes:
    """A certificate of version 1, up to the validity."""
    number, algorithm, issuer = element(2, b"\x07"), element(0x30), element(0x30)
    validity = element(0x30, element(0x17, b"700101000000Z"), not_after)
    return element(0x30, element(0x30, number, algorithm, issuer, validity))


@pytest.mark.parametrize(
    "expiry",
    [
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
    ids=str,
)
def test_the_date_is_the_one_that_openssl_wrote(issuer: Issuer, expiry: datetime) -> None:
    """Before and after 2050, where the form of dates changes."""
    der = ssl.PEM_cert_to_DER_cert(issuer.issue(expiry).read_text())
    assert read_expiry(der) == expiry


def test_a_certificate_of_version_1_has_no_version() -> None:
    """Old devices have them; years below 50 are of this century."""
    der = first_version(element(0x17, b"491231235959Z"))
    assert read_expiry(der) == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    der = first_version(element(0x17, b"500101000000Z"))
    assert read_expiry(der).year == 1950


@pytest.mark.parametrize(
    ("der", "says"),
    [
        (b"", "ends too early"),
        (b"hello", "its structure is another"),
        (first_version(element(0x0C, b"491231235959Z")), "there is no date"),
        (first_version(element(0x17, b"491331235959Z")), "does not match"),
        (first_version(element(0x17, b"\xff")), "does not match"),
    ],
)
def test_what_is_no_certificate_is_refused(der: bytes, says: str) -> None:
    """With a ValueError that says so."""
    with pytest.raises(ValueError, match=says):
        read_expiry(der)


@given(st.binary(max_size=200), st.integers(0, 60), st.binary(max_size=4))
def test_no_bytes_whatever_do_harm(noise: bytes, position: int, change: bytes) -> None:
    """They are a certificate or a ValueError, however they are bent."""
    good = first_version(element(0x18, b"20491231235959Z"))
    for der in (noise, good[:position] + change + good[position + len(change) :]):
        with contextlib.suppress(ValueError):
            assert read_expiry(der).tzinfo is UTC


@pytest.mark.parametrize(
    ("days", "status", "says"),
    [
        (90.5, "healthy", "expires in 90.5 days, on "),
        (20.5, "warning", "expires in 20.5 days, on "),
        (3.5, "critical", "expires in 3.5 days, on "),
        (-3.5, "critical", "expired 3.5 days ago, on "),
    ],
)
def test_a_server_s_certificate_is_judged_by_its_days(
    issuer: Issuer, days: float, status: str, says: str
) -> None:
    """Though nobody has signed it but itself, and it may have expired."""
    expiry = in_days(days)
    with serve_tls(issuer.issue(expiry), issuer.key) as port:
        result = certificate_expiry("127.0.0.1", port)()
    assert result.status == status
    assert f"of 127.0.0.1:{port} {says}{expiry:%Y-%m-%d}" in result.message
    assert "(warning below 30, critical below 7 days)" in result.message
    assert result.details["expires_at"] == f"{expiry:%Y-%m-%dT%H:%M:%SZ}"
    assert result.details["days_left"] == pytest.approx(days, abs=0.01)


def test_a_server_may_have_an_ipv6_address(issuer: Issuer) -> None:
    """Which is written in brackets."""
    with serve_tls(issuer.issue(in_days(90)), issuer.key, "::1") as port:
        result = certificate_expiry("::1", port)()
    assert result.status == "healthy"
    assert f"of [::1]:{port} expires" in result.message


def test_with_authorities_a_certificate_is_verified_too(issuer: Issuer, tmp_path: Path) -> None:
    """Who signed it, and for which name."""
    certificate = issuer.issue(in_days(90))
    (tmp_path / "other").mkdir()
    stranger = Issuer(tmp_path / "other").issue(in_days(90))
    with serve_tls(certificate, issuer.key) as port:
        assert certificate_expiry("localhost", port, cafile=certificate)().status == "healthy"
        named = certificate_expiry(
            "127.0.0.1", port, cafile=certificate, server_name="shop.example"
        )()
        signed = certificate_expiry("127.0.0.1", port, cafile=stranger)()
        lacking = certificate_expiry("127.0.0.1", port, cafile=tmp_path / "none.pem")()
    assert {named.status, signed.status, lacking.status} == {"critical"}
    assert "not valid for 'shop.example'" in named.message
    assert "self-signed certificate" in signed.message.replace("self signed", "self-signed")
    assert "No such file" in lacking.message


def test_an_expired_certificate_is_not_verified_any_more(issuer: Issuer) -> None:
    """Its date says more than OpenSSL's complaint."""
    certificate = issuer.issue(in_days(-3.5))
    with serve_tls(certificate, issuer.key) as port:
        result = certificate_expiry("127.0.0.1", port, cafile=certificate)()
    assert "expired 3.5 days ago" in result.message


def test_a_server_that_does_not_answer_is_critical() -> None:
    """Silent, without TLS, or not there: with what happened."""
    with listen() as silent:
        port = silent.getsockname()[1]
        result = certificate_expiry("127.0.0.1", port, timeout=0.05)()
        assert (result.status, result.details) == ("critical", {})
        assert "cannot be checked" in result.message
        assert "timed out" in result.message
    result = certificate_expiry("127.0.0.1", port)()
    assert result.status == "critical"
    assert "Connection refused" in result.message


def test_the_connection_is_closed(issuer: Issuer) -> None:
    """The server hears of it at once, and serves the next one."""
    with serve_tls(issuer.issue(in_days(90)), issuer.key) as port:
        for _ in range(3):
            assert certificate_expiry("127.0.0.1", port)().status == "healthy"


def test_a_file_s_first_certificate_to_expire_counts(issuer: Issuer, tmp_path: Path) -> None:
    """A chain is as good as its weakest link; other things in the file are passed over."""
    chain = tmp_path / "chain.pem"
    parts = [issuer.key.read_text()]
    parts += [issuer.issue(in_days(days)).read_text() for days in (90, 20.5, 60)]
    chain.write_text("\n".join(parts))
    result = certificate_file_expiry(chain)()
    assert result.status == "warning"
    assert f"the certificate of {chain} expires in 20.5 days" in result.message


def test_a_file_without_certificates_is_an_error(issuer: Issuer, tmp_path: Path) -> None:
    """As is a file that is not there: the monitor makes both critical."""
    with pytest.raises(ValueError, match=r"key\.pem holds no certificate in PEM form"):
        certificate_file_expiry(issuer.key)()
    with pytest.raises(FileNotFoundError):
        certificate_file_expiry(tmp_path / "none.pem")()


@pytest.mark.parametrize(("warning", "critical"), [(7, 30), (30, -1), (float("nan"), 7)])
def test_days_in_the_wrong_order_are_refused(warning: float, critical: float) -> None:
    """When the check is made, not when it runs."""
    with pytest.raises(ValueError, match="0 <= critical_days <= warning_days, got"):
        certificate_expiry("localhost", 443, warning, critical)
    with pytest.raises(ValueError, match="0 <= critical_days <= warning_days, got"):
        certificate_file_expiry("cert.pem", warning, critical)
