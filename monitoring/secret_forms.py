"""Secrets known by their form, under whatever key they stand.

Every expression takes time linear in its text: quantifiers that meet are possessive or bounded. Of
a group it is `(?>(?:...)*)`: possessive quantifiers of groups match wrongly before Python 3.11.5.
"""

from __future__ import annotations

import re
from typing import NamedTuple

REDACTED = "[redacted]"

_USER = r"([^\s/:?#\[\]\"'<>]*+):"
"""May be an address with an `@`, as mail servers have it."""

_TO_LAST_AT = r"(?:[^\s/?#\"':]|:(?!//))+@"

_TO_FIRST_AT = r"(?>(?:[^\s@\"':]|:(?!//))+)@"
"""An unquoted `/` may be part of a password."""

_TO_AT_BEHIND_SPACES = (
    r"(?!\s|\d{1,5}(?:\W|\Z))"  # a port, and then some text
    r"(?>(?:[^\s@\"':]|:(?!//)|[\"'](?![\s,:;}\])>]|\Z)|[ \t](?=[^\s@]))+)@"
)
"""Databases accept spaces and quotes too; the quotes that end a text are none of these."""

_WEB = ("http", "https", "ws", "wss", "ssh", "tcp", "file", "docker")
"""Schemes of addresses in which `host:80/path?mail=a@b` is met."""

_NO_WEB = "".join(f"(?<!{scheme}://)" for scheme in _WEB)


class _Form(NamedTuple):
    """A secret known by its form; only looked for in texts with one of the marks."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


def _form(marks: str, pattern: str, replacement: str = REDACTED, flags: int = 0) -> _Form:
    return _Form(tuple(marks.split(" ")), re.compile(pattern, flags), replacement)


_IN_URLS = (
    _form(
        "://",
        rf"(?<=://)(?!git@)(?:{_USER}(?:{_TO_LAST_AT}|(?!\d{{1,5}}[/?#]|/){_TO_FIRST_AT})"
        rf"|{_NO_WEB}{_USER}(?:{_TO_FIRST_AT}|{_TO_AT_BEHIND_SPACES}))",
        rf"\1\2:{REDACTED}@",
    ),
    # A user without a password, and of a name that nobody bears.
    _form(
        "http",
        r"(?:(?<=http://)|(?<=https://))(?:[\w-]{20,}+|(?=[a-zA-Z_.-]*+\d)"
        r"(?=[\da-z_.-]*+[A-Z])(?=[\dA-Z_.-]*+[a-z])[\w.-]{8,}+)@",
        f"{REDACTED}@",
    ),
)

_WITH_SPACES = (
    # Words in small letters are prose: `basic authentication`, `basic self-test`.
    _form(
        "earer EARER asic ASIC",
        r"\b((?i:bearer|basic)[ \t]{1,8}[\"']?)(?!HTTP/)"
        r"(?![A-Za-z][a-z]{0,18}+(?>(?:[._/-][A-Za-z]?[a-z]{1,18}+)*)\.?(?:[^\w.~+/=-]|\Z))"
        r"[\w.~+/=-]{7,}+",
        rf"\1{REDACTED}",
    ),
)

_WITH_QUOTES = (
    # SQL: `ALTER USER x PASSWORD 'y'`, `CREATE USER x IDENTIFIED BY 'y'`, `PASSWORD('y')`.
    _form(
        "assword ASSWORD dentified DENTIFIED",
        r"(?i)\b((?:password(?=[\s(])|identified\s{1,8}(?:with\s{1,8}\S{1,64}\s{1,8})?(?:by|as)"
        r"(?:\s{1,8}(?:password|values?))?)[\s(]{1,8}\\{0,3}')(?>(?:[^'\\]|''|\\(?!'))+)",
        rf"\1{REDACTED}",
    ),
)

_WITH_DOTS = (
    _form("eyJ", r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]*+(?>(?:\.[\w-]*+)*)"),
    _form(
        "hooks.slack",
        r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/)[\w/-]++",
        rf"\1{REDACTED}",
    ),
    _form("SG.", r"\bSG\.[\w-]{16,}+\.[\w-]{16,}+"),
    _form("hvs. hvb. hvr.", r"\bhv[bsr]\.[\w-]{20,}+"),
)

_WITH_HYPHENS = (
    _form(
        "-----BEGIN",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?>(?:(?!-----END).)*)(?:-----END [A-Z0-9 ]{0,40}(?:-----)?)?",
        flags=re.DOTALL,
    ),
    _form("xox xapp-", r"\b(?:xox[a-z]|xapp)-[\w-]{8,}+"),
    _form("gl", r"\bgl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[\w-]{16,}+"),
    _form("sk-", r"\bsk-(?:proj|ant|admin|svcacct|or)-[\w-]{16,}+"),
    _form("pypi-Ag", r"\bpypi-Ag[\w-]{16,}+"),
)

_WITH_UNDERSCORES = (
    _form("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{16,}+"),
    _form("github_pat_", r"github_pat_\w{16,}+"),
    _form("k_live_ k_test_", r"\b[prs]k_(?:live|test)_\w{10,}+"),
    _form("npm_", r"\bnpm_[A-Za-z0-9]{30,}+"),
    _form("hf_", r"\bhf_[A-Za-z0-9]{24,}+"),
    _form("_v1_", r"\bdo[opr]_v1_[a-f0-9]{32,}+"),
)

_WITH_AN_A = (
    _form(
        "AKIA ASIA AROA AIDA ABIA ACCA AGPA ANPA ANVA APKA",
        r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|AGPA|ANPA|ANVA|APKA)[A-Z0-9]{16,}+",
    ),
    _form("AIza", r"AIza[\w-]{30,}+"),
)

_FORMS = (
    ("-", _WITH_HYPHENS),  # first: what stands in a private key is no form of its own
    ("/", _IN_URLS),
    (" ", _WITH_SPACES),
    ("\t", _WITH_SPACES),
    ("'", _WITH_QUOTES),
    (".", _WITH_DOTS),
    ("_", _WITH_UNDERSCORES),
    ("A", _WITH_AN_A),
)
"""By a character that all of them have, which most texts do not."""

SHORTEST = 10
"""No secret known by its form is shorter."""


def without_forms(text: str) -> str:
    """Give a text without what is a secret by its form."""
    for character, forms in _FORMS:
        if character in text:
            text = _without(forms, text)
    return text


def _without(forms: tuple[_Form, ...], text: str) -> str:
    for marks, pattern, replacement in forms:
        for mark in marks:
            if mark in text:
                text = pattern.sub(replacement, text)
                break
    return text
