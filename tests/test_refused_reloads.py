"""Who asks for a reload without right is counted and logged, however often they ask."""

from __future__ import annotations

from exporter.web.reload import MAX_LOGS_PER_MINUTE
from monitoring.structured_logging import METRICS, configure
from tests.logs import counts, logging_put_back, records
from tests.serving import Application, Site, run_with_site, small_application


def counted(kind: str) -> float:
    """The security events of a kind so far."""
    return float(counts(METRICS, "perfwatch_security_events_total").get((kind,), 0))


def test_each_is_counted_and_not_each_is_logged() -> None:
    """The log says who it was; it cannot be filled by asking."""

    async def test(site: Site) -> None:
        before = counted("reload not allowed")
        with logging_put_back() as stream:
            configure(stream=stream)
            for _ in range(MAX_LOGS_PER_MINUTE + 10):
                await site.get("/-/reload", "User-Agent: probe", method="POST")
        assert counted("reload not allowed") == before + MAX_LOGS_PER_MINUTE + 10
        events = [one for one in records(stream.getvalue()) if one["message"] == "security event"]
        assert len(events) <= MAX_LOGS_PER_MINUTE
        assert {one["logger"] for one in events} <= {"security"}
        assert all(one["data"]["client"] == "127.0.0.1" for one in events)
        assert all(one["data"]["user_agent"] == "probe" for one in events)

    run_with_site(small_application, test)


def test_what_was_wrong_is_said_without_its_secrets() -> None:
    """The rejected value may be one."""

    async def reload() -> str:
        return "path.procfs: 'password=hunter2secret' is no directory"

    async def test(site: Site) -> None:
        answer = await site.get("/-/reload", method="POST")
        assert answer.status == 500
        assert b"path.procfs: 'password=[redacted]" in answer.body
        assert b"hunter2secret" not in answer.body

    run_with_site(lambda: Application(reload=reload), test)
