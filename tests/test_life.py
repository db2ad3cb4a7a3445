"""The daemon's parts and its life, where only the inside can show it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exporter.service import Service
from exporter.settings import build
from tests.daemon import start_daemon
from tests.engines import until, worker_threads
from tests.hanging import LOADAVG, HangingFile, make_host

FAILING = """
import sys
import exporter.life
from exporter.cli import main

async def watch(*_):
    raise OSError("no clock")

exporter.life.watch = watch
sys.exit(main(["run", *sys.argv[1:]]))
"""


def test_a_part_that_fails_ends_the_daemon() -> None:
    """In order, with the reason in the log and exit code 1, so that systemd starts it anew."""
    with start_daemon(program=("-c", FAILING)) as daemon:
        record = daemon.wait_for_log("part of the daemon failed")
        assert record["data"]["part"] == "health checks"
        assert record["exception"].endswith("OSError: no clock")
        assert daemon.wait() == 1
        assert daemon.wait_for_log("stopped")["data"]["reason"] == "health checks failed"


def test_scrapes_of_before_a_reload_are_released_too(tmp_path: Path) -> None:
    """Near the end of the grace period nobody waits on for what hangs."""
    procfs = make_host(tmp_path)
    hanging = HangingFile(procfs / "loadavg", LOADAVG)
    settings = build(
        {
            "path.procfs": str(procfs),
            "collector.disable-defaults": True,
            "collector.loadavg": True,
        }
    )

    async def main() -> None:
        service = Service(settings, lambda: (settings, []), lambda: False)
        scrapes = []
        for _ in range(2):
            collect = service._engine.collect(None, "text", 60.0)
            scrapes.append(asyncio.create_task(collect))
            await asyncio.sleep(0)
            assert await service.reload() == ""
        service.release()
        for collection in await asyncio.gather(*scrapes):
            assert not collection.outcomes
        hanging.release()
        await service.close()
        # Or a worker that is done as the loop ends would wait for the next run, for ever.
        await until(lambda: not worker_threads())

    asyncio.run(main())
