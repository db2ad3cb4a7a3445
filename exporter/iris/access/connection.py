"""How an instance is reached: plain data, as the settings give it."""

from __future__ import annotations

from dataclasses import dataclass


class Secret:
    """A password or token that shows itself to nobody who does not ask for it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text, for the login alone."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(***)"


NO_SECRET = Secret("")

MIN_REPLACED_LENGTH = 6
"""A shorter secret may be a part of any word."""


def without_secrets(text: str, *secrets: str) -> str:
    """Take secrets out of a foreign text: what breaks tells pieces of its memory."""
    for secret in secrets:
        if len(secret) >= MIN_REPLACED_LENGTH:
            text = text.replace(secret, "***")
    return text


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS towards the superserver, and HTTPS towards the endpoint."""

    ca_file: str = ""
    """PEM file of the authorities that are trusted; the system's when empty."""
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where an instance is, and who asks."""

    name: str
    """The label `iris_instance`."""
    host: str
    port: int = 1972
    namespace: str = "%SYS"
    username: str = ""
    password: Secret = NO_SECRET
    access_token: Secret = NO_SECRET
    """Instead of user and password."""
    tls: Tls | None = None
    timeout_seconds: float = 10.0
    """For the login, and for a call that names no other deadline."""
    metrics_url: str = ""
    """The instance's /api/monitor/metrics, for when the superserver refuses; empty: none."""
