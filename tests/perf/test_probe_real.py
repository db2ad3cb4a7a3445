"""What this machine's perf may count: as root, as nobody, and behind seccomp filters."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from exporter.perf.events import select
from exporter.perf.findings import NOT_PERMITTED, NOT_SUPPORTED, UNKNOWN_EVENT
from exporter.perf.probe import probe
from exporter.perf.rights import PERFMON
from tests.child import REPOSITORY
from tests.perf.real_perf import find_perf, give_up
from tests.perf.restricted import NO_FILTER, Restrictions, probe_restricted

SOFTWARE = {event.spec: "" for event in select(["software"])}
REFUSED = dict.fromkeys(SOFTWARE, NOT_PERMITTED)

SYSTEMD = REPOSITORY / "deploy" / "systemd"
UNIT = SYSTEMD / "perfwatch.service"
DROP_IN = SYSTEMD / "perfwatch-perf.conf"


def probe_software(restrictions: Restrictions) -> tuple[dict[str, str], str]:
    """Probe the software events; skips where there is no real perf, or no filter."""
    found = probe_restricted(find_perf(), ("software",), restrictions)
    if found[1] == NO_FILTER:
        give_up(NO_FILTER, is_ours=False)
    return found


@pytest.fixture
def _strict_level() -> None:
    """Skip where nobody may count anyway, or not with CAP_PERFMON either; and without root."""
    path = Path("/proc/sys/kernel/perf_event_paranoid")
    if not path.exists() or not 1 <= int(path.read_text()) <= 2:
        pytest.skip("this kernel's perf_event_paranoid is not 1 or 2")
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")


@pytest.mark.parametrize("aggregation", ["none", "cpu", "core", "socket", "node"])
def test_root_counts_software_events(aggregation: str) -> None:
    """It counts what every kernel has, by any aggregation, and names what is not known."""
    events = select(["software", "nosuch=nosuch_event", "absent=nosuchpmu/event=1/"])
    found = probe(find_perf(), events, aggregation=aggregation)
    reasons = {event.spec: reason for event, reason in found.reasons.items()}
    assert reasons.pop("nosuch_event") == UNKNOWN_EVENT
    assert reasons.pop("nosuchpmu/event=1/") in {NOT_SUPPORTED, UNKNOWN_EVENT}
    assert reasons == SOFTWARE
    assert [event.spec for (event,) in found.groups] == list(SOFTWARE)
    assert "does not know nosuch_event" in found.explanation


@pytest.mark.usefixtures("_strict_level")
def test_nobody_is_refused() -> None:
    """A user without rights may not count, and is told the level and the capability."""
    reasons, explanation = probe_software(Restrictions(is_nobody=True))
    assert reasons == REFUSED
    assert "CAP_PERFMON is missing. As root: sysctl kernel.perf_event_paranoid=0" in explanation


@pytest.mark.usefixtures("_strict_level")
def test_nobody_counts_with_the_capability() -> None:
    """The same user may count with CAP_PERFMON that is ambient, as the systemd unit gives it."""
    found = probe_software(Restrictions(is_nobody=True, has_perfmon=True))
    assert found == (SOFTWARE, "")


@pytest.mark.usefixtures("_strict_level")
def test_a_perf_with_capabilities_that_must_not_be_had(tmp_path: Path) -> None:
    """After setcap(8), the kernel does not start it where the bounding set lacks what it has."""
    program = tmp_path / "perf"
    shutil.copy(find_perf(), program)
    capabilities = struct.pack("<5I", 0x02000001, 0, 0, PERFMON >> 32, 0)
    try:
        os.setxattr(program, "security.capability", capabilities)
    except OSError as error:
        pytest.skip(f"this file system keeps no capabilities: {error}")
    _, explanation = probe_restricted(str(program), ("software",), Restrictions(is_bounded=True))
    assert "cannot be started: [Errno 1] Operation not permitted" in explanation
    assert "CapabilityBoundingSet=" in explanation


@pytest.mark.parametrize("error", ["EPERM", "EACCES", "ENOSYS"])
def test_root_is_refused_by_a_filter(error: str) -> None:
    """Rights do not help against seccomp: the filter is named, whatever it answers."""
    reasons, explanation = probe_software(Restrictions(error=error, calls=("perf_event_open",)))
    assert reasons == REFUSED
    assert explanation.startswith("a seccomp filter refuses perf_event_open: ")


def system_calls(group: str) -> set[str]:
    """The calls that systemd means by a name such as @system-service; skips without systemd."""
    program = shutil.which("systemd-analyze")
    if program is None:
        give_up("systemd-analyze is not here: apt-get install systemd", is_ours=False)
    words = [program, "syscall-filter", group]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^ +(@?[a-z0-9_-]+)$", text, re.MULTILINE)
    calls = {name for name in names if not name.startswith("@")}
    return calls.union(*(system_calls(name) for name in names if name.startswith("@")))


def allowed_calls(files: Iterable[Path]) -> set[str]:
    """What the SystemCallFilter= lines of a unit and its drop-ins leave, in their order."""
    allowed = system_calls("@default")
    for file in files:
        for line in re.findall(r"^SystemCallFilter=(.*)$", file.read_text(), re.MULTILINE):
            names = line.removeprefix("~").split()
            calls = set().union(*(system_calls(n) if n.startswith("@") else {n} for n in names))
            allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


@pytest.mark.usefixtures("_strict_level")
@pytest.mark.parametrize(
    ("files", "expected"), [((UNIT,), REFUSED), ((UNIT, DROP_IN), SOFTWARE)], ids=["unit", "both"]
)
def test_the_filter_of_the_systemd_unit(files: tuple[Path, ...], expected: dict[str, str]) -> None:
    """Python and the real perf do their work under it, and with the drop-in perf may count."""
    calls = tuple(sorted(allowed_calls(files)))
    found = probe_software(Restrictions(True, True, "EPERM", calls, is_allow_list=True))
    assert found[0] == expected
    assert bool(found[1]) is (expected == REFUSED)


def test_the_drop_in_gives_the_unit_what_it_says() -> None:
    """The unit gives no rights; the drop-in gives one, in both of the lines that must agree."""
    pattern = re.compile(r"^(AmbientCapabilities|CapabilityBoundingSet)=(.*)$", re.MULTILINE)
    assert {value for _, value in pattern.findall(UNIT.read_text())} == {""}
    assert sorted(pattern.findall(DROP_IN.read_text())) == [
        ("AmbientCapabilities", "CAP_PERFMON"),
        ("CapabilityBoundingSet", "CAP_PERFMON"),
    ]


def test_systemd_accepts_the_drop_in(tmp_path: Path) -> None:
    """Systemd knows every setting in it, in the section where it stands."""
    program = shutil.which("systemd-analyze")
    if program is None:
        give_up("systemd-analyze is not here: apt-get install systemd", is_ours=False)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/perfwatch/bin/perfwatch", "/bin/sh"))
    folder = tmp_path / f"{UNIT.name}.d"
    folder.mkdir()
    shutil.copy(DROP_IN, folder / "perf.conf")
    words = [program, "verify", "--man=no", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "perf" in line] == []
