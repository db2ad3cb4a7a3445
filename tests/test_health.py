"""The daemon's health: what each of its parts says, and what it comes to in all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from exporter.health import judge_collectors, judge_iris, judge_workers, make_health
from exporter.reload import ReloadState
from exporter.status import Status
from tests.acting import Hanging, Raising, Steady
from tests.daemon import start_daemon
from tests.engines import hangs
from tests.serving import Application, Site, run_with_site


def states(**statuses: str) -> dict[str, dict[str, Any]]:
    """Collectors with what they did last."""
    return {name: {"status": status.replace("_", " ")} for name, status in statuses.items()}


@pytest.mark.parametrize(
    ("collectors", "status", "says"),
    [
        ({}, "healthy", "0 collectors, none fails"),
        (states(cpu="ok", stat="no_data"), "healthy", "2 collectors, none fails"),
        (states(cpu="ok", stat="failed", time="timeout"), "warning", "2 of 3 fail: stat, time"),
        (states(cpu="failed"), "critical", "1 of 1 fail: cpu"),
    ],
)
def test_some_failing_collectors_are_a_warning_all_are_critical(
    collectors: dict[str, dict[str, Any]], status: str, says: str
) -> None:
    """What has no source on this host does not fail."""
    result = judge_collectors(collectors)
    assert (result.status, result.message) == (status, says)
    assert result.details["collectors"] == collectors


def test_a_thread_left_to_a_collector_is_a_warning() -> None:
    """It is named."""
    assert judge_workers([]).status == "healthy"
    result = judge_workers(["nfs"])
    assert result.status == "warning"
    assert "nfs" in result.message


def test_a_failed_reload_is_a_warning_until_one_succeeds() -> None:
    """What runs is then not what the file says."""
    state = ReloadState()
    health = make_health(Status(), state)

    def configuration() -> str:
        report = asyncio.run(health.arun_all_checks())
        return str(report["checks"]["configuration"]["status"])

    assert configuration() == "healthy"
    state.note(successful=False)
    assert configuration() == "warning"
    state.note(successful=True)
    assert configuration() == "healthy"


def test_the_page_says_how_each_part_does() -> None:
    """200 although a collector fails and another hangs: both are named, in all a warning."""
    hanging = Hanging("b")

    async def main() -> None:
        application = Application([Steady("a"), Raising("c", ValueError("no")), hanging])
        async with application.serve() as site:
            scrape = await site.connect()
            scrape.ask("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 1")
            await hangs(hanging)
            await scrape.answer()
            answer = await site.get("/health")
            hanging.released.set()
        assert answer.status == 200
        report = json.loads(answer.body)
        assert report["overall_status"] == "warning"
        assert report["checks"]["collectors"]["message"] == "2 of 3 fail: b, c"
        assert report["checks"]["workers"]["details"] == {"quarantined": ["b"]}
        assert report["summary"]["total"] == len(report["checks"])

    asyncio.run(main())


def test_the_checks_are_in_the_metrics_without_anybody_asking() -> None:
    """They run in the background from the start."""
    with start_daemon() as daemon:
        name = "perfwatch_health_check_status"

        def page() -> str:
            return daemon.get("/metrics").text

        checks = {"life", "collectors", "workers", "configuration", "event loop", "memory"}
        while {check for check in checks if f'{name}{{check="{check}"}} ' in page()} != checks:
            pass


def test_the_health_of_a_daemon_that_is_not_ready_is_critical() -> None:
    """503, as its readiness."""

    async def test(site: Site) -> None:
        assert (await site.get("/health")).status == 503

    def starting() -> Application:
        application = Application()
        application.status.collected_once = False
        return application

    run_with_site(starting, test)


@pytest.mark.parametrize(
    ("instances", "status", "message"),
    [
        ({}, "healthy", "no instance is set"),
        ({"a": ("up", "collecting"), "b": ("connecting", "off")}, "healthy", "2 instances, none"),
        ({"a": ("up", "blind")}, "warning", "governor is blind: a"),
        ({"b": ("degraded", "blind"), "a": ("failed", "off")}, "warning", "not up: a, b; governor"),
    ],
)
def test_an_instance_that_is_not_up_is_a_warning(
    instances: dict[str, tuple[str, str]], status: str, message: str
) -> None:
    """And so is a governor that sees nothing; none of it makes the daemon useless."""
    described = {
        name: {"state": state, "governor": governor}
        for name, (state, governor) in instances.items()
    }
    result = judge_iris(described)
    assert result.status == status
    assert result.message.startswith(message)
