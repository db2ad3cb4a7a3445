"""Secrets kept out of what is logged and shown: by the key they stand under, and by their form.

No text longer than `MAX_SCANNED` is looked at, and the time for one grows with its length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from monitoring.secret_forms import REDACTED, SHORTEST, without_forms
from monitoring.secret_keys import is_secret, own_key, words_of
from monitoring.secret_values import without_values

__all__ = ["MARGIN", "MAX_SCANNED", "REDACTED", "Redactor", "redacted"]

MAX_SCANNED = 65_536

MARGIN = 1024
"""How far behind a cut is looked for the end of a secret."""

_MAX_KEY = 256

_ANY_TEXT = " aZ_09-.,:;=+*/\\@#%&!?|~^$'\"`()[]{}<>\t\n\u00e9 password token\n\n"
"""Has the places where patterns may match an empty text: begin and end, of words and of lines."""


class Redactor:
    """Knows secrets by key and by form; the own keys and patterns extend the built-in ones."""

    def __init__(self, keys: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        """Raises ValueError on a key without letters, and on a pattern that is no good one.

        A key is met in any spelling (`cardNumber`, `card-number`, `CARD_NUMBER`), also as part of
        a longer one. All that a pattern matches is a secret.
        """
        self._keys = tuple(own_key(key) for key in _several(keys, "keys"))
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

    def ends(self, text: str, first: int, last: int) -> str:
        """Give a text without the secrets in it, shortened to about its first and last characters.

        One that is too long to be looked at as a whole goes on, behind the cut, at the beginning
        of a line; a last line that is itself too long is the beginning of that line.
        """
        if len(text) <= MAX_SCANNED:
            whole = self._scan(text)
            if len(whole) <= first + last:
                return whole
            return f"{whole[:first]}\n... [cut], {len(whole)} characters\n{whole[-last:]}"
        start = text.find("\n", len(text) - MAX_SCANNED + MARGIN) + 1
        if start:
            end = self._scan(_outside_of_keys(text[start:]))[-last:]
        else:
            end = self.text(text[text.rfind("\n") + 1 :], last)
        return f"{self.text(text, first)}\n{end}"

    def _judge(self, key: str) -> tuple[str, bool]:
        words = words_of(key)
        joined = "".join(words)
        spelled = f"-{'-'.join(words)}-"
        own = any(f"-{one}-" in spelled or one.replace("-", "") == joined for one in self._keys)
        return self.text(key, _MAX_KEY), own or is_secret(words)

    def _scan(self, text: str) -> str:
        if len(text) >= SHORTEST:
            text = without_forms(text)
        text = without_values(text, self.is_secret_key)
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        return text


def redacted(value: Any, redactor: Redactor | None = None) -> Any:
    """Give a plain copy of any value without secrets, for JSON that somebody will read."""
    from monitoring.plain_values import PAGE, plain

    return plain(value, redactor or Redactor(), PAGE)


def _outside_of_keys(text: str) -> str:
    """Give a text from behind the private key in whose midst it begins, if it does."""
    begins, ends = text.find("-----BEGIN "), text.find("-----END ")
    return text[ends:] if ends >= 0 and not 0 <= begins < ends else text


def _several(given: Iterable[str], what: str) -> Iterable[str]:
    if isinstance(given, str):
        raise ValueError(f"{what} to redact are a list, got the text {given!r}: put it into one")  # noqa: TRY004 -- as for all wrong settings
    return given


def _own_pattern(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
        found = (compiled.finditer(text) for text in ("", _ANY_TEXT, pattern))
        empty = any(not one[0] for matches in found for one in matches)
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
