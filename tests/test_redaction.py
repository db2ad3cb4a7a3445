"""Secrets kept out of texts and mappings: by key, by form, in time linear in the text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.redaction import MARGIN, MAX_SCANNED, REDACTED, Redactor, redacted

REDACTOR = Redactor()

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "key",
    [
        "password", "db_passwd", "userPwd", "PWD", "PASSPHRASE", "client_secret", "secrets",
        "accessToken", "token", "csrftoken", "token1", "refresh_tokens", "clientsecret",
        "passWord", "x-api-key", "APIKey", "api.key", "api_key_2", "AWS_ACCESS_KEY_ID",
        "private_key", "DSN", "access key", "accountKey", "Authorization", "Proxy-Authorization",
        "Set-Cookie", "cookies", "credential", "credentials", "sentry_dsn", "ConnectionString",
        "connection string", "DB_PASS", "pgpassword", "basic_auth_users", f"{'x' * 300}_password",
    ],
)  # fmt: skip
def test_a_secret_key_is_known_in_any_spelling(key: str) -> None:
    """Snake, kebab and camel case, upper case, words joined, and as part of a longer key."""
    assert REDACTOR.is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "session_id", "tokens_total", "max_tokens", "prompt_tokens", "token_count", "tokenType",
        "password_file", "cookie_name", "primary_key", "key", "author", "secretary", "keyboard",
        "passed", "compass", "path", "monkey", "tokenizer", "", "...", "düsseldorf", "12",
    ],
)  # fmt: skip
def test_other_keys_are_not_secret(key: str) -> None:
    """What only counts, locates or sounds like a secret is shown."""
    assert not REDACTOR.is_secret_key(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2, user=bob", "password=#, user=bob"),
        ("GET /?token=abc&page=2", "GET /?token=#&page=2"),
        ("user[password]=abc&x=1", "user[password]=#&x=1"),
        ("Server=db;Password=abc;User=bob", "Server=db;Password=#;User=bob"),
        ("password=abc token=xyz", "password=# token=#"),
        ("url: password=abc", "url: password=#"),
        ("api key: abc d", "api key: # d"),
        ("--password=abc -x", "--password=# -x"),
        ("token == 'a b'", "token == '#'"),
        ('"password": "a\\"b", "x": 1', '"password": "#", "x": 1'),
        ('{\\"password\\": \\"a b\\", \\"x\\": 1}', '{\\"password\\": \\"#\\", \\"x\\": 1}'),
        ("{'x-api-key': b'abc', 'x': 1}", "{'x-api-key': b'#', 'x': 1}"),
        ("[(b'x-api-key', b'abc'), ('token', 'a')]", "[(b'x-api-key', b'#'), ('token', '#')]"),
        ("'dsn': {'x': [Y('}a')], 'y': \"it's\"}, 'x': 1", "'dsn': #, 'x': 1"),
        ("cookies=Jar(a='b', c=[1]) x", "cookies=# x"),
        ("secret: <Key of='a b'> x", "secret: # x"),
        ("credentials: {'a': 'b", "credentials: #"),
        ("missing: ['password', 'email']", "missing: ['password', 'email']"),
        ("password='no end", "password='#"),
        ('password: ""', 'password: ""'),
        ("Enter password:\nnext", "Enter password:\nnext"),
        ("tokens_total=5 max_tokens: 7", "tokens_total=5 max_tokens: 7"),
        ("passphrase: correct horse\nnext", "passphrase: #\nnext"),
        ("Authorization: Basic YTpi\nHost: x", "Authorization: #\nHost: x"),
        ('Authorization: Digest a="b", c="d"\nHost: x', "Authorization: #\nHost: x"),
        ("{'Authorization': 'Bearer abc', 'x': 1}", "{'Authorization': '#', 'x': 1}"),
        ('-H "Authorization: Bearer abc" https://x', '-H "Authorization: #" https://x'),
        ("Set-Cookie: sid=abc; Path=/\r\nx", "Set-Cookie: #\r\nx"),
        ("cookie: ", "cookie: "),
        ("token: Bearer abc", "token: #"),
        ("sent Bearer abc123.x", "sent Bearer #"),
        ("sent basic dXNlcjpwYXNz", "sent basic #"),
        ("basic authentication, Bearer token", "basic authentication, Bearer token"),
        ("postgres://bob:p%40ss@db/x", "postgres://bob:#@db/x"),
        ("postgres://bob:p/ss@db/x", "postgres://bob:#@db/x"),
        ("redis://:abc@db amqp://a:b@c", "redis://:#@db amqp://a:#@c"),
        ("http://db:8080/x?mail=a@b.c", "http://db:8080/x?mail=a@b.c"),
        (f"got {JWT}, bad", "got #, bad"),
        (f"key {PEM} end", "key # end"),
        (f"key {PEM[:50]}", "key #"),
        (repr(PEM), "'#'"),
        ("xoxb-123456789-abc", "#"),
        ("https://hooks.slack.com/services/T0/B0/xyz x", "https://hooks.slack.com/services/# x"),
        (f"ghp_{'a' * 36} github_pat_{'b' * 40}", "# #"),
        ("glpat-abcdefghij0123456789", "#"),
        ("glibc-2.31-13+deb11u5", "glibc-2.31-13+deb11u5"),
        ("id AKIAIOSFODNN7EXAMPLE", "id #"),
        (f"AIza{'b' * 35}", "#"),
        ("nothing: here = 5", "nothing: here = 5"),
    ],
)  # fmt: skip
def test_a_secret_in_a_text_is_redacted(text: str, shown: str) -> None:
    """The rest of the text stays; a second pass changes nothing more."""
    once = REDACTOR.text(text)
    assert once == shown.replace("#", REDACTED)
    assert REDACTOR.text(once) == once


SECRETS = st.from_regex(r"\A[a-zA-Z0-9_]{8,40}[A-Z0-9]\Z")

TEMPLATES = [
    "password=%s",
    "x secret: '%s' y",
    '{"apiKey": "%s"}',
    "/?access_token=%s&x=1",
    "Authorization: Bearer %s",
    "Bearer %s",
    "Basic %s",
    "https://user:%s@host:80/x",
    "cookie: a=b; c=%s",
    "ghp_aaaaaaaaaaaaaaaa%s",
    "glpat-aaaaaaaaaaaaaaaa%s",
    "xoxp-%s",
    "eyJhbGciOi.%s.x",
    "-----BEGIN PRIVATE KEY-----\n%s",
]


@given(
    st.text(max_size=50), st.sampled_from(TEMPLATES), SECRETS, st.sampled_from([" ", "\n", "; "])
)
def test_no_known_form_gets_through(before: str, form: str, secret: str, gap: str) -> None:
    """Whatever stands before it."""
    assert secret not in REDACTOR.text(f"{before}{gap}{form % secret}")


@given(st.integers(0, 1200), st.sampled_from(TEMPLATES), SECRETS, st.integers(100, 300))
def test_a_cut_leaves_no_half_of_a_secret(offset: int, form: str, secret: str, limit: int) -> None:
    """Wherever the secret stands, before the cut or across it."""
    text = f"{'x ' * (offset // 2)}{form % secret}{' y' * 2000}"
    shown = REDACTOR.text(text, limit)
    assert shown.endswith(f"... [cut, {len(text)} characters]")
    assert len(shown) < limit + MARGIN
    assert secret[:6] not in shown


def test_a_text_that_is_too_long_to_scan_is_cut() -> None:
    """What has not been looked at is not shown."""
    shown = REDACTOR.text("x" * 200_000, 10**9)
    assert len(shown) < MAX_SCANNED + 100


@pytest.mark.parametrize(
    "part",
    [
        "a", "a-", "a.", "a ", "a=", "a:", "://", "://a:", "://a:a", "a@", "password",
        "password=", "'", '"', '\\"', 'password="\\', "password=\\'",
        "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "eyJ", "eyJaaaaa.", "bearer ", "Basic a",
        "xoxb-", "AKIA", "AIza", "gh", "token token ", "token=[", "token=[]", "[(", "token=<",
        "token=['", "', ", "('token', ", "authorization: ", "=", ":", "[", " \t", "cookie=\n",
        "é", "aB", "-", "_", "\\",
        "--", "--a", "--password ", "--token ', '", "'--token', ", '"name": "token", "value": ',
        "name=", "name: token value", "<token>", "<a ", "</", "<token>a</", 'secret=\\"\\\\"',
        "secret=\\'\\", "token=[\n ", "token=[\n'", "token=[]\n ", 'token={a\n"', "\n  ^", "\n",
        'secret=["', "secret=[' \n", "a://u:p ", "a://u:p/", "a://a@", "https://", "https://a1A",
        "http://a.", "://a:b://", ':a" ', "pwd={a}b", "pwd={a;", "password=\\ ", "password=)",
        "password '", "identified by ", "identified with a by '", "PASSWORD((", "basic a.",
        "bearer a-a", "sk_live_a", "sk-proj-", "npm_a", "pypi-Ag", "hf_", "SG.a", "SG.-", "hvs.",
        "dop_v1_", "%5D", "token%5D", "cookie=a;", "cookie=; ", "token: \n", "token:\n'",
        '  File "x", line 1\n    token = ', '  File "x", line 1\n    ', "token = 'a", "none",
        "]password=none.", "password=none,", "password=not", "--pw is ", "<pin>none",
        "-----END ", "-----BEGIN PRIVATE KEY-----\n-----END ", "', '", "('--token', '",
    ],
)  # fmt: skip
def test_no_text_takes_long(part: str) -> None:
    """100 kB of what each expression may begin with; quadratic ones would take minutes."""
    text = (part * 100_000)[:100_000]
    REDACTOR.text(text)
    REDACTOR.text(f"{text[:60_000]}!")
    REDACTOR.ends(text, 1000, 1000)
    REDACTOR.text(f'secret=\\"{text[:60_000]}')
    REDACTOR.text(f"secret=[{text[:60_000]}")
    REDACTOR.key(text)


def test_own_keys_and_patterns_come_on_top() -> None:
    """Keys in any spelling and as part of longer ones, and in texts; all that a pattern matches."""
    own = Redactor(
        keys=["cardNumber", "PIN", "token_count"], patterns=[r"cus_\w+", r"(?i)iban \S+"]
    )
    assert own.text("pin=12 card_number: 34 Iban DE1 cus_x1") == (
        f"pin={REDACTED} card_number: {REDACTED} {REDACTED} {REDACTED}"
    )
    for key in ("CARD-NUMBER", "cardnumber", "user_pin", "token_count", "password"):
        assert own.is_secret_key(key)
    for key in ("spinning", "card", "number", "pins"):
        assert not own.is_secret_key(key)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"patterns": ["ok", "(oops"]}, r"a pattern to redact .* got '\(oops': missing \)"),
        ({"patterns": [b"x"]}, "got b'x'"),
        ({"patterns": [5]}, "got 5"),
        ({"patterns": ["a*"]}, r"'a\*' matches the empty text"),
        ({"patterns": [r"\b"]}, "matches the empty text"),
        ({"patterns": ["(?=password)"]}, "matches the empty text"),
        ({"patterns": ["(?m)^"]}, "matches the empty text"),
        ({"patterns": ["(?<=q5)x*"]}, "matches the empty text"),
        ({"patterns": "abc"}, "patterns to redact are a list, got the text 'abc'"),
        ({"keys": "abc"}, "keys to redact are a list"),
        ({"keys": ["--"]}, "a key to redact is a name such as card_number, got '--'"),
        ({"keys": [None]}, "got None"),
    ],
)
def test_a_bad_key_or_pattern_is_refused(given: dict[str, Any], says: str) -> None:
    """When the redactor is made, by name."""
    with pytest.raises(ValueError, match=says):
        Redactor(**given)


def test_a_copy_of_anything_can_be_had_without_secrets() -> None:
    """As plain data, with the default redactor or another one."""
    value = {"dsn": "x", "urls": ("http://a:b@c",), "cus": "cus_1", "limit": None}
    assert redacted(value) == {
        "dsn": REDACTED,
        "urls": [f"http://a:{REDACTED}@c"],
        "cus": "cus_1",
        "limit": None,
    }
    assert redacted(value, Redactor(patterns=["cus_[0-9]"]))["cus"] == REDACTED


def test_the_mark_is_what_others_look_for() -> None:
    """Dashboards and tests may search it."""
    assert re.fullmatch(r"\[redacted\]", REDACTED)
