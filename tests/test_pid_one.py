"""The daemon as the first process of a container, where the kernel spares what has no handler."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import psutil
import pytest

from tests.child import PATIENCE_SECONDS
from tests.daemon import start_daemon

OWN_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

DAEMON = f"""
import os, sys
command = [*{OWN_NAMESPACE!r}, sys.executable, "-m", "exporter", "run", *sys.argv[1:]]
os.execvp(command[0], command)
"""


@pytest.fixture
def _allowed() -> None:
    """Skip where a PID namespace cannot be made, but not as root in CI."""
    refused = "util-linux is missing"
    if shutil.which(OWN_NAMESPACE[0]) is not None:
        tried = subprocess.run(
            [*OWN_NAMESPACE, "true"],
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if tried.returncode == 0:
            return
        refused = tried.stderr.strip()
    required = os.environ.get("CI") == "true" and os.geteuid() == 0
    give_up = pytest.fail if required else pytest.skip
    give_up(f"making a PID namespace takes root, and util-linux: {refused}")


@pytest.mark.usefixtures("_allowed")
def test_the_daemon_is_scraped_and_stopped_as_process_1() -> None:
    """SIGTERM reaches its handler: it closes its parts, says so, and ends with code 0."""
    with start_daemon(program=("-c", DAEMON)) as daemon:
        assert daemon.wait_for_log("ready")["context"]["process_id"] == 1
        page = daemon.get("/metrics")
        assert page.status == 200
        assert "\nnode_cpu_seconds_total{" in page.text
        [first] = psutil.Process(daemon.pid).children()
        first.send_signal(signal.SIGTERM)
        assert daemon.wait() == 0
        stopped = daemon.wait_for_log("stopped")["data"]
        assert stopped["reason"] == "SIGTERM"
        assert {cleanup["status"] for cleanup in stopped["cleanups"]} == {"ok"}
