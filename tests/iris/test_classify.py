from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.iris.access.classify import (
    CALLING,
    CONNECTING,
    MAX_TEXT,
    classify,
    one_line,
)
from exporter.iris.access.errors import ErrorKind

LINK = "<COMMUNICATION LINK ERROR> "
CONNECT = f"{LINK}Failed to connect to server; Details: {LINK}"
RECEIVE = f"{LINK}Failed to receive message; Details: "
REFUSAL = (
    "<COMMUNICATION LINK ERROR> Failed to connect to server; Details: "
    "<COMMUNICATION ERROR> Invalid Message received; Details: "
)

WHILE_CONNECTING = [
    (f"{CONNECT}Error code: -1 Error message: ", "unreachable"),
    (f"{CONNECT}Error code: -2 Error message: getaddrinfo Name or service", "unreachable"),
    (f"{CONNECT}Error code: 110 Error message: Communication timed out", "unreachable"),
    (f"{CONNECT}Error code: 111 Error message: Connection refused", "unreachable"),
    (f"{CONNECT}Error code: 24 Error message: Too many open files", "unreachable"),
    (f"{CONNECT}Failed to receive message; Details: Error code: 104 Error message: ", "dropped"),
    (f"{CONNECT}Failed to send message; Details: EPIPE", "dropped"),
    (f"{REFUSAL}Access Denied", "access_denied"),
    (f"{REFUSAL}Password Change Required", "access_denied"),
    (f"{REFUSAL}User account is disabled", "access_denied"),
    (f"{REFUSAL}<PROTECT>", "access_denied"),
    (f"{REFUSAL}License limit exceeded", "licence"),
    (f"{REFUSAL}<LICENSE LIMIT EXCEEDED>", "licence"),
    (f"{REFUSAL}Namespace NOWHERE does not exist", "absent"),
    (f"{CONNECT}Error code: -6 Error message: <SSL Error> certificate verify failed", "tls"),
    (f"{CONNECT}Error code: -6 Error message: <SSL Error> X509_check_host failed.", "tls"),
    (f"{CONNECT}Error code: -7 Error message: <SSL Error> SSL_ERROR_WANT_READ", "tls"),
    (f"{CONNECT}Error code: -1 Error message: <SSL Error>", "tls"),
    ("Message out of order; Details: Invalid Message Sequence Number: expected: 1", "protocol"),
    ("std::bad_alloc", "protocol"),
    ("", "protocol"),
    ("IRIS xDBC protocol is not compatible", "protocol"),
    (f"{REFUSAL}something that nobody knows", "server"),
    ("something that nobody knows", "server"),
]

WHILE_CALLING = [
    (f"{RECEIVE}Error code: 110 Error message: Communication timed out", "dropped"),
    (f"{RECEIVE}Error code: 104 Error message: Connection reset by peer", "dropped"),
    (f"{LINK}Failed to send message; Details: Error code: 32 EPIPE", "dropped"),
    ("<COMMUNICATION ERROR> Message out of order; Details: expected: 7 got: 9", "protocol"),
    ("", "protocol"),
    ("std::bad_alloc", "protocol"),
    ("<PROTECT> *^oddDEF", "privilege"),
    ("<SQL ERROR>; Details: [SQLCODE: <-99>:<Privilege violation>]", "privilege"),
    ("<SQL ERROR>; Details: User watcher is not privileged for the operation", "privilege"),
    ("<CLASS DOES NOT EXIST> *SYS.Nothing", "absent"),
    ("<METHOD DOES NOT EXIST> *Nothing,SYS.Stats.Global", "absent"),
    ("<PROPERTY DOES NOT EXIST> *Nothing", "absent"),
    ("<NOROUTINE> *NOTHING", "absent"),
    ("<NOLINE> *nothing", "absent"),
    ("<SQL ERROR>; Details: [SQLCODE: <-30>:<Table or view not found>]", "absent"),
    ("<SQL ERROR>; Details: Table 'NO.THING' not found", "absent"),
    ("<SQL ERROR>; Details: [SQLCODE: <-359>:<User defined SQL Function not found>]", "absent"),
    ("<LICENSE LIMIT EXCEEDED>", "licence"),
    ("<UNDEFINED>units+2^License *left", "server"),
    ("<UNDEFINED>run+3^SystemPerformance *profile", "server"),
    ("<SQL ERROR>; Details: [SQLCODE: <-1>:<Invalid SQL statement>]", "server"),
    ("<SQL ERROR>; Details: [SQLCODE: <-300>:<DDL not allowed>]", "server"),
    ("<LIST ERROR> Buffer does not contain an IRIS list", "server"),
    ("stoi", "server"),
]


@pytest.mark.parametrize(("text", "kind"), WHILE_CONNECTING)
def test_why_there_is_no_connection(text: str, kind: str) -> None:
    """Every way that a login is known to fail has its kind."""
    assert classify("RuntimeError", text, CONNECTING).kind == kind


@pytest.mark.parametrize(("text", "kind"), WHILE_CALLING)
def test_why_a_call_fails(text: str, kind: str) -> None:
    """Every way that a call is known to fail has its kind."""
    assert classify("RuntimeError", text, CALLING).kind == kind


@pytest.mark.parametrize(
    ("text", "phase", "names"),
    [
        (f"{REFUSAL}Access Denied", CONNECTING, "`iris.password-file`"),
        (f"{REFUSAL}Password Change Required", CONNECTING, "change it"),
        (f"{CONNECT}Error code: -1 Error message: ", CONNECTING, "`iris.host`"),
        (f"{CONNECT}Error code: -6 Error message: <SSL Error>", CONNECTING, "`iris.tls-ca-file`"),
        ("Message out of order", CONNECTING, "`iris.port`"),
        ("<PROTECT>", CALLING, "`perfwatch iris check`"),
    ],
)
def test_a_remedy_names_what_to_look_at(text: str, phase: str, names: str) -> None:
    """By the setting's name, or the command that says more."""
    assert names in classify("RuntimeError", text, phase).remedy


def test_the_driver_s_own_words_are_left_out() -> None:
    """What it puts before the server's text says nothing."""
    error = classify("RuntimeError", f"{REFUSAL}Access Denied", CONNECTING)
    assert error.message == "access denied: Access Denied"
    error = classify("OperationalError", "<SQL ERROR>; Details: Table 'X' not found", CALLING)
    assert error.message == "there is no such thing: Table 'X' not found"
    error = classify("RuntimeError", f"{CONNECT}Error code: -1 Error message: ", CONNECTING)
    assert error.message.endswith("Error code: -1")


def test_memory_that_cannot_be_had_is_a_broken_reply() -> None:
    """A reply that claims to be huge; Python's own exception has no text."""
    assert classify("MemoryError", "", CALLING).kind is ErrorKind.PROTOCOL


def test_an_unknown_error_without_meaning_still_has_its_text() -> None:
    """Whoever reads it can search for it."""
    assert "no idea" in str(classify("ValueError", "no idea", CALLING))


@given(st.text(), st.text(), st.sampled_from([CONNECTING, CALLING]))
def test_any_text_gives_one_short_printable_line(exception: str, text: str, phase: str) -> None:
    """Also what a broken reply has made of the driver's memory."""
    message = str(classify(exception, text, phase))
    assert message.isprintable()
    assert len(message) < MAX_TEXT + 300


def test_a_long_text_is_cut() -> None:
    """With a sign that it was."""
    assert one_line("a" * 20, 10) == "aaaaaaa..."
    assert one_line(" a\n\tb\0c ", 10) == "a b c"
