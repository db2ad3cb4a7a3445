"""Answers of the kernel to requests that read no file, as they are kept below tests/hosts.

A file `netlink/<collector>` or `ethtool` of a host has a line for each answer: what was asked, and
the answer, both in hexadecimal. What is not in the file was answered with nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.netlink import NLM_F_DUMP, Netlink


class RecordedNetlink(Netlink):
    """A socket that answers from a list of request and answer."""

    def __init__(self, answers: list[tuple[str, str]]) -> None:
        super().__init__(0)
        self._recorded = answers

    def stream(self, kind: int, payload: bytes, flags: int = NLM_F_DUMP) -> Iterator[bytes]:
        """Give the answers to a request; asking for one thing that is not there is an error."""
        request = f"{kind:x}:{payload.hex()}"
        found = [bytes.fromhex(answer) for asked, answer in self._recorded if asked == request]
        if not found and flags != NLM_F_DUMP:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        yield from found


class RecordedEthtool:
    """Interfaces whose drivers answer from a list of request and answer."""

    def __init__(self, answers: list[tuple[str, str]]) -> None:
        self._answers = dict(answers)

    def interfaces(self) -> list[tuple[int, str]]:
        """List them, as socket.if_nameindex does."""
        names = dict.fromkeys(request.partition(":")[0] for request in self._answers)
        return list(enumerate(names, 1))

    def ask(self, interface: str, request: bytes, size: int) -> bytes:
        """Give the answer to a request, or the error of a driver that does not know it."""
        answer = self._answers.get(f"{interface}:{request.hex()}")
        if not answer:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return bytes.fromhex(answer)[:size]


def recorded_netlink(file: Path) -> RecordedNetlink | None:
    """Answer from a file; none where nothing was recorded."""
    return RecordedNetlink(read_answers(file)) if file.exists() else None


def recorded_ethtool(file: Path) -> dict[str, Any]:
    """Give what stands in for the drivers; nothing where nothing was recorded."""
    if not file.exists():
        return {}
    recorded = RecordedEthtool(read_answers(file))
    return {"ask": recorded.ask, "interfaces": recorded.interfaces}


def read_answers(file: Path) -> list[tuple[str, str]]:
    """Read pairs of request and answer, both in hexadecimal."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return [(line[0], line[1] if len(line) > 1 else "") for line in lines]
