"""The only place that starts programs: perf, and the workers that hold connections to IRIS."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence


def start(  # noqa: PLR0913 -- they are what a program is given
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session and process group of its own, without a shell.

    It inherits the descriptors that it is given, and no others. Raises OSError where it cannot be
    started.
    """
    return subprocess.Popen(
        words,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=inherited,
        start_new_session=True,
    )
