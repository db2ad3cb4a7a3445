"""`perfwatch healthcheck`: ask a running daemon whether it is ready (a container's HEALTHCHECK)."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from exporter.settings import SettingsError

TIMEOUT_SECONDS = 5


def healthcheck(url: str) -> int:
    """Return 0 when the URL answers 200, else 1 with the reason on stderr."""
    parts = urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError as error:
        raise SettingsError(f"healthcheck: {url!r}: {error}") from error
    if parts.scheme != "http" or not parts.hostname:
        raise SettingsError(f"healthcheck: expected http://host:port/path, got {url!r}")
    connection = HTTPConnection(parts.hostname, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/readyz")
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
