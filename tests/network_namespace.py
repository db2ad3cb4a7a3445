"""Runs a program in a network namespace of its own, where it may make interfaces as it likes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.child import PATIENCE_SECONDS, REPOSITORY

OWN_NAMESPACE = ("unshare", "--net", "--mount", "sh", "-c", 'mount -t sysfs none /sys && exec "$@"')
"""sysfs shows the interfaces of the namespace in which it was mounted."""


def run_in_namespace(module: str, *words: str) -> str:
    """Run a module of the tests there; give what it prints.

    Skips the calling test where a namespace cannot be made, but not as root in CI.
    """
    if shutil.which(OWN_NAMESPACE[0]) is None:
        _give_up("util-linux is missing")
    command = (*OWN_NAMESPACE, "sh", sys.executable, "-m", module, *words)
    allowed = _run((*OWN_NAMESPACE, "sh", "true"))
    if allowed.returncode:
        _give_up(allowed.stderr.strip())
    result = _run(command)
    assert result.returncode == 0, result.stderr
    return result.stdout


def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_SECONDS,
        check=False,
    )


def _give_up(reason: str) -> None:
    required = os.environ.get("CI") == "true" and os.geteuid() == 0
    give_up = pytest.fail if required else pytest.skip
    give_up(f"making a network namespace takes root, and util-linux: {reason}")
