"""What the daemon keeps on disk, and that it stays within bounds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from exporter.health import watch_storage
from exporter.settings import SettingsError, build
from exporter.storage import FOLDERS, Storage
from monitoring.health_check import HealthMonitor
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
    old = below / "perfwatch-old.html"
    kept = [below / "perfwatch-new.html", below / "thesis.html"]
    for path in (old, *kept):
        path.touch()
    for path in (old, below / "thesis.html"):
        os.utime(path, (1e9, 1e9))
    cleanup = storage(tmp_path).cleanup
    assert cleanup is not None
    # What has just been put there stays for a minute, whatever date it has.
    cleanup._now = lambda: time.time() + 120
    cleanup.run_once()
    assert sorted(below.iterdir()) == sorted(kept)


def make_texts(root: Path) -> Path:
    """Make a directory of text files that are all old."""
    folder = root / "texts"
    folder.mkdir(mode=0o755)
    for name in ("a.prom", "a.prom.4711", "b.prom.7", "c.prom.12.9", "d.prom.tmp", "e.prom.bak"):
        (folder / name).touch()
        os.utime(folder / name, (1e9, 1e9))
    return folder


def test_leftovers_of_text_files_are_removed_where_it_is_asked_for(tmp_path: Path) -> None:
    """What writers call a file until it is complete; the files themselves and others stay."""
    folder = make_texts(tmp_path)
    values = {"collector.textfile.directory": (str(folder), str(tmp_path / "t*"))}
    assert Storage(build(values)).cleanup is None
    cleanup = Storage(build({**values, "cleanup.textfile-leftovers": True})).cleanup
    assert cleanup is not None
    cleanup._now = lambda: time.time() + 120
    cleanup.run_once()
    assert sorted(path.name for path in folder.iterdir()) == ["a.prom", "e.prom.bak"]


def test_nothing_is_removed_for_a_collector_that_is_off() -> None:
    """The setting is about the directories of the collector."""
    values = {"collector.textfile": False, "cleanup.textfile-leftovers": True}
    assert Storage(build(values)).cleanup is None


def test_leftovers_are_looked_for_at_an_absolute_path() -> None:
    """What `texts` means depends on who asks."""
    values = {"collector.textfile.directory": ("texts",), "cleanup.textfile-leftovers": True}
    with pytest.raises(SettingsError, match=r"^collector.textfile.directory: .* absolute"):
        Storage(build(values))


def test_a_daemon_that_only_removes_leftovers_has_no_storage(tmp_path: Path) -> None:
    """There is no disk of its own to watch."""
    values = {
        "collector.textfile.directory": (str(make_texts(tmp_path)),),
        "cleanup.textfile-leftovers": True,
    }
    health = HealthMonitor()
    watch_storage(health, Storage(build(values)))
    assert set(health.run_all_checks()["checks"]) == {"cleanup"}


def test_the_daemon_tells_of_its_cleanup(tmp_path: Path) -> None:
    """In its metrics, its API and its health."""
    with start_daemon(f"--storage.path={tmp_path}", "--cleanup.interval=1s") as daemon:
        while by_name(daemon.get("/metrics").body)["perfwatch_cleanup_runs_total"] < 1:
            pass
        checks = daemon.get("/health").json["checks"]
        assert checks["storage"]["status"] in {"healthy", "warning", "critical"}
        assert checks["cleanup"]["status"] == "healthy"
        assert daemon.get("/api/v1/monitoring/cleanup").json["enabled"] is True


def test_a_failing_cleanup_is_a_warning_until_it_works_again(tmp_path: Path) -> None:
    """The reason is on the page."""
    kept = storage(tmp_path)
    health = HealthMonitor()
    watch_storage(health, kept)

    def state() -> tuple[str, str]:
        assert kept.cleanup is not None
        kept.cleanup.run_once()
        check = health.run_all_checks()["checks"]["cleanup"]
        return check["status"], check["message"]

    reports = tmp_path / "reports"
    reports.mkdir()
    reports.chmod(0o777)
    status, message = state()
    assert status == "warning"
    assert "reports: " in message
    reports.chmod(0o700)
    assert state() == ("healthy", "nothing is in the way")


def test_the_directory_is_made(tmp_path: Path) -> None:
    """For its user alone; what is there stays as it is."""
    path = tmp_path / "a" / "b"
    with storage(path):
        assert path.stat().st_mode & 0o777 == 0o700
    tmp_path.chmod(0o755)
    with storage(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("path", "says"),
    [("file/below", "cannot be made: Not a directory"), ("a*b/..", "without .., got")],
)
def test_a_directory_that_cannot_be_used_is_explained(path: str, says: str, tmp_path: Path) -> None:
    """Before anything is served: one line, exit code 2."""
    (tmp_path / "file").touch()
    flag = f"--storage.path={tmp_path}/{path}"
    with start_daemon(flag, wait_ready=False) as daemon:
        assert daemon.wait() == 2
        [*_, said] = daemon.log_lines()
    assert said.startswith("perfwatch: ")
    assert says in said


def test_a_state_directory_that_cannot_be_used_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a setting is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIRECTORY", "relative")
    with pytest.raises(SettingsError, match=r"^storage\.path: .*relative"):
        storage()
