"""Replaces what gives a site away, the same always by the same, and tells what it replaced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from tools.private_data import HOST_NAME, MAY_NAME_HOST, NOBODYS, RULES, SHAPES, WHOLE, Rule


class Scrubber:
    """Remembers what stands for what, for a whole host."""

    def __init__(self, host: str, hidden: Sequence[str] = ()) -> None:
        self._host = host
        # The device mapper doubles the hyphens of a volume group that is named after the host.
        names = {host, host.partition(".")[0]} - NOBODYS
        names |= {name.replace("-", "--") for name in names}
        self._host_words = re.compile(rf"(?<![^\W_])(?:{_any_of(names)})(?![^\W_])")
        hide = Rule("hidden word", _any_of(hidden), lambda number, _: f"hidden{number}")
        self._rules = (hide, *RULES)
        self._replacers: dict[tuple[Rule, ...], Callable[[str], str]] = {}
        self._names: dict[str, str] = {}
        self._found: dict[str, dict[str, tuple[int, str]]] = {}
        """By kind, the finds in their order, each with its number and its first substitute."""

    def scrub(self, text: str, path: str) -> str:
        """Give the text of a file, known by its path in the captured tree, as it may be shown."""
        file = PurePosixPath(path)
        for rule in WHOLE:
            if _applies(rule, file):
                name = text.strip()
                return text.replace(name, self._substitute(_by_shape(name) or rule, name))
        if any(file.match(one) for one in MAY_NAME_HOST):
            text = self._host_words.sub(lambda _: self._substitute(HOST_NAME, self._host), text)
        rules = tuple(rule for rule in self._rules if _applies(rule, file))
        if rules not in self._replacers:
            self._replacers[rules] = self._make_replacer(rules)
        return self._replacers[rules](text)

    def scrub_path(self, path: str) -> str:
        """Give a path as it may be shown: each part by itself, whatever it is a part of."""
        return "/".join(map(self._scrub_name, path.split("/")))

    def report(self) -> list[str]:
        """Say how many different finds of each kind were replaced, and by what."""
        return [
            f"{count(len(found), kind)} by {', '.join(_some(found.values()))}"
            for kind, found in self._found.items()
        ]

    def _scrub_name(self, name: str) -> str:
        if name not in self._names:
            self._names[name] = self.scrub(name, "")
        return self._names[name]

    def _make_replacer(self, rules: Sequence[Rule]) -> Callable[[str], str]:
        """Make what replaces in one go: a substitute is not looked at again."""
        groups: dict[int, Rule] = {}
        number = 1
        for rule in rules:
            groups[number] = rule
            number += 1 + rule.has_kept
        pattern = "|".join(f"({rule.pattern})" for rule in rules)

        def replace(match: re.Match[str]) -> str:
            number = match.lastindex or 1
            kept = match[number + 1] if groups[number].has_kept else ""
            text = match[0][len(kept) :]
            rule = (kept and _by_shape(text)) or groups[number]
            return kept + self._substitute(rule, text)

        expression = re.compile(pattern, re.IGNORECASE)
        return lambda text: expression.sub(replace, text)

    def _substitute(self, rule: Rule, original: str) -> str:
        identity = rule.identify(original)
        if identity is None:
            return original
        found = self._found.setdefault(rule.kind, {})
        if identity not in found:
            number = len(found) + 1
            found[identity] = (number, rule.write(number, original))
        return rule.write(found[identity][0], original)


def count(number: int, what: str) -> str:
    """Write a number with what is counted: `2 addresses`."""
    plural = "es" if what.endswith("s") else "s"
    return f"{number} {what}{plural if number > 1 else ''}"


def _any_of(words: Iterable[str]) -> str:
    """Make an expression for words, the longest first; without any, one that never matches."""
    escaped = map(re.escape, sorted(filter(None, words), key=len, reverse=True))
    return "|".join(escaped) or "(?!)"


def _applies(rule: Rule, file: PurePosixPath) -> bool:
    return not rule.where or any(file.match(one) for one in rule.where)


def _by_shape(text: str) -> Rule | None:
    """Find the rule for a text by its shape: it may stand elsewhere, too."""
    return next((one for one in SHAPES if re.fullmatch(one.pattern, text, re.IGNORECASE)), None)


def _some(found: Iterable[tuple[int, str]], limit: int = 3) -> list[str]:
    # Behind the name of a process stands what tells it from a thread of the kernel.
    substitutes = [substitute.partition(")")[0] for _, substitute in found]
    return substitutes[:limit] + ["..."] * (len(substitutes) > limit)
