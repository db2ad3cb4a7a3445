"""The alerts on the stack, in the real programs: silent while all is well, and not when it is not."""

from __future__ import annotations

import contextlib
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


def test_a_stack_that_is_well_is_silent(tmp_path: Path) -> None:
    """Longer than most alerts wait, nothing fires but the one that always does."""
    small = ("--collector.disable-defaults", "--collector.loadavg")
    with (
        start_daemon(*small) as daemon,
        start_alertmanager(tmp_path) as alertmanager,
        both_prometheus(tmp_path, daemon.url.removeprefix("http://")) as running,
    ):
        for folder, prometheus in running.items():
            alertmanager.join(prometheus, folder)
        for prometheus in running.values():
            lasting = 'count_over_time(up{job="alertmanager"}[2m]) > 25'
            wait_until(lambda query=prometheus.query: query(lasting), "it was so for long", 60)
            assert {labels["job"] for labels, _ in prometheus.query("up == 1")} == {
                "perfwatch",
                "prometheus",
                "alertmanager",
            }
            fired = prometheus.query('last_over_time(ALERTS{alertstate="firing"}[2m])')
            assert {labels["alertname"] for labels, _ in fired} == {"Watchdog"}


def spoil(folder: Path, prometheus: Prometheus) -> None:
    """Let a stack be in much trouble at once."""
    nobody = f"127.0.0.1:{free_port()}"
    targets = folder / "targets"
    (targets / "alertmanager.yml").write_text(yaml.safe_dump([{"targets": [nobody]}]))
    (targets / "stack-more.yml").write_text("")
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


def test_a_stack_in_trouble_says_so(tmp_path: Path) -> None:
    """Each alert is raised by what the real program does: a daemon, a store and others are away."""
    expected = {
        "AlertmanagerDown",
        "PerfwatchDown",
        "PrometheusConfigReloadFailed",
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
            seen: set[str] = set()

            def all_seen(prometheus: Prometheus = prometheus, seen: set[str] = seen) -> bool:
                seen |= prometheus.alerts().keys()
                return expected <= seen

            wait_until(all_seen, f"these alerts: {sorted(expected)}", 60)
            assert seen == expected
