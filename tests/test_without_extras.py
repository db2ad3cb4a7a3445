"""The daemon without the `fast` extra: asyncio's own loop, and zlib."""

from __future__ import annotations

import gzip
import signal
from pathlib import Path

from tests.daemon import start_daemon


def test_the_daemon_runs_without_uvloop_and_isal(tmp_path: Path) -> None:
    """Nothing but speed depends on them: pages, gzip and an orderly end are the same."""
    for name in ("uvloop", "isal"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not installed')\n")
    with start_daemon(env={"PYTHONPATH": str(tmp_path)}) as daemon:
        for _ in range(2):
            answer = daemon.get("/metrics", {"Accept-Encoding": "gzip"})
            assert b"node_load1" in gzip.decompress(answer.body)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
