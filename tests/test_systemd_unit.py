from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.arguments import Parser, read_settings
from exporter.cli import main
from tests.daemon import start_daemon

ROOT = Path(__file__).parent.parent
SYSTEMD = ROOT / "deploy" / "systemd"
UNIT = SYSTEMD / "perfwatch.service"

FALSIFYING = {
    "DynamicUser": "implies PrivateTmp=, which may cover /tmp",
    "InaccessiblePaths": "hides mounts",
    "PrivateNetwork": "hides the interfaces",
    "PrivateTmp": "may cover /tmp",
    "ProcSubset": "hides /proc/stat and its like",
    "ProtectClock": "refuses to tell the clock's state",
    "ProtectHostname": "freezes the host's name",
    "ProtectProc": "hides process 1 and its mounts",
    "RootDirectory": "hides mounts",
    "TemporaryFileSystem": "hides mounts",
}
"""Hardening that changes what the collectors see, and how."""

MAX_EXPOSURE = 2.3
"""Of systemd-analyze's 10: a service without rights that talks to the network is at 1 to 2. It
counts 0.6 for adjtimex(2), because it does not know that no right to set the clock is there."""


def settings_of(unit: Path) -> dict[str, list[str]]:
    """The unit's settings, each with its values in order."""
    settings: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            settings.setdefault(match[1], []).append(match[2])
    return settings


@pytest.fixture
def analyze() -> list[str]:
    """The words that call systemd-analyze; skips where systemd is not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here: apt-get install systemd")
    return [program]


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """The unit as it would be where its programs are installed."""
    text = UNIT.read_text().replace("/opt/perfwatch/bin/perfwatch", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    return unit


def test_systemd_accepts_the_unit(analyze: list[str], installed_unit: Path) -> None:
    """Systemd knows every setting in the unit, in the section where it stands."""
    done = subprocess.run(
        [*analyze, "verify", "--man=no", installed_unit],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "perfwatch" in line]
    assert ours == []


def test_the_unit_is_hardened(analyze: list[str]) -> None:
    """Systemd's own rating of the unit stays low."""
    done = subprocess.run(
        [*analyze, "security", "--offline=true", f"--threshold={MAX_EXPOSURE * 10:.0f}", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def test_hardening_does_not_falsify_metrics() -> None:
    """No setting is used that would make a collector see something else than the host."""
    settings = settings_of(UNIT)
    assert not settings.keys() & FALSIFYING.keys()
    assert settings["ProtectHome"] == ["read-only"]


def drop_ins() -> list[str]:
    """The changes of the unit that the pages propose, and those that are files."""
    pages = "".join(page.read_text() for page in sorted(ROOT.glob("docs/**/*.md")))
    found: list[str] = re.findall(r"^ {4}\[Service\]\n(?: {4}\S.*\n)+", pages, re.MULTILINE)
    files = [file.read_text() for file in sorted(SYSTEMD.glob("*.conf"))]
    return [*(textwrap.dedent(text) for text in found), *files]


def test_systemd_accepts_the_proposed_drop_ins(analyze: list[str], installed_unit: Path) -> None:
    """Systemd knows what is to be written there, and a capability that is given is not dropped."""
    folder = Path(f"{installed_unit}.d")
    folder.mkdir()
    assert len(drop_ins()) > 2
    for number, text in enumerate(drop_ins()):
        (folder / f"proposed-{number}.conf").write_text(text)
        settings = settings_of(folder / f"proposed-{number}.conf")
        assert settings.get("AmbientCapabilities") == settings.get("CapabilityBoundingSet")
    command = [*analyze, "verify", "--man=no", str(installed_unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "perfwatch" in line] == []


def test_the_command_line_is_ours() -> None:
    """The flags in ExecStart are accepted, and the example file by what they name."""
    (command,) = settings_of(UNIT)["ExecStart"]
    program, name, *flags = command.split()
    assert (Path(program).name, name) == ("perfwatch", "run")
    assert flags == ["--config.file=/etc/perfwatch/perfwatch.yml"]
    words = [f"--config.file={SYSTEMD / 'perfwatch.yml'}"]
    settings, warnings, _ = read_settings(Parser("perfwatch", ""), words)
    assert warnings == []
    assert [str(address) for address in settings.web.listen_address] == ["127.0.0.1:10100"]


def test_the_example_file_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    """check-config accepts what is to be installed."""
    assert main(["check-config", str(SYSTEMD / "perfwatch.yml")]) == 0
    assert " is valid: " in capsys.readouterr().out


def test_wrong_settings_are_not_tried_again() -> None:
    """Systemd does not restart a daemon that ended with 2, which is what wrong settings give."""
    settings = settings_of(UNIT)
    assert settings["Restart"] == ["on-failure"]
    assert settings["RestartPreventExitStatus"] == ["2"]
    assert main(["run", "--web.max-requests=many"]) == 2


def test_the_user_of_the_unit_is_made() -> None:
    """The sysusers file makes the user that the unit names."""
    (user,) = settings_of(UNIT)["User"]
    assert re.search(rf"^u {user} ", (SYSTEMD / "perfwatch.sysusers").read_text(), re.MULTILINE)


def receive(messages: socket.socket) -> dict[str, str]:
    """Wait for one message to systemd, and give its variables."""
    lines = messages.recv(4096).decode().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket such as systemd gives its services to talk to it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(15)
        yield receiver


def test_systemd_hears_of_the_daemons_life(messages: socket.socket) -> None:
    """READY after the first collection, RELOADING and READY around a reload, then STOPPING."""
    environment = {"NOTIFY_SOCKET": messages.getsockname()}
    with start_daemon("--collector.disable-defaults", env=environment) as daemon:
        assert receive(messages) == {"READY": "1"}
        daemon.signal(signal.SIGHUP)
        reloading = receive(messages)
        assert reloading.keys() == {"RELOADING", "MONOTONIC_USEC"}
        assert receive(messages) == {"READY": "1"}
        daemon.signal(signal.SIGTERM)
        assert receive(messages) == {"STOPPING": "1"}
        assert daemon.wait() == 0


def test_the_watchdog_is_fed(messages: socket.socket) -> None:
    """While the event loop turns, systemd hears of it more often than it asked for."""
    environment = {"NOTIFY_SOCKET": messages.getsockname(), "WATCHDOG_USEC": "200000"}
    with start_daemon("--collector.disable-defaults", env=environment):
        heard = [receive(messages) for _ in range(4)]
    assert heard.count({"WATCHDOG": "1"}) >= 3


def test_the_watchdog_of_somebody_else_is_left_alone(messages: socket.socket) -> None:
    """WATCHDOG_PID names another process: the daemon says only that it is ready."""
    environment = {
        "NOTIFY_SOCKET": messages.getsockname(),
        "WATCHDOG_USEC": "1000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    with start_daemon("--collector.disable-defaults", env=environment) as daemon:
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert [receive(messages), receive(messages)] == [{"READY": "1"}, {"STOPPING": "1"}]


def test_a_socket_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    """The daemon runs on when nobody hears it."""
    with start_daemon(
        "--collector.disable-defaults", env={"NOTIFY_SOCKET": str(tmp_path / "gone")}
    ) as daemon:
        assert daemon.get("/readyz").status == 200
