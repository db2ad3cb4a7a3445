"""What the daemon keeps on disk, and that it stays within bounds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from exporter.settings import build
from exporter.storage import FOLDERS, Storage
from tests.daemon import start_daemon
from tests.hanging import by_name


def storage(path: Path | str = "", **cleanup: object) -> Storage:
    """The storage of a daemon with these settings."""
    values = {f"cleanup.{name.replace('_', '-')}": value for name, value in cleanup.items()}
    return Storage(build({"storage.path": str(path), **values}))


def test_without_a_directory_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is claimed of it."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    with storage() as none:
        assert none.describe() == {"enabled": False}
        assert list(none.families()) == []


def test_systemd_names_the_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first of StateDirectory=, unless the setting names another."""
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/a:{tmp_path}/b")
    assert storage().path == f"{tmp_path}/a"
    assert storage(tmp_path / "c").path == f"{tmp_path}/c"


@pytest.mark.parametrize("folder", FOLDERS)
def test_old_files_of_ours_are_removed_and_no_others(folder: str, tmp_path: Path) -> None:
    """Each folder by the names that the daemon gives there."""
    below = tmp_path / folder
    below.mkdir(mode=0o700)
    old = [below / f"old{pattern.lstrip('*')}" for pattern in FOLDERS[folder]]
    kept = [below / "new.html", below / "old.conf"]
    for path in (*old, *kept):
        path.touch()
    for path in (*old, below / "old.conf"):
        os.utime(path, (1e9, 1e9))
    cleanup = storage(tmp_path).cleanup
    assert cleanup is not None
    # What has just been put there stays for a minute, whatever date it has.
    cleanup._now = lambda: time.time() + 120
    cleanup.run_once()
    assert sorted(below.iterdir()) == sorted(kept)


def test_the_daemon_tells_of_its_cleanup(tmp_path: Path) -> None:
    """In its metrics, its API and its health."""
    with start_daemon(f"--storage.path={tmp_path}", "--cleanup.interval=1s") as daemon:
        while "perfwatch_cleanup_runs_total" not in (page := by_name(daemon.get("/metrics").body)):
            pass
        assert page["perfwatch_cleanup_runs_total"] >= 1
        checks = daemon.get("/health").json["checks"]
        assert checks["storage"]["status"] in {"healthy", "warning", "critical"}
        assert checks["cleanup"]["status"] == "healthy"
        assert daemon.get("/api/v1/monitoring/cleanup").json["enabled"] is True
