"""The alert about a busy host, on this one. It is run by hand.

    make stack-test ARGS="--real-load -k real_load"

All CPUs are burnt for half a minute, so it is no part of the other runs. On a machine that is busy
anyway the end of the load is no end: it waits five minutes for one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import start_daemon
from tests.prometheus import start_prometheus
from tests.stack.alertmanager import start_alertmanager
from tests.stack.people import reachable_people

CPU = "HostCpuAboveAutoDisableThreshold"


@contextlib.contextmanager
def burning_cpus() -> Iterator[None]:
    """Keep every CPU that this process may use busy."""
    burner = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burner) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for one in burners:
            one.kill()
            one.wait()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_real_load_is_told(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A mail and a message come while the CPUs burn, and others when it is over."""
    if not request.config.getoption("--real-load", default=False):
        pytest.skip("it burns all CPUs: only with --real-load")
    with contextlib.ExitStack() as parts:
        people = parts.enter_context(reachable_people(tmp_path))
        config = people.alertmanager_config()
        alertmanager = parts.enter_context(start_alertmanager(tmp_path, config))
        daemon = parts.enter_context(start_daemon())
        host = daemon.url.removeprefix("http://")
        prometheus = parts.enter_context(start_prometheus(tmp_path, host))
        alertmanager.join(prometheus, tmp_path)
        with burning_cpus():
            title = f"[WARNING] CPU of {host} is above 90 % ({CPU})"
            print(people.get_message(title)["text"])
            people.get_mail(title)
        over = f"[RESOLVED] CPU of {host} is above 90 % ({CPU})"
        print(people.get_message(over, timeout=300)["text"])
        people.get_mail(over)
