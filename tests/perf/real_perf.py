"""The real perf of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NoReturn

import pytest


def give_up(reason: str, *, is_ours: bool = True) -> NoReturn:
    """Skip; or fail where all is to be tested, and it is ours to have it there."""
    (pytest.fail if os.environ.get("CI") == "true" and is_ours else pytest.skip)(reason)


def find_perf() -> str:
    """Find the perf of this machine; skips without one, or where this user may not count."""
    program = shutil.which("perf")
    if program is None:
        give_up("perf is not here: apt-get install linux-perf")
    words = [program, "stat", "-a", "-e", "cpu-clock", "--", program, "--version"]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        give_up("perf may not count here", is_ours=False)
    return program
