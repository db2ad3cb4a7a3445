"""Passwords and tokens, each alone in a file or in a variable of the environment."""

from __future__ import annotations

import stat
from pathlib import Path

from exporter.iris.access.connection import Secret

MAX_BYTES = 64 * 1024


def read_secret(path: str) -> Secret:
    """Read a secret, without the end of its line. Raises ValueError where it cannot be one."""
    try:
        # A pipe would be empty at the next reload, and might never end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise ValueError(f"{path} is no file: name one with the secret alone")
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read: {error.strerror}; check the name, and that the user of the "
            "daemon may read it"
        ) from error
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    return parse_secret(text, path)


def parse_secret(text: str, place: str) -> Secret:
    """Take a secret without the end of its line. Raises ValueError where it cannot be one."""
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{place} is empty: write the secret into it")
    if len(text) > MAX_BYTES or not text.isprintable():
        # Without a word of what stands there: it may be another secret.
        raise ValueError(f"{place} holds no single line of text: write the secret alone into it")
    return Secret(text)


def is_readable_by_others(path: str) -> bool:
    """Whether every user of the host may read a file."""
    try:
        return bool(Path(path).stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
