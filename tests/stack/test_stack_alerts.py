"""The alerts on the stack, in the real programs: silent while all is well, and only then."""

from __future__ import annotations

import contextlib
import functools
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.daemon import start_daemon
from tests.ports import free_port
from tests.prometheus import ABOUT_HOSTS, CONFIG, Prometheus, start_prometheus, wait_until
from tests.stack.alertmanager import start_alertmanager

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

RULES = (*ABOUT_HOSTS, CONFIG.with_name("alert_rules_stack.yml"))
BOTH = ("prometheus", "stable/prometheus")


@contextlib.contextmanager
def both_prometheus(folder: Path, target: str) -> Iterator[dict[Path, Prometheus]]:
    """The newest and the stable Prometheus with all these rules, each in its folder."""
    with contextlib.ExitStack() as parts:
        running = {}
        for program in BOTH:
            (folder / program).mkdir(parents=True)
            running[folder / program] = parts.enter_context(
                start_prometheus(
                    folder / program,
                    target,
                    rules=RULES,
                    program=program,
                    flags=("--storage.remote.flush-deadline=1s",),
                )
            )
        yield running


def evaluations(prometheus: Prometheus) -> float:
    """How often rules have been evaluated."""
    ((_, count),) = prometheus.query('count_over_time(ALERTS{alertname="Watchdog"}[5m])')
    return count


def test_a_stack_that_is_well_is_silent(tmp_path: Path) -> None:
    """Once all has started, nothing fires but the alert that always does, nor is about to."""
    small = ("--collector.disable-defaults", "--collector.loadavg")
    up = {"perfwatch": "up", "prometheus": "up", "alertmanager": "up"}
    with (
        start_daemon(*small) as daemon,
        start_alertmanager(tmp_path) as alertmanager,
        both_prometheus(tmp_path, daemon.url.removeprefix("http://")) as running,
    ):
        for folder, prometheus in running.items():
            alertmanager.join(prometheus, folder)
        for one in running.values():
            wait_until(functools.partial(is_quiet, one), "nothing but Watchdog fires", 40)
            assert one.health() == up
        # One that is only about to fire counts, so that no alert's `for` has to pass.
        enough = {one: evaluations(one) + 10 for one in running.values()}
        for one, count in enough.items():
            wait_until(functools.partial(has_evaluated, one, count), "ten evaluations", 40)
            assert one.query('last_over_time(ALERTS{alertname!="Watchdog"}[8s])') == []


def is_quiet(prometheus: Prometheus) -> bool:
    """Whether nothing fires but what always does."""
    return prometheus.alerts() == {"Watchdog": "firing"}


def has_evaluated(prometheus: Prometheus, count: float) -> bool:
    """Whether rules have been evaluated that often."""
    return evaluations(prometheus) >= count


def spoil(folder: Path, prometheus: Prometheus) -> None:
    """Let a stack be in much trouble at once, once it has known better."""
    wait_until(lambda: prometheus.query('up{job="prometheus"}'), "it has scraped itself", 30)
    nobody = f"127.0.0.1:{free_port()}"
    targets = folder / "targets"
    (targets / "alertmanager.yml").write_text(yaml.safe_dump([{"targets": [nobody]}]))
    (targets / "perfwatch-more.yml").write_text("- targets: [not closed\n")
    file = folder / "prometheus.yml"
    config = yaml.safe_load(file.read_text())
    config["remote_write"] = [{"url": f"http://{nobody}/api/v1/write"}]
    loki = {"job_name": "loki", "static_configs": [{"targets": [nobody]}]}
    config["scrape_configs"].append(loki)
    file.write_text(yaml.safe_dump(config))
    prometheus.reload()
    file.write_text("no: configuration\n")
    with pytest.raises(urllib.error.HTTPError):
        prometheus.reload()


def raises(prometheus: Prometheus, expected: set[str]) -> None:
    """Wait until each of some alerts was pending at least, and see that no other was.

    But for the time until the new targets are seen.
    """
    seen: set[str] = set()

    def missing() -> set[str]:
        seen.update(prometheus.alerts())
        return expected - seen

    wait_until(lambda: not missing(), f"all of these: {sorted(expected)}", 40)
    assert seen - {"PrometheusWithoutAlertmanager"} == expected


def test_a_stack_in_trouble_says_so(tmp_path: Path) -> None:
    """Each alert is raised by what the real program does: a daemon, a store and others are away."""
    expected = {
        "AlertmanagerDown",
        "PerfwatchDown",
        "PrometheusConfigReloadFailed",
        "PrometheusNotificationsDropped",
        "PrometheusNotificationsFailing",
        "PrometheusRemoteWriteBehind",
        "PrometheusTargetsUnreadable",
        "StackTargetDown",
        "Watchdog",
    }
    with both_prometheus(tmp_path, f"127.0.0.1:{free_port()}") as running:
        for folder, prometheus in running.items():
            spoil(folder, prometheus)
        for prometheus in running.values():
            raises(prometheus, expected)
