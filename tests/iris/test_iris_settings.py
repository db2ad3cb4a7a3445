"""The settings of IRIS: one instance or several, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.cli import main
from exporter.iris.access.connection import Tls
from exporter.settings import SettingsError
from tests.iris.reading import only, read

pytestmark = pytest.mark.usefixtures("own_environment")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its configuration."""
    return tmp_path / "perfwatch.yml"


def test_without_a_host_there_is_no_iris() -> None:
    """Also where the host is set to nothing, as a file for many machines may have it."""
    assert read().iris == {}
    assert read("--iris.host=", "--iris.username=u").iris == {}


def test_a_host_is_enough() -> None:
    """All else has a default, also of what is collected and when that is suspended."""
    instance = only()
    connection = instance.connection()
    assert (connection.name, connection.host, connection.port) == ("iris", "db1", 1972)
    assert (connection.namespace, connection.tls, connection.timeout_seconds) == ("%SYS", None, 10)
    policy = instance.policy()
    assert (policy.interval_seconds, policy.duration_seconds, policy.retention_seconds) == (
        30,
        3600,
        3600,
    )
    thresholds = instance.rules().thresholds
    assert (thresholds.cpu_disable_percent, thresholds.memory_disable_percent) == (90, 95)
    assert (thresholds.cpu_enable_percent, thresholds.memory_enable_percent) == (85, 90)


def test_everything_reaches_its_place() -> None:
    """Each setting is found again in what it is for."""
    instance = only(
        "--iris.name=prod",
        "--iris.port=1973",
        "--iris.namespace=USER",
        "--iris.username=u",
        "--iris.tls",
        "--iris.tls-ca-file=/ca.pem",
        "--no-iris.tls-verify",
        "--iris.timeout=3s",
        "--iris.metrics-url=https://db1:52774/api/monitor/metrics",
        "--iris.monitoring.name=mine",
        "--iris.monitoring.interval=10s",
        "--iris.monitoring.duration=30m",
        "--iris.monitoring.retention=2d",
        "--no-iris.monitoring.os-data",
        "--iris.governor.cpu-disable=88.5",
        "--iris.governor.dwell=3",
    )
    connection = instance.connection()
    assert connection.tls == Tls("/ca.pem", verify=False)
    assert (connection.name, connection.port, connection.namespace) == ("prod", 1973, "USER")
    assert (connection.username, connection.timeout_seconds) == ("u", 3)
    assert connection.metrics_url == "https://db1:52774/api/monitor/metrics"
    policy = instance.policy()
    assert (policy.name, policy.interval_seconds, policy.os_data) == ("mine", 10, False)
    assert (policy.duration_seconds, policy.retention_seconds) == (1800, 172_800)
    thresholds = instance.rules().thresholds
    assert (thresholds.cpu_disable_percent, thresholds.dwell_decisions) == (88.5, 3)


def test_several_instances_share_what_is_set_for_all(file: Path) -> None:
    """What an instance sets itself counts for it alone; a name may have dots."""
    file.write_text(
        "iris:\n"
        "  username: monitor\n"
        "  governor: {mode: off, dwell: 3}\n"
        "  instances:\n"
        "    prod: {host: db1, governor: {mode: observe}}\n"
        "    test.eu: {host: db2, port: 51773, username: other, monitoring: {enabled: false}}\n"
    )
    instances = read(f"--config.file={file}").iris
    assert list(instances) == ["prod", "test.eu"]
    prod, test = instances.values()
    assert (prod.name, prod.host, prod.port, prod.username) == ("prod", "db1", 1972, "monitor")
    assert (prod.governor.mode, prod.governor.dwell, prod.monitoring.enabled) == (
        "observe",
        3,
        True,
    )
    assert (test.name, test.host, test.port, test.username) == ("test.eu", "db2", 51773, "other")
    assert (test.governor.mode, test.monitoring.enabled) == ("off", False)


def test_flags_set_what_holds_for_all(file: Path) -> None:
    """Over the file, but not over what an instance sets itself."""
    file.write_text("iris: {port: 1, instances: {a: {host: a}, b: {host: b, port: 2}}}")
    instances = read(f"--config.file={file}", "--iris.port=3").iris
    assert [one.port for one in instances.values()] == [3, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{username: u}", r"iris\.username is set, but no instance: name its host"),
        ("{instances: {a: }}", r"iris\.instances\.a\.host is missing: name the host"),
        ("{instances: [a]}", r"iris\.instances: expected a mapping of names.* got a list"),
        ("{instances: {a b: {host: h}}}", r"iris\.instances: expected a name of .*got 'a b'"),
        ("{instances: {1: {host: h}}}", r"iris\.instances: expected a text, got 1"),
        ("{instances: {a: {hots: h}}}", r"unknown key iris\.instances\.a\.hots: did you mean iris"),
        ("{instances: {a: {name: b}}}", r"unknown key iris\.instances\.a\.name"),
        ("{instances: {a: {port: 0}}}", r"iris\.instances\.a\.port: expected a port from 1 to"),
        ("{instances: {a: {host: h, monitoring: {name: '-'}}}}", r"iris\.instances\.a\.monitoring"),
        ("{host: h, governor: {cpu_enable: 95}}", r"iris\.governor: "),
        ("{host: h, monitoring: {interval: 301}}", r"iris\.monitoring: "),
        ("{host: h, monitoring: {interval: 1.5}}", r"expected whole seconds, got 1\.5"),
        ("{host: h, tls_ca_file: /ca.pem}", r"iris\.tls-ca-file is set, but iris\.tls is not"),
        ("{host: user@h}", r"iris\.host: expected the name or address of a host, got 'user@h'"),
        ("{host: h, namespace: a b}", r"iris\.namespace: expected a namespace such as %SYS"),
        ("{host: h, timeout: 0.5}", r"iris\.timeout: expected a duration from 1s to 5m"),
        ("{host: h, interval: 2h}", r"iris\.interval: expected a duration from 1s to 1h"),
        ("{host: h, metrics_url: 'ftp://h/x'}", r"iris\.metrics_url: expected a URL such as"),
        ("{host: h, metrics_url: 'http://[h'}", r"iris\.metrics_url: expected a URL such as"),
        ("{host: h, metrics_url: 'http://u:p@h/'}", r"iris\.metrics_url: .*without user and pass"),
        ("{host: h, governor: {cpu_disable: 0}}", r"expected a percentage above 0 and up to 100"),
        ("{host: h, governor: {cpu_disable: x}}", r"expected a percentage above 0 and up to 100"),
        ("{host: h, governor: {cpu_disable: on}}", r"expected a percentage .* got True"),
        ("{host: h, governor: {mode: on}}", r"expected one of act, observe, off, got True"),
        ("{host: h, governor: {local: maybe}}", r"expected one of auto, true, false, got 'maybe'"),
        ("{host: h, password_file: /nowhere}", r"iris\.password-file: /nowhere cannot be read: No"),
        ("{host: h, password_file: /}", r"iris\.password-file: / is no file: name one"),
    ],
)
def test_what_is_wrong_is_explained(file: Path, text: str, message: str) -> None:
    """In one line: which setting, what was expected, what helps, and where to read on."""
    file.write_text(f"iris: {text}")
    with pytest.raises(SettingsError, match=message) as raised:
        read(f"--config.file={file}")
    assert "(see docs/" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_off_needs_no_quotes(file: Path) -> None:
    """YAML reads off as false, and true as true."""
    file.write_text("iris: {host: h, governor: {mode: off, local: true}}")
    [instance] = read(f"--config.file={file}").iris.values()
    assert (instance.governor.mode, instance.governor.local) == ("off", "true")


def test_instances_are_for_the_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag or a variable that names them says so."""
    message = r"expected a mapping of names to settings, which only the configuration file can hold"
    with pytest.raises(SettingsError, match=f"--iris.instances: {message}"):
        read("--iris.instances=a")
    monkeypatch.setenv("PERFWATCH_IRIS_INSTANCES", "a")
    with pytest.raises(SettingsError, match=f"PERFWATCH_IRIS_INSTANCES: {message}"):
        read()


@pytest.mark.parametrize(
    ("word", "enabled"),
    [("true", False), ("1", False), ("Yes", False), ("0", True), ("false", True), ("", True)],
)
def test_collecting_can_be_turned_off_by_the_usual_variable(
    monkeypatch: pytest.MonkeyPatch, file: Path, word: str, *, enabled: bool
) -> None:
    """For all instances, whatever they set themselves."""
    monkeypatch.setenv("IRIS_DISABLE_MONITORING", word)
    file.write_text("iris: {instances: {a: {host: a}, b: {host: b, monitoring: {enabled: true}}}}")
    instances = read(f"--config.file={file}").iris.values()
    assert {one.monitoring.enabled for one in instances} == {enabled}


def test_a_variable_that_cannot_be_understood_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets it wants something."""
    monkeypatch.setenv("IRIS_DISABLE_MONITORING", "please")
    with pytest.raises(SettingsError, match="IRIS_DISABLE_MONITORING: expected true or false"):
        read()


def test_a_configuration_is_checked_with_all_its_instances(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """check-config says how many there are, and what is wrong with one."""
    file.write_text("iris: {instances: {a: {host: a}, b: {host: b}}}")
    assert main(["check-config", str(file)]) == 0
    assert capsys.readouterr().out.endswith(" collectors enabled, instances of IRIS: 2\n")
    file.write_text("iris: {instances: {a: {host: a, monitoring: {duration: 25h}}}}")
    assert main(["check-config", str(file)]) == 2
    assert "iris.instances.a.monitoring" in capsys.readouterr().err


def test_the_healthcheck_needs_no_secrets(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """It may run as a user who may not read them: it fails as nobody listens, with exit code 1."""
    file.write_text(
        "{web: {listen_address: '127.0.0.1:1'}, iris: {host: h, username: u, password_file: /no}}"
    )
    monkeypatch.setenv("PERFWATCH_CONFIG_FILE", str(file))
    assert main(["healthcheck"]) == 1
