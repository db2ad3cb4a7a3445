"""Every way in which a secret has been seen to stand in a text, and that it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitoring.redaction import REDACTED, Redactor, redacted

REDACTOR = Redactor()

S = "Zq7Wv9Xk"


@pytest.mark.parametrize(
    "key",
    [
        "IRIS_PASS", "ISC_PASS", "pass", "new_pass", "sys_pass", "passcode", "creds", "otp",
        "totp", "pin", "user_pin", "PIN2", "pw", "db_pw", "jwt", "bearer", "ssh_key", "storage_key",
        "sharedAccessKey", "shared_access_signature", "sig", "X-Amz-Signature", "passwort",
        "otp_code", "basic_auth", "admin_password_hash",
    ],
)  # fmt: skip
def test_a_secret_key_is_known(key: str) -> None:
    """As data, and in texts of three kinds."""
    assert REDACTOR.is_secret_key(key)
    for text in (f"{key}={S}", f"/?{key}={S}&x=1", json.dumps({key: S})):
        assert S not in REDACTOR.text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"x --password {S} -v", "x --password # -v"),
        (f"x --password '{S} b' -v", "x --password '#' -v"),
        (f"x --token {S}", "x --token #"),
        (f"['psql', '--password', '{S}', '-v']", "['psql', '--password', '#', '-v']"),
        (f'["x", "--token", "{S}"]', '["x", "--token", "#"]'),
        (json.dumps(json.dumps(["--token", S])), r'"[\"--token\", \"#\"]"'),
        (f"x --password -{S} -v", "x --password # -v"),
        ("--password --x, --token -v, --pw is on", "--password --x, --token -v, --pw is on"),
        (f"mongodb://u:a {S}@h/db", "mongodb://u:#@h/db"),
        (f'mongodb://u:a"{S}@h/db', "mongodb://u:#@h/db"),
        (f"iris://_SYSTEM:2024/{S}@h", "iris://_SYSTEM:#@h"),
        (f"iris://_SYSTEM:1?{S}@h", "iris://_SYSTEM:#@h"),
        (f"iris://_SYSTEM:/{S}@h", "iris://_SYSTEM:#@h"),
        (f"amqp://u:12345#{S}@h", "amqp://u:#@h"),
        (f"postgresql://admin@srv:{S}@host", "postgresql://admin@srv:#@host"),
        (f"smtp://bot@example.com:{S}@h:25", "smtp://bot@example.com:#@h:25"),
        (f"db://{'u' * 3000}:{'p' * 3000}@h", f"db://{'u' * 3000}:#@h"),
        (f"https://{S}@github.com/x", "https://#@github.com/x"),
        (f"https://{'a1' * 16}@sentry.io/1", "https://#@sentry.io/1"),
        ('["http://a:80", "b@c"]', '["http://a:80", "b@c"]'),
        ('{"u": "db://a:b", "mail": "b@c"}', '{"u": "db://a:b", "mail": "b@c"}'),
        (f'{{"name": "DB_PASSWORD", "value": "{S}"}}', '{"name": "DB_PASSWORD", "value": "#"}'),
        (json.dumps(f'{{"name": "token", "value": "{S}"}}'),
         r'"{\"name\": \"token\", \"value\": \"#\"}"'),
        (f'<add key="Password" value="{S}"/>', '<add key="Password" value="#"/>'),
        (f"- name: DB_PASSWORD\n  value: {S}", "- name: DB_PASSWORD\n  value: #"),
        ('{"name": "port", "value": "80"}', '{"name": "port", "value": "80"}'),
        (f"<password>{S}</password>", "<password>#</password>"),
        (f"<a:Token><![CDATA[{S}]]></a:Token>", "<a:Token><![CDATA[#</a:Token>"),
        ("<name>bob</name>", "<name>bob</name>"),
        (f'{{"password":\n    "{S}"\n}}', '{"password":\n    "#"\n}'),
        (json.dumps(json.dumps({"token": f'a"{S}', "x": 1})), r'"{\"token\": \"#\", \"x\": 1}"'),
        (json.dumps(json.dumps({"token": S + "\\", "x": 1})), r'"{\"token\": \"#\", \"x\": 1}"'),
        (json.dumps(json.dumps({"token": f"it's {S}"})), r'"{\"token\": \"#\"}"'),
        ('"{\\"token\\": \\"abc" def', '"{\\"token\\": \\"#" def'),
        ('{\\"token\\": \\"abc', '{\\"token\\": \\"#'),
        (f"/?user%5Bpassword%5D={S}&x=1", "/?user%5Bpassword%5D=#&x=1"),
        (f"UID=x;PWD={{a}}}}b;{S}}};X=1", "UID=x;PWD=#;X=1"),
        (f"user=u password=a\\ {S} dbname=d", "user=u password=# dbname=d"),
        (f"ALTER USER bob PASSWORD '{S}'", "ALTER USER bob PASSWORD '#'"),
        (f"create user x identified by '{S}''b' y", "create user x identified by '#' y"),
        (f"IDENTIFIED WITH sha2 BY '{S}'", "IDENTIFIED WITH sha2 BY '#'"),
        (f"SET PASSWORD FOR x = PASSWORD('{S}')", "SET PASSWORD FOR x = PASSWORD('#')"),
        (f"Bearer '{S}'", "Bearer '#'"),
        (f"Basic\t{S}", "Basic\t#"),
        (f"bearer={S} x", "bearer=# x"),
        (f"authorization=Bearer {S} status=403", "authorization=# status=403"),
        (f"authorization={S} status=403", "authorization=# status=403"),
        (f'authorization=Digest a="b", c={S}\nx', "authorization=#\nx"),
        (f"cookie=a=b; c={S} status=403", "cookie=# status=403"),
        (f"passphrase=horse {S}", "passphrase=#"),
        (f"rk_live_{'a' * 24} sk-proj-{'b' * 24}", "# #"),
        (f"npm_{'a' * 36} pypi-AgEI{'b' * 24} hf_{'c' * 34}", "# # #"),
        (f"SG.{'a' * 22}.{'b' * 43} hvs.{'c' * 24}", "# #"),
        (f"glpat-{'a' * 20} dop_v1_{'a' * 64}", "# #"),
    ],
)  # fmt: skip
def test_a_secret_in_a_text_goes(text: str, shown: str) -> None:
    """And the text around it stays; a second pass changes nothing more."""
    once = REDACTOR.text(text)
    assert once == shown.replace("#", REDACTED)
    assert REDACTOR.text(once) == once


@pytest.mark.parametrize(
    "value",
    [
        {"argv": ["x", "--password", S, "-v"]},
        {"argv": ("--token", S)},
        {"argv": ["x", "--password", f"-{S}", "y"]},
        {"argv": ["x", "-password", S, "y", "z"]},
        {"env": [{"name": "DB_PASSWORD", "value": S}]},
        {"headers": [{"Value": S, "Name": "Authorization"}]},
        {"tags": [{"Key": "token", "Value": [S]}]},
    ],
)
def test_a_secret_in_data_goes(value: dict[str, Any]) -> None:
    """By the option before it, or by the name beside it."""
    shown = str(redacted(value))
    assert S not in shown
    assert REDACTED in shown


def test_what_stands_near_a_secret_in_data_stays() -> None:
    """Other options and other names; an option without a value hides no other option."""
    for value in (
        ["x", "--password", "--user", "bob"],
        ["--password", "-v", 5],
        ["--user", "bob", "-v"],
        {"name": "port", "value": 80},
        {"name": 5, "value": "x"},
        {"value": "x"},
        {"name": "token", "value": None},
    ):
        assert redacted(value) == value
