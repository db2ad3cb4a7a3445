"""Secrets known by the key before them in a text: where they stand.

Every expression takes time linear in its text: quantifiers that meet are possessive or bounded. Of
a group it is `(?>(?:...)*)`: possessive quantifiers of groups match wrongly before Python 3.11.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from monitoring.secret_forms import REDACTED
from monitoring.secret_keys import words_of

_KEY = re.compile(
    r"(?<![\w.-])([\w.-]++(?: [\w.-]++)?)"  # also of two words: `api key`
    r"(?:[\\\"'\])]{0,6}(?:%5[dD])?[ \t]{0,8}"
    r"(?:=>|:?={1,3}|:(?:\s{0,64}(?=[\"'\\[{]))?)[ \t]{0,8}|([\"']), )"
    r"(?:[bBrRuU]{1,2}(?=[\"']))?"
)

_TUPLE_BEGINS = re.compile(r"\([bBrRuU]{0,2}[\"']\Z")
"""Before a key that a comma follows: `('x-api-key', '...')`."""

_FLAG = re.compile(
    r"(?<![\w.-])--([A-Za-z][\w-]{1,64}+)"
    r"(?:[ \t]{1,8}(?!=|--|-\w?(?!\w))|"
    r"\\{0,15}[\"'],\s{0,8}[bBrRuU]{0,2}(?=\\{0,15}[\"'](?!--|-\w?[\\\"'])))"
)
"""`--password x`, and as a list: `'--password', 'x'`."""

_QUOTES = r"[\\\"']{0,16}"

_NAMED = re.compile(
    rf"(?i)\b(?:name|key){_QUOTES}\s{{0,16}}[:=]\s{{0,16}}{_QUOTES}([\w.-]{{1,256}}+){_QUOTES}"
    rf"[,\s]\s{{0,64}}{_QUOTES}value{_QUOTES}\s{{0,16}}[:=]\s{{0,16}}"
)
"""`{"name": "DB_PASSWORD", "value": "x"}`, also as attributes of XML and as YAML."""

_ELEMENT = re.compile(
    r"<([\w:.-]{1,64}+)(?:\s[^<>]{0,256})?>(?:<!\[CDATA\[)?(?P<value>[^<]++)(?=</)"
)

_KEYED = (
    ("--", _FLAG),
    ("alue", _NAMED),
    ("</", _ELEMENT),
)
"""Looked for in texts with the mark before them."""

_VALUE = re.compile(
    r'"(?P<double>(?>(?:[^"\\]|\\.)*))'
    r"|'(?P<single>(?>(?:[^'\\]|\\.)*))"
    r"|(?P<escaped>\\{1,15}[\"'])"
    r"|(?P<angle><[^>\r\n]*+>?)"
    r"|(?P<braced>(?<==)\{(?![\"'])(?>(?:[^{}\r\n]|\}(?![;\s]|\Z))*)\}(?=[;\s]|\Z))"  # of ODBC
    r"|(?P<nested>[\w.]{0,100}+[\[({])"
    r"|(?P<bare>(?:(?:bearer|basic|digest|token|apikey|negotiate)[ \t]{1,8})?"
    r"(?>(?:\[redacted\]|[^\s&;\"'<>,)\]}\\]++|\\ ?|[,)\]}]++(?![\s&;\"'<>]|\Z))+))",
    re.DOTALL | re.IGNORECASE,
)

_BARE_IN_JSON = re.compile(r"[^\s&;\"'<>,)\]}]++")
"""Behind a key in quotes, what has none ends with its member."""

_PROSE = re.compile(
    r"(?:none|null|nil|undefined|true|false|yes|no|not|n/a|unset|set|missing|required|optional"
    r"|empty|blank|absent|present|unchanged|changed|invalid|valid|expired|expires|denied|granted"
    r"|allowed|forbidden|skipped|rejected|refused|failed|failure|ok|error|unknown|unavailable"
    r"|disabled|enabled|expected|unexpected|must|should|may|can|cannot|could|is|was|are|has|have"
    r"|had|be|the|this|that|an|at|in|on|of|for|from|to|with|without|by|line|column|field|and|or"
    r"|but|if|too|does|did|will|would|never|always|only|already|please|use|see|found|option"
    r"|flag|argument|parameter)[.!?]?(?=[\s,;)\]}&\"'<>\\]|\Z)",
    re.IGNORECASE,
)
"""What stands behind a key without being its value; a list of words, none of them a password."""

_LONG_VALUE = re.compile(r"(?:authorization|cookies?|passphrase)$")
"""Keys of values of several words, which end with the line, or with the quote around both."""

_LINE = {
    '"': re.compile(r"[^\r\n\"]++"),
    "'": re.compile(r"[^\r\n']++"),
    "": re.compile(r"[^\r\n]++"),
}

_COOKIES = re.compile(r"[^\s;]++(?>(?:;[ \t]*+[^\s;]++)*)")

_NESTED = re.compile(
    r"(?P<open>[\[({])|(?P<close>[\])}])|\"(?>(?:[^\"\\]|\\.)*)|'(?>(?:[^'\\]|\\.)*)"
    r"|(?P<stop>\n(?![\s\"'\[({\])}])|\n[ \t|+]*+(?:File \"|\^))",
    re.DOTALL,
)
"""What counts when looking for the end of `{'x': [Y('}')]}`; a text that goes on is a stop."""

_TO_LINE_END = re.compile(r"[^\r\n]*+(?>(?:\r?\n[ \t]*+[\"'\[({\])}][^\r\n]*+)*)")
"""With the lines that go on with members, as in JSON over several lines."""

_ESCAPED = re.compile(r"(?<!\\)\\*+[\"']")

_FRAME = re.compile(r"([ |]{2,64})File \"[^\"\n]{1,500}\", line \d{1,9}[^\n]{0,500}\n\1  ")
"""Of a traceback; a line of code follows."""

_MAX_CODE = 400

_LITERAL = re.compile(  # of a line of code
    r"(?:(?<=[=:])|(?<=[=:] ))(\d[\w.]*+)"
    r"|\"((?>(?:[^\"\\\r\n]|\\.)*))\"?|'((?>(?:[^'\\\r\n]|\\.)*))'?"
)


def without_values(text: str, is_secret: Callable[[str], bool]) -> str:
    """Give a text with what stands behind secret keys replaced."""
    for mark, pattern in _KEYED:
        if mark in text:
            text = _Scan(text, is_secret).without(pattern)
    if "=" in text or ":" in text or "', " in text or '", ' in text:
        text = _Scan(text, is_secret).without(_KEY)
    return text


class _Scan:
    """One pass through one text, for one way in which keys stand before values."""

    __slots__ = ("_is_secret", "_text", "_unclosed_to")

    def __init__(self, text: str, is_secret: Callable[[str], bool]) -> None:
        self._text = text
        self._is_secret = is_secret
        self._unclosed_to = 0
        """Up to here no bracket closes an earlier one: that search is not done again."""

    def without(self, pattern: re.Pattern[str]) -> str:
        """Give the text with the values of secret keys replaced."""
        return "".join(self._pieces(pattern))

    def _pieces(self, pattern: re.Pattern[str]) -> Iterator[str]:
        text = self._text
        done = position = 0
        while found := pattern.search(text, position):
            position = found.end()
            if not self._is_secret(found[1]) or not self._is_key(found):
                continue
            for start, end in self._spans(found):
                yield text[done:start]
                if end > start:
                    yield REDACTED
                done = position = max(end, position)
        yield text[done:]

    def _is_key(self, found: re.Match[str]) -> bool:
        """Whether it is one, or only a word in a list of texts."""
        start = found.start()
        in_tuple = found.re is _KEY and found[2]
        return (
            not in_tuple or _TUPLE_BEGINS.search(self._text, max(start - 4, 0), start) is not None
        )

    def _spans(self, key: re.Match[str]) -> Iterator[tuple[int, int]]:
        """Where the values behind a key stand, without their quotes."""
        if key.re is _ELEMENT:
            yield key.span("value")
        elif _is_code(self._text, key.start()):
            end = _LINE[""].match(self._text, key.end())
            for literal in _LITERAL.finditer(
                self._text, key.end(), end.end() if end else key.end()
            ):
                yield literal.span(literal.lastindex or 0)
        else:
            yield self._span(key)

    def _span(self, key: re.Match[str]) -> tuple[int, int]:
        start = key.end()
        if _PROSE.match(self._text, start) or not (value := _VALUE.match(self._text, start)):
            return start, start
        if value.lastgroup == "bare":
            return _bare_span(self._text, key, value)
        if value.lastgroup == "nested":
            return value.start(), self._end_of_nested(value)
        if value.lastgroup == "escaped":
            return value.end(), _end_of_escaped(self._text, value)
        return value.span(value.lastgroup or 0)

    def _end_of_nested(self, value: re.Match[str]) -> int:
        """Find the bracket that closes the first; the end of the line if there is none."""
        text, position, depth = self._text, value.end(), 1
        limit = len(text) if position >= self._unclosed_to else _end_of_line(text, position)
        while depth and (found := _NESTED.search(text, position, limit)):
            if found.lastgroup == "stop":
                break
            position = found.end() if found.lastgroup else found.end() + 1  # the closing quote
            depth += {"open": 1, "close": -1}.get(found.lastgroup or "", 0)
        if not depth:
            return position
        self._unclosed_to = max(self._unclosed_to, found.start() if found else limit)
        line = _TO_LINE_END.match(text, value.end())
        return line.end() if line else value.end()


def _bare_span(text: str, key: re.Match[str], value: re.Match[str]) -> tuple[int, int]:
    """Where a value without quotes stands."""
    between = text[key.end(1) : key.end()]
    long = _LONG_VALUE.search("".join(words_of(key[1])))
    whole: re.Match[str] | None = value
    if long and "=" not in between:
        quote = text[key.start() - 1 : key.start()]
        whole = _LINE.get(quote, _LINE[""]).match(text, key.end())
    elif long and (long[0] == "passphrase" or value[0][:6].lower() == "digest"):
        whole = _LINE[""].match(text, key.end())
    elif long and long[0] != "authorization":
        whole = _COOKIES.match(text, key.end())
    elif between[:1] in {'"', "'", "\\"}:
        whole = _BARE_IN_JSON.match(text, key.end())
    return (whole or value).span()


def _end_of_escaped(text: str, value: re.Match[str]) -> int:
    r"""Find the quote that closes `\"`: as deeply escaped, and itself not a part of the value."""
    depth, quote = len(value[0]) - 1, value[0][-1]
    for found in _ESCAPED.finditer(text, value.end()):
        backslashes = len(found[0]) - 1
        if found[0][-1] != quote:
            continue
        if backslashes < depth:
            return found.start()  # all the text in which this one stands ends
        if backslashes % (2 * depth + 2) == depth:
            return found.end() - 1 - depth
    return len(text)


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _is_code(text: str, position: int) -> bool:
    """Whether this stands in a line of code that a traceback shows, and not in a literal there."""
    start = text.rfind("\n", max(position - _MAX_CODE, 0), position) + 1
    if not start or text.count('"', start, position) % 2 or text.count("'", start, position) % 2:
        return False
    before = text.rfind("\n", max(start - 1200, 0), start - 1) + 1
    frame = _FRAME.match(text, before)
    return frame is not None and start < frame.end() <= position
