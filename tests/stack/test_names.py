"""The metrics of other programs that we name: the real ones have them."""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.exported_names import listed
from tests.ports import free_port
from tests.prometheus import Prometheus, start_prometheus, wait_until
from tests.stack.alertmanager import start_alertmanager

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


@contextlib.contextmanager
def sending_prometheus(folder: Path, program: str) -> Iterator[Prometheus]:
    """A Prometheus that sends samples (to itself) and alerts (to nobody).

    Some names are there only where something was sent.
    """
    folder.mkdir(parents=True)
    nobody = f"127.0.0.1:{free_port()}"
    # When it stops, nobody takes what is left to send.
    flags = ("--web.enable-remote-write-receiver", "--storage.remote.flush-deadline=1s")
    with start_prometheus(folder, nobody, program=program, flags=flags) as prometheus:
        (folder / "targets" / "alertmanager.yml").write_text(
            yaml.safe_dump([{"targets": [nobody]}])
        )
        file = folder / "prometheus.yml"
        store = {"remote_write": [{"url": f"{prometheus.url}/api/v1/write"}]}
        file.write_text(file.read_text() + yaml.safe_dump(store))
        prometheus.reload()
        yield prometheus


def names(prometheus: Prometheus, job: str) -> set[str]:
    """What Prometheus has found on the page of a program."""
    return set(prometheus.api("label/__name__/values", **{"match[]": f'{{job="{job}"}}'}))


def has_all(prometheus: Prometheus, late: set[str]) -> None:
    """Wait until the last names have come, and see that no listed one is missing."""
    wait_until(lambda: late <= names(prometheus, "prometheus"), f"{late} are there", 40)
    assert listed("prometheus") - names(prometheus, "prometheus") == set()


def test_prometheus_has_what_is_listed(tmp_path: Path) -> None:
    """Prometheus with the shipped configuration has each name: the newest and the stable one."""
    late = {
        "prometheus_notifications_errors_total",
        "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
        "prometheus_target_interval_length_seconds_count",
    }
    programs = ("prometheus", "stable/prometheus")
    with contextlib.ExitStack() as parts:
        both = [
            parts.enter_context(sending_prometheus(tmp_path / program, program))
            for program in programs
        ]
        for prometheus in both:
            has_all(prometheus, late)


@pytest.mark.parametrize("program", ["alertmanager", "stable/alertmanager"])
def test_alertmanager_has_what_is_listed(program: str, tmp_path: Path) -> None:
    """Alertmanager with the shipped configuration has each name."""
    with start_alertmanager(tmp_path, program=program) as alertmanager:
        with urllib.request.urlopen(f"{alertmanager.url}/metrics", timeout=5) as answer:
            page = answer.read().decode()
        assert listed("alertmanager") - set(re.findall(r"(?m)^\w+", page)) == set()
