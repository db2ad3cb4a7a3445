"""`perfwatch iris` against the double, with the real driver: what it does, prints and returns."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exporter.cli import main
from exporter.iris.cli.output import size
from tests.child import PATIENCE_SECONDS, Child
from tests.iris.double.faults import Hang
from tests.iris.double.hooks import SqlError
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

pytestmark = pytest.mark.usefixtures("own_environment")


class Done(NamedTuple):
    """What a command has come to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read."""
        return json.loads(self.out)


Iris = Callable[..., Done]


@pytest.fixture
def config(double: Double, instance: Instance, tmp_path: Path) -> Path:
    """The daemon's file, with the double as an instance named prod."""
    password = tmp_path / "password"
    password.write_text(instance.password)
    password.chmod(0o600)
    file = tmp_path / "perfwatch.yml"
    file.write_text(
        f"iris:\n  username: {instance.username}\n  password_file: {password}\n"
        f"  instances:\n    prod: {{host: 127.0.0.1, port: {double.port}}}\n"
    )
    return file


@pytest.fixture
def iris(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iris:
    """Run a command with that file, in the directory of the test."""
    monkeypatch.chdir(config.parent)

    def run(*words: str) -> Done:
        code = main(["iris", *words, f"--config.file={config}"])
        return Done(code, *capsys.readouterr())

    return run


def test_a_life_by_hand(iris: Iris, instance: Instance) -> None:
    """Configured, it collects; a report is listed and fetched; tasks and runs are shown."""
    done = iris("configure", "--json")
    assert done.code == 0
    assert done.json["prod"]["done"] is True
    instance.advance(3900)
    done = iris("report", "list", "--json")
    [runid] = [report["runid"] for report in done.json["prod"]]
    done = iris("report", "fetch", runid, "--verbose")
    assert done.code == 0
    written = Path(f"{runid}.html").read_bytes()
    assert written in [instance.files.read(path) for path in instance.files.paths]
    whole = size(len(written))
    assert done.out == f"{runid}.html: {whole}\n"
    assert done.err == f"prod: connecting\nprod: {whole} of {whole}\n"
    done = iris("runs")
    words = [line.split()[:2] for line in done.out.splitlines()[1:]]
    assert words == [["20261121_090500_perfwatch", "active"], [runid, "ended"]]


def test_the_state_is_shown_and_switched(iris: Iris, instance: Instance) -> None:
    """Off with its reason and end, on again; each says what it has come to."""
    iris("configure")
    instance.advance(360)
    assert "collecting   on" in iris("status").out
    done = iris("disable", "--for", "2h", "--reason", "backup")
    assert done.code == 0
    assert done.out.startswith("collecting: off by operator since 2")
    assert "Z: backup\nthe active run ends within a minute\n" in done.out
    instance.advance(60)
    shown = iris("status", "--json").json["prod"]
    assert (shown["state"], shown["active_runs"]) == ("kept_off", [])
    done = iris("enable")
    assert (done.code, done.out) == (0, "collecting: on\n")
    assert iris("enable").out == "collecting: on (nothing to do)\n"


def test_our_tasks_are_listed_and_changed(iris: Iris, instance: Instance) -> None:
    """Without an id it is the one that starts the runs; one that is not ours is refused."""
    iris("configure")
    assert iris("tasks", "suspend").out.endswith(" is suspended\n")
    assert instance.tasks.named("PerfWatch perfwatch")["Suspended"] == 1
    assert "suspended  off by operator since" in iris("tasks", "list").out
    assert iris("tasks", "resume").out.endswith(" is active\n")
    assert iris("tasks", "delete").out.endswith(" is gone\n")
    done = iris("tasks", "suspend")
    assert done.code == 1
    assert "there is no task PerfWatch perfwatch: `perfwatch iris configure` creates" in done.err


def test_the_wrapper_is_shown_installed_and_removed(iris: Iris, instance: Instance) -> None:
    """The command is the consent; without the right it names the grant and leaves nothing."""
    done = iris("install")
    assert done.code == 1
    assert "CREATE FUNCTION ZPerfWatch.Run(" in done.out
    assert "%Development:USE" in done.err
    instance.grant("%Development:U", "%CREATE_FUNCTION", "%DROP_FUNCTION")
    done = iris("install")
    assert done.code == 0
    assert done.out.endswith("installed: PerfWatch wrapper 1\n")
    assert iris("uninstall").out == "removed\n"
    assert iris("uninstall", "--json").json == {"prod": {"removed": False}}


def test_a_wrapper_that_may_not_be_used_is_told(
    iris: Iris, instance: Instance, double: Double
) -> None:
    """Who installs it owns it, and others need a grant all the same."""
    instance.grant("%Development:U", "%CREATE_FUNCTION", "%DROP_FUNCTION")
    double.faults.every_call(SqlError(-99, "not privileged"), "SELECT ZPerfWatch.WrapperVersion()")
    done = iris("install", "--json")
    assert done.code == 1
    assert done.json["prod"]["error"]["kind"] == "privilege"
    assert "GRANT EXECUTE" in done.err


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("class", "/// Lets PerfWatch call ^SystemPerformance."),
        ("sql", "CREATE FUNCTION ZPerfWatch.WrapperVersion() "),
        ("role", 'set $namespace="%SYS"\n'),
    ],
)
def test_what_would_be_installed_is_printed_without_an_instance(
    form: str, beginning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is connected to, so nothing has to be configured."""
    assert main(["iris", "install", "--print", form]) == 0
    assert capsys.readouterr().out.startswith(beginning)


def test_missing_rights_are_named(iris: Iris, instance: Instance) -> None:
    """What cannot be seen is unknown, with the grant that helps; what cannot be done fails."""
    instance.revoke("SELECT %SYS.Task", "%Native_GlobalAccess:U")
    done = iris("status")
    assert "collecting  unknown" in done.out
    assert "  cannot find our task: GRANT SELECT ON %SYS.Task TO the role" in done.out
    done = iris("configure")
    assert done.code == 1
    assert "cannot read profiles: grant %Native_GlobalAccess:USE" in done.out
    done = iris("disable")
    assert done.code == 1
    assert done.err.startswith("perfwatch: prod: not permitted to ")


def test_an_instance_that_is_away_fails_alone(
    iris: Iris, double: Double, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two instances one is away: one line says so, the other is shown, the code is 1."""
    text = config.read_text()
    config.write_text(f"{text}    test: {{host: 127.0.0.1, port: 1}}\n")
    done = iris("status")
    assert done.code == 1
    assert done.out.startswith("prod\n  collecting ")
    assert done.err.startswith("perfwatch: test: IRIS at 127.0.0.1:1: login: refused")
    assert done.err.count("\n") == 1
    told = iris("runs", "--json").json
    assert told["prod"] == []
    assert told["test"]["error"]["kind"] == "unreachable"
    assert double.logins == 2
    assert iris("tasks", "list", "--instance=prod").code == 0


def test_names_from_the_server_cannot_steer_the_terminal(iris: Iris, instance: Instance) -> None:
    """An escape in a path is shown, not executed."""
    iris("configure")
    instance.performance.setlogdir("/tmp/\x1b[31mred")
    instance.advance(3900)
    done = iris("report", "list")
    assert "\x1b" not in done.out
    assert r"/tmp/\x1b[31mred/" in done.out
    iris("disable")
    instance.advance(7200)
    done = iris("configure")
    assert r"remove the report /tmp/\x1b[31mred/" in done.out


def test_what_is_no_report_of_ours_is_not_fetched(
    iris: Iris, instance: Instance, config: Path
) -> None:
    """Nor is a file written over; each is one line."""
    iris("configure")
    instance.advance(3900)
    done = iris("report", "fetch", "20261121_080500_24hours")
    assert done.code == 2
    assert done.err.startswith("perfwatch: prod: '20261121_080500_24hours' is no run of ours: see ")
    done = iris("report", "fetch", "20261121_070500_perfwatch")
    assert done.code == 1
    assert "there is no report of 20261121_070500_perfwatch: it may not have ended" in done.err
    done = iris("report", "fetch", "20261121_080100_perfwatch", f"--output={config}")
    assert done.code == 2
    assert f"{config} is there already: choose another by --output (see docs/iris.md)" in done.err


def test_a_report_is_fetched_to_here_wherever_it_was(
    iris: Iris, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its directory is the server's to say, and has no part in the name that it gets."""
    runid = "20261121_070500_perfwatch"
    (tmp_path / "here" / runid).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    directory = f"/x/{runid}/../../"
    instance.files.write(f"{directory}irishost_IRIS_{runid}.html.gz", b"x")
    history = ("IRIS.SystemPerformance", "history", runid)
    instance.globals.set(*history, value=f"67895,1^{directory}")
    done = iris("report", "fetch", runid)
    assert done.code == 0, done.err
    assert Path(f"{runid}.html.gz").read_bytes() == b"x"


def test_ctrl_c_ends_it_quietly(double: Double, config: Path) -> None:
    """Also in a call that hangs: no traceback, the worker is gone, and the code says why."""
    hang = double.faults.next_call(Hang(), "GetNodeName")
    command = [sys.executable, "-m", "exporter", "iris", "status", f"--config.file={config}"]
    with Child(command) as child:
        assert hang.entered.wait(PATIENCE_SECONDS)
        child.signal(signal.SIGINT)
        assert child.wait() == 130
        assert child.log_lines() == []
    double.wait_for(lambda: double.open_connections == 0)
