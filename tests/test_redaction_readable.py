"""What is no secret stays readable: prose, the structure of data, and tracebacks."""

from __future__ import annotations

import json
import traceback

import pytest

from monitoring.redaction import MAX_SCANNED, REDACTED, Redactor

REDACTOR = Redactor()

FRAME = '  File "x.py", line 3, in f\n'


@pytest.mark.parametrize(
    "key",
    [
        "password_expired", "token_valid", "secret_version", "api_key_id", "next_page_token",
        "page_token", "continuationToken", "max_tokens", "passwordless", "token_expired",
        "password_strength", "unexpected_token", "cookie_domain", "pass_rate", "pin_to_cpu",
        "signal", "tokens", "spin", "opinion", "credit", "jwts_total", "ssh_public_key",
    ],
)  # fmt: skip
def test_a_key_that_only_tells_of_a_secret_is_not_one(key: str) -> None:
    """Nor are tokens that open nothing."""
    assert not REDACTOR.is_secret_key(key)


@pytest.mark.parametrize(
    "text",
    [
        "token: expected ',' got '}'",
        "unexpected token: 'x' at line 3",
        "unexpected token = at position 5",
        "invalid token: line 4 column 2",
        "password: field required",
        "password: must be at least 8 characters",
        "password: unchanged.",
        "authorization failed: user bob lacks the role admin, token bucket: 5",
        "authorization: denied for user bob on table t",
        "authorization: skipped; user=bob path=/x status=403",
        "authorization=skipped user=bob path=/x status=403",
        "cookie=none status=500 error='disk full'",
        "passphrase: not set",
        "credential: not found in keyring for host db1",
        "token=None password=True secret: false dsn=null",
        '{"token":null,"secret":true,"x":1}',
        "basic self-test failed",
        "Basic 401 error, basic HTTP/1.1 something",
        "basic auth, basic authentication. Bearer token_type, bearer 404",
        "basic config.yaml loaded, basic read/write test passed",
        "at http://[::1]:8080/x@y",
        "git+ssh://git@github.com:org/repo.git@v1.2",
        "https://host:443/path and mail bob@example.com",
        "redis://h:6379 for bob@example.com",
        "tcp://db:5432: refused; contact ops@example.com",
        "https://bob@example.com/x https://medium.com/@user/x",
        "token_valid=False password_expired=True secret_version=5",
        "password authentication failed for user 'bob'",
        "x < 5 and y --dry-run --host h",
    ],
)  # fmt: skip
def test_prose_stays(text: str) -> None:
    """Whatever words of it are."""
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"token":5,"user":"bob"}', '{"token":#,"user":"bob"}'),
        ("{'token': 5, 'secret': 3}", "{'token': #, 'secret': #}"),
        ("[('password', 3)]", "[('password', #)]"),
        ('{"a":{"pin":1234},"b":[{"pw":5}]}', '{"a":{"pin":#},"b":[{"pw":#}]}'),
        ("connect(password=abc, host=h)", "connect(password=#, host=h)"),
        ("{password: a,b)c}", "{password: #}"),
        ("token: [1, 2 bad; disk full\nnext line", "token: #\nnext line"),
        ("secret: (see manual\nnext (line)", "secret: #\nnext (line)"),
        ("secret: <see manual\nnext", "secret: #\nnext"),
        ('"secrets": {\n  "a": "b",\n  "c": ["d"]\n},\n"x": 1', '"secrets": #,\n"x": 1'),
        ('"secrets": {\n  "a": "b",\n  "c": ["d\nnext', '"secrets": #\nnext'),
        ("secret=[1\n secret=[2\n secret=[3]\nx", "secret=#\n secret=#\n secret=#\nx"),
        ('secret={"a": [\r\n "b"]}\r\nx', "secret=#\r\nx"),
    ],
)  # fmt: skip
def test_the_text_behind_a_secret_stays(text: str, shown: str) -> None:
    """Data keeps its brackets; one that is never closed ends with its line."""
    assert REDACTOR.text(text) == shown.replace("#", REDACTED)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("token = fetch(url)", "token = fetch(url)"),
        ("token = fetch(", "token = fetch("),
        ("def f(password: str, token: T[str] = None):", None),
        ("conn = connect(password=password, host=host)", None),
        ("token = fetch('abc', key=\"def\")", "token = fetch('#', key=\"#\")"),
        ('password = """abc', 'password = """#'),
        ("pin = 1234", "pin = #"),
        ('connect("db://h?password=abc&x=1")', 'connect("db://h?password=#&x=1")'),
    ],
)
@pytest.mark.parametrize("before", ["", "  | "])
def test_code_in_a_traceback_is_no_value(code: str, shown: str | None, before: str) -> None:
    """But its literals are; frames and messages below stay."""
    rest = f"{before}            ^^^^^\n{before}{FRAME}{before}    pass\n{before}ValueError: bad"
    text = f"{before}{FRAME}{before}    {code}\n{rest}"
    expected = f"{before}{FRAME}{before}    {shown or code}\n{rest}".replace("#", REDACTED)
    assert REDACTOR.text(text) == expected


def test_a_message_where_the_code_is_missing_is_no_code() -> None:
    """As with code that was frozen."""
    assert REDACTOR.text(f"{FRAME}ValueError: token=abc") == f"{FRAME}ValueError: token={REDACTED}"
    long = f"{FRAME}    {'x' * 500}; token=abc"
    assert "abc" not in REDACTOR.text(long)


def test_a_real_traceback_stays_readable() -> None:
    """A call over several lines, of which Python 3.11 shows the first."""

    def fetch(url: str) -> str:
        raise ConnectionError(f"{url} refused")

    def log_in() -> str:
        token = fetch(
            url="db1",
        )
        return token[1:]

    with pytest.raises(ConnectionError) as caught:
        log_in()
    shown = REDACTOR.text("".join(traceback.format_exception(caught.value)))
    assert "in fetch" in shown
    assert "token = fetch(" in shown
    assert shown.endswith("ConnectionError: db1 refused\n")


def ends(text: str) -> str:
    """Shorten as a log does."""
    return REDACTOR.ends(text, 200, 600)


def test_the_last_exception_of_a_giant_traceback_is_kept() -> None:
    """Whatever stood before it."""
    shown = ends(f"Traceback\nValueError: {'a' * 100_000}\n\nKeyError: token=abc last")
    assert shown.startswith("Traceback\nValueError: aaa")
    assert f"KeyError: token={REDACTED} last" in shown
    shown = ends(f"Traceback\nKeyError: {'a' * 200_000}")
    assert "\nKeyError: aaa" in shown
    assert len(shown) < 1000


@pytest.mark.parametrize("offset", [0, 500, 1500, 3000, 10_000])
@pytest.mark.parametrize(
    ("form", "secrets"),
    [
        ("password='%s'", ["abc" * 300]),
        ("-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----", ["MIIEow0a\n" * 2000]),
        (json.dumps({"credentials": ["%s"] * 2}), ["QxZ" * 200]),
    ],
)
def test_no_half_of_a_secret_stands_at_the_seam(offset: int, form: str, secrets: list[str]) -> None:
    """Wherever the part that is looked at begins."""
    for secret in secrets:
        line = form.replace("%s", secret)
        end = "y" * (MAX_SCANNED - 1024 - len(line) + offset)
        text = (
            f"{'x' * 9000}\n{line}\n{end[: len(end) // 2]}\n{end[len(end) // 2 :]}\nKeyError: end"
        )
        text = "x\n" * 20_000 + text
        shown = REDACTOR.ends(text, 100, 100_000)
        assert secret[:8] not in shown
        assert shown.endswith("KeyError: end")
