"""Secrets kept out of what is logged and shown: by the key they stand under, and by their form.

Every expression here takes time linear in its text: quantifiers that meet are possessive or
bounded, and no text longer than `MAX_SCANNED` is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

REDACTED = "[redacted]"

MAX_SCANNED = 65_536

MARGIN = 1024
"""How far behind a cut is looked for the end of a secret."""

_MAX_KEY = 256

_SHORTEST = 10
"""No secret known by its form is shorter."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")

_ANYWHERE = re.compile(
    r"passw(?:or)?d|passphrase|credential|authorization|connectionstring|connstr"
    r"|(?:api|access|account|private|secret|encryption|signing|master)key|basicauth"
    r"|(?:admin|db|ldap|mysql|pg|postgres|proxy|redis|root|smtp|user)pass$"
)
"""Says secret wherever it stands in a key whose words are joined."""

_WHOLE_WORD = re.compile(r"pwd|dsns?|\w*(?:secrets?|cookies?|token|pwd)")

_TOKENS = re.compile(r"(?:access|api|auth|bearer|id|refresh|session)tokens")
"""In the plural, tokens are mostly counted."""

_HARMLESS_END = re.compile(
    r"age|algorithm|at|bytes|counts?|enabled|endpoint|expires|expiry|files?|in|length|limit|ms"
    r"|names?|paths?|policy|required|seconds|size|total|ttl|types?|ur[il]"
)
"""The last word of keys that tell something of a secret and not the secret itself."""

_KEY = re.compile(
    r"(?<![\w.-])([\w.-]++(?: [\w.-]++)?)"  # also of two words: `api key`
    r"(?:[\\\"'\])]{0,6}[ \t]{0,8}(?:=>|:?={1,3}|:)[ \t]{0,8}|([\"']), )"
    r"(?:[bBrRuU]{1,2}(?=[\"']))?"
)

_TUPLE_BEGINS = re.compile(r"\([bBrRuU]{0,2}[\"']\Z")
"""Before a key that a comma follows: `('x-api-key', '...')`."""

_VALUE = re.compile(
    r'"(?P<double>(?:[^"\\]|\\.)*+)'
    r"|'(?P<single>(?:[^'\\]|\\.)*+)"
    r"|(?P<quote>\\{1,4}[\"'])(?P<escaped>(?:(?!(?P=quote)).)*+)"
    r"|(?P<angle><[^>]*+>?)"
    r"|(?P<nested>[\w.]{0,100}+[\[({])"
    r"|(?P<bare>(?:(?:bearer|basic|digest|token|apikey|negotiate)[ \t]{1,8})?[^\s&;\"'<>]++)",
    re.DOTALL | re.IGNORECASE,
)

_NESTED = re.compile(
    r"(?P<open>[\[({])|(?P<close>[\])}])|\"(?:[^\"\\]|\\.)*+|'(?:[^'\\]|\\.)*+", re.DOTALL
)
"""What counts when looking for the end of `{'x': [Y('}')]}`."""

_LONG_VALUE = re.compile(r"(?:authorization|cookies?|passphrase)$")
"""Keys of values of several words, which end with the line, or with the quote around both."""

_LONG_VALUE_ENDS = {
    '"': re.compile(r"[^\r\n\"]++"),
    "'": re.compile(r"[^\r\n']++"),
    "": re.compile(r"[^\r\n]++"),
}


class _Form(NamedTuple):
    """A secret known by its form; only looked for in texts with one of the marks."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


def _form(marks: str, pattern: str, replacement: str = REDACTED, flags: int = 0) -> _Form:
    return _Form(tuple(marks.split(" ")), re.compile(pattern, flags), replacement)


_FORMS = (
    _form(
        "-----BEGIN",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?!-----END).)*+(?:-----END [A-Z0-9 ]{0,40}(?:-----)?)?",
        flags=re.DOTALL,
    ),
    # An unquoted `/` may be part of a password, but `//host:80/path?mail=a@b` has none.
    _form(
        "://",
        r"(?<=://)([^\s/:@?#]{0,256}):"
        r"(?:[^\s/?#\"]{1,512}@|(?!\d{1,5}[/?#])[^\s@\"]{1,512}@)",
        rf"\1:{REDACTED}@",
    ),
    # A word in small letters is prose: `basic authentication`.
    _form(
        "earer EARER asic ASIC",
        r"\b((?i:bearer|basic)[ \t]{1,8})(?![A-Za-z][a-z]{0,18}(?:[^\w.~+/=-]|$))[\w.~+/=-]++",
        rf"\1{REDACTED}",
    ),
    _form("eyJ", r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]*+(?:\.[\w-]*+)*+"),
    _form("xox xapp-", r"\b(?:xox[a-z]|xapp)-[\w-]{8,}+"),
    _form(
        "hooks.slack",
        r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/)[\w/-]++",
        rf"\1{REDACTED}",
    ),
    _form("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{16,}+"),
    _form("github_pat_", r"github_pat_\w{16,}+"),
    _form("gl", r"\bgl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[\w-]{16,}+"),
    _form(
        "AKIA ASIA AROA AIDA ABIA ACCA AGPA ANPA ANVA APKA",
        r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|AGPA|ANPA|ANVA|APKA)[A-Z0-9]{16,}+",
    ),
    _form("AIza", r"AIza[\w-]{30,}+"),
)


class Redactor:
    """Knows secrets by key and by form; the own keys and patterns extend the built-in ones."""

    def __init__(self, keys: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        """Raises ValueError on a key without letters, and on a pattern that is no good one.

        A key is met in any spelling (`cardNumber`, `card-number`, `CARD_NUMBER`), also as part of
        a longer one. All that a pattern matches is a secret.
        """
        self._keys = tuple(_own_key(key) for key in _several(keys, "keys"))
        self._patterns = tuple(_own_pattern(one) for one in _several(patterns, "patterns"))
        self._judged = lru_cache(maxsize=2048)(self._judge)

    def key(self, key: str) -> tuple[str, bool]:
        """Give a key as it may be shown, and whether what stands under it is secret."""
        return self._judged(key) if len(key) <= _MAX_KEY else self._judge(key)

    def is_secret_key(self, key: str) -> bool:
        """Whether what stands under a key is secret.

        It is not under keys that count, date or locate a secret: `tokens_total`, `password_file`.
        """
        return self.key(key)[1]

    def text(self, text: str, limit: int = MAX_SCANNED) -> str:
        """Give a text without the secrets in it, cut to about `limit` characters."""
        limit = min(limit, MAX_SCANNED)
        if len(text) <= limit:
            return self._scan(text)
        # Nothing is kept of the margin, in which a secret may lack the end it is known by.
        window = self._scan(text[: limit + MARGIN])
        return f"{window[:-MARGIN]}... [cut, {len(text)} characters]"

    def _judge(self, key: str) -> tuple[str, bool]:
        words = _words(key)
        joined = "".join(words)
        spelled = f"-{'-'.join(words)}-"
        secret = any(f"-{own}-" in spelled or own.replace("-", "") == joined for own in self._keys)
        if not secret and words and not _HARMLESS_END.fullmatch(words[-1]):
            secret = (
                _ANYWHERE.search(joined) is not None
                or _TOKENS.search(joined) is not None
                or any(_WHOLE_WORD.fullmatch(word) for word in words)
            )
        return self.text(key, _MAX_KEY), secret

    def _scan(self, text: str) -> str:
        for form in _FORMS if len(text) >= _SHORTEST else ():
            for mark in form.marks:
                if mark in text:
                    text = form.pattern.sub(form.replacement, text)
                    break
        if "=" in text or ":" in text or "', " in text or '", ' in text:
            text = "".join(self._without_values(text))
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        return text

    def _without_values(self, text: str) -> Iterator[str]:
        """Give the text in pieces, with the values of secret keys replaced."""
        done = position = 0
        while found := _KEY.search(text, position):
            position = found.end()
            if not self.is_secret_key(found[1]) or not _is_key(text, found):
                continue
            start, end = _value_span(text, found)
            yield text[done:start]
            if end > start:
                yield REDACTED
            done = position = max(end, position)
        yield text[done:]


def redacted(value: Any, redactor: Redactor | None = None) -> Any:
    """Give a plain copy of any value without secrets, for JSON that somebody will read."""
    from monitoring.plain_values import PAGE, plain

    return plain(value, redactor or Redactor(), PAGE)


def _is_key(text: str, found: re.Match[str]) -> bool:
    """Whether it is one, or only a word in a list of texts."""
    start = found.start()
    return not found[2] or _TUPLE_BEGINS.search(text, max(start - 4, 0), start) is not None


def _value_span(text: str, key: re.Match[str]) -> tuple[int, int]:
    """Where the value behind a key stands, without its quotes."""
    value = _VALUE.match(text, key.end())
    if value is None:
        return key.end(), key.end()
    if value.lastgroup == "bare" and _LONG_VALUE.search("".join(_words(key[1]))):
        quote = text[key.start() - 1 : key.start()]
        line = _LONG_VALUE_ENDS.get(quote, _LONG_VALUE_ENDS[""]).match(text, key.end())
        return line.span() if line else value.span()
    if value.lastgroup == "nested":
        return value.start(), _end_of_nested(text, value.end())
    return value.span(value.lastgroup or 0)


def _end_of_nested(text: str, position: int) -> int:
    """Find the bracket that closes what has been opened; the end of the text if there is none."""
    depth = 1
    while depth and (found := _NESTED.search(text, position)):
        position = found.end()
        if found.lastgroup:
            depth += 1 if found.lastgroup == "open" else -1
        else:
            position += 1  # the closing quote
    return position if not depth else len(text)


def _words(key: str) -> list[str]:
    """Divide `apiKey`, `api-key` and `API_KEY` into the same words."""
    return [word.lower() for word in _WORD.findall(key)]


def _several(given: Iterable[str], what: str) -> Iterable[str]:
    if isinstance(given, str):
        raise ValueError(f"{what} to redact are a list, got the text {given!r}: put it into one")  # noqa: TRY004 -- as for all wrong settings
    return given


def _own_key(key: object) -> str:
    words = _words(key) if isinstance(key, str) else []
    if not words:
        raise ValueError(f"a key to redact is a name such as card_number, got {key!r}")
    return "-".join(words)


def _own_pattern(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
        empty = compiled.match("") is not None
    except (re.error, TypeError, OverflowError, RecursionError) as error:  # TypeError: no text
        raise ValueError(
            f"a pattern to redact is a regular expression, got {pattern!r}: {error}"
        ) from error
    if empty:
        raise ValueError(
            f"the pattern to redact {pattern!r} matches the empty text, hence everywhere: "
            "let it ask for at least one character"
        )
    return compiled
