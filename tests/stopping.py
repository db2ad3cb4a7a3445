"""Small services as processes of their own, for tests of how they stop."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from tests.child import Child

PRELUDE = """
import asyncio, ctypes, logging, os, signal, sys, threading, time
from monitoring.graceful_shutdown import GracefulShutdown
from monitoring.structured_logging import configure

configure()

def say(word):
    print(word, file=sys.stderr, flush=True)

"""


class Service(Child):
    """A Python program that says words, and logs, to its standard error."""

    def __init__(self, program: str, *arguments: str, under: Sequence[str] = ()) -> None:
        program = PRELUDE + textwrap.dedent(program)
        super().__init__([*under, sys.executable, "-c", program, *arguments])

    def wait_for(self, word: str) -> None:
        """Wait until it has said the word."""
        self.wait_for_lines(lambda lines: word in lines or None, repr(word))

    def stop(self, number: signal.Signals = signal.SIGTERM, *, after: str = "ready") -> int:
        """Send a signal when it has said a word; give the exit code."""
        self.wait_for(after)
        self.signal(number)
        return self.wait()

    @property
    def said(self) -> list[str]:
        """The words, in order."""
        return [line for line in self.log_lines() if not line.startswith("{")]

    def records(self, message: str) -> list[dict[str, Any]]:
        """The data of what it has logged with this message."""
        records = [json.loads(line) for line in self.log_lines() if line.startswith("{")]
        return [record["data"] for record in records if record["message"] == message]

    @property
    def outcomes(self) -> dict[str, str]:
        """What became of its cleanups, by name: there is one record at the end."""
        [stopped] = self.records("stopped")
        return {cleanup["name"]: cleanup["status"] for cleanup in stopped["cleanups"]}
