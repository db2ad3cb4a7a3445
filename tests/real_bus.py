"""A real dbus-daemon on a socket of its own, with recorded services behind it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recorded_services import BusService, Recording

CONFIGURATION = """<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def find_dbus_daemon() -> str:
    """Give its path; without one the test is skipped, and fails under CI=true."""
    program = shutil.which("dbus-daemon")
    if program is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("dbus-daemon is not here: on Debian, apt-get install dbus-daemon")
    return program


@contextlib.contextmanager
def start_bus(folder: Path, recording: Recording) -> Iterator[Path]:
    """Run a bus with these services; give its socket."""
    path = folder / "bus"
    configuration = folder / "bus.conf"
    configuration.write_text(CONFIGURATION.format(path=path))
    process = subprocess.Popen(
        [
            find_dbus_daemon(),
            f"--config-file={configuration}",
            "--nofork",
            "--nopidfile",
            "--print-address",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    service = None
    try:
        assert process.stdout.readline().startswith("unix:path="), "the bus did not start"
        service = BusService(f"unix:path={path}", recording)
        yield path
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
        if service is not None:
            service.join()
