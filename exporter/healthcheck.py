"""`perfwatch healthcheck`: ask a running daemon whether it is ready (a container's HEALTHCHECK)."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from exporter.settings import SettingsError

TIMEOUT_SECONDS = 5


def healthcheck(url: str) -> int:
    """Return 0 when the URL answers 200, else 1 with the reason on stderr."""
    host, port, path = _split(url)
    try:
        connection = HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    except HTTPException as error:
        raise SettingsError(f"healthcheck: {url!r} is no URL: {error}") from error
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read(500).decode("utf-8", "replace").strip()
    except (OSError, HTTPException) as error:
        print(f"perfwatch: {url} does not answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    if response.status != 200:
        print(f"perfwatch: {url} answers {response.status}: {text}", file=sys.stderr)
        return 1
    return 0


def _split(url: str) -> tuple[str, int, str]:
    """Take a URL apart. Raises SettingsError when nothing can be asked there."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port or 80
    except ValueError as error:
        raise SettingsError(f"healthcheck: {url!r} is no URL: {error}") from error
    path = parts.path or "/readyz"
    if parts.scheme != "http" or not host or not path.isascii() or not path.isprintable():
        raise SettingsError(f"healthcheck: expected http://host:port/path, got {url!r}")
    return host, port, path.replace(" ", "%20")
