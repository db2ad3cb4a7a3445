"""The three ways to give a setting: which of them holds, and that any words get an answer."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import collectors as registry
from exporter.addresses import parse_address
from exporter.arguments import Parser, read_settings
from exporter.settings import Key, Settings, SettingsError, all_keys

pytestmark = pytest.mark.usefixtures("own_environment")

KEYS = tuple(all_keys())

GIVEN_IN_THREE_WAYS = [key for key in KEYS if key.flag != "iris.instances"]
"""All but the mapping that only a file can hold (tests/iris/test_iris_settings.py)."""

SAMPLES = {
    "web.listen-address": ("127.0.0.1:1", "127.0.0.1:2"),
    "iris.name": ("one", "other"),
    "iris.host": ("one", "other"),
    "iris.namespace": ("%SYS", "USER"),
    "iris.password-file": ("tests/hosts/bare-metal-128/proc/loadavg", ""),
    "iris.access-token-file": ("tests/hosts/bare-metal-128/proc/loadavg", ""),
    "iris.metrics-url": ("http://one/metrics", "https://other/metrics"),
    "iris.monitoring.name": ("one", "other"),
    "iris.monitoring.interval": ("7", "8"),
    "iris.monitoring.duration": ("60", "70"),
    "iris.governor.mode": ("observe", "off"),
    "iris.governor.local": ("true", "false"),
    "iris.governor.cpu-disable": ("91", "92"),
    "iris.governor.memory-disable": ("96", "97"),
    "log.level": ("debug", "error"),
    "log.format": ("console", "json"),
    "cleanup.max-age": ("1h", "2h"),
    "log.config-file": ("config/monitoring/logging_config.yaml", ""),
    "collector.ipvs.backend-labels": ("local_address", "proto"),
    "collector.topprocesses.command-groups": ("(?P<a>a)", "(?P<b>b)"),
    "collector.perf.aggregation": ("cpu", "socket"),
    "collector.perf.backend": ("stat", "syscall"),
    "collector.perf.events": ("software", "core my_events=r1a8"),
    "collector.sysctl.include": ("kernel.pid_max", "fs.file-nr:allocated,free,maximum"),
    "collector.sysctl.include-info": ("kernel.osrelease", "kernel.ostype kernel.version"),
}
"""Two values for the settings whose values do not follow from the kind of their default."""


BESIDE = {"iris.tls-ca-file": ["--iris.tls"], "iris.password-file": ["--iris.username=u"]}
"""What a setting cannot be without."""


def read(*words: str) -> Settings:
    """Read file, environment and flags as `perfwatch run` does, without starting anything."""
    return read_settings(Parser("perfwatch", ""), words)[0]


def samples(key: Key) -> tuple[str, str]:
    """Two values, written out, that the setting takes."""
    if isinstance(key.default, bool):
        return "true", "false"
    usual = ("7", "8") if isinstance(key.default, int | float) else ("/a", "/b")
    return SAMPLES.get(key.flag, usual)


def flag(key: Key, value: str) -> str:
    """The setting on the command line."""
    if isinstance(key.default, bool):
        return f"--{key.flag}" if value == "true" else f"--no-{key.flag}"
    return f"--{key.flag}={value}"


def turn_on(key: Key) -> list[str]:
    """What turns on the collector that has this option, where it is off by default."""
    if key.flag.startswith("iris.") and key.flag != "iris.host":
        return ["--iris.host=h", *BESIDE.get(key.flag, ())]
    flags = [f"collector.{entry.name}" for entry in registry.ALL if not entry.enabled]
    return [f"--{name}" for name in flags if key.flag.startswith(f"{name}.")]


def effective(settings: Settings, key: Key) -> Any:
    """What the settings tree holds for a setting."""
    *path, name = key.yaml.split(".")
    if path[:1] == ["iris"]:
        [instance] = settings.iris.values()
        return getattr(getattr(instance, path[1]) if path[1:] else instance, name)
    if key.flag == "collector.disable-defaults":
        return len(settings.collectors) <= 1
    if key.flag == "collector.max-series":
        return settings.max_series
    if name == "enabled":
        return path[1] in settings.collectors
    if path[:1] == ["collector"]:
        return getattr(settings.collectors[path[1]], name)
    return getattr(getattr(settings, path[0]) if path else settings, name)


def write_setting(file: Path, key: Key, value: str) -> str:
    """Write a file with one setting, and give the flag that names it."""
    document: Any = value
    for part in reversed(key.yaml.split(".")):
        document = {part: document}
    file.write_text(yaml.safe_dump(document))
    return f"--config.file={file}"


@pytest.mark.parametrize("key", GIVEN_IN_THREE_WAYS, ids=lambda key: key.flag)
def test_flags_override_the_environment_and_that_the_file(
    key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every setting can be given in each of the three ways, and the later one holds."""
    one, other = samples(key)
    expected = {value: key.parse(value) for value in (one, other)}
    assert expected[one] != expected[other]

    file = write_setting(tmp_path / "perfwatch.yml", key, one)
    turned_on = turn_on(key)
    assert effective(read(file, *turned_on), key) == expected[one]
    monkeypatch.setenv(key.variable, other)
    assert effective(read(file, *turned_on), key) == expected[other]
    assert effective(read(file, *turned_on, flag(key, one)), key) == expected[one]


def test_the_environment_may_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PERFWATCH_CONFIG_FILE stands for --config.file, which overrides it."""
    for name in ("one", "other"):
        (tmp_path / name).write_text(f"path: {{rootfs: /{name}}}")
    monkeypatch.setenv("PERFWATCH_CONFIG_FILE", str(tmp_path / "one"))
    assert read().path.rootfs == "/one"
    assert read(f"--config.file={tmp_path / 'other'}").path.rootfs == "/other"


def test_addresses_may_be_repeated() -> None:
    """Each --web.listen-address adds one."""
    given_addresses = ["127.0.0.1:1", "[::1]:2"]
    words = [f"--web.listen-address={address}" for address in given_addresses]
    assert read(*words).web.listen_address == tuple(map(parse_address, given_addresses))


def test_lists_may_be_repeated_given_as_words_or_as_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of sysctls is a repeated flag, words in a variable, and a list in the file."""
    wanted = ("kernel.pid_max", "net.ipv4.tcp_rmem:min,default,max")
    words = [f"--collector.sysctl.include={word}" for word in wanted]
    assert read("--collector.sysctl", *words).collectors["sysctl"].include == wanted
    file = tmp_path / "perfwatch.yml"
    file.write_text(yaml.safe_dump({"collector": {"sysctl": {"include": list(wanted)}}}))
    chosen = read("--collector.sysctl", f"--config.file={file}").collectors["sysctl"]
    assert chosen.include == wanted
    monkeypatch.setenv("PERFWATCH_COLLECTOR_SYSCTL_INCLUDE", " ".join(wanted))
    assert read("--collector.sysctl").collectors["sysctl"].include == wanted


def test_turning_everything_off_is_a_valid_configuration() -> None:
    """A daemon without collectors still serves its own metrics."""
    assert not read("--collector.disable-defaults").collectors
    names = [entry.name for entry in registry.ALL]
    assert not read(*[f"--no-collector.{name}" for name in names]).collectors


WORDS = st.one_of(
    st.sampled_from([f"--{key.flag}" for key in KEYS] + ["--no-collector.cpu", "--", "-h"]),
    st.builds(
        "--{}={}".format,
        st.sampled_from([key.flag for key in KEYS] + ["collector.ntp.server", "config.file"]),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
"""What may stand behind `perfwatch run`, right or wrong."""


@settings(deadline=None)
@given(st.lists(WORDS, max_size=4))
def test_any_command_line_gives_settings_or_a_reason(words: list[str]) -> None:
    """Whatever the words are, they are taken, or refused in a message, or ask for help."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            read(*words)
        except SettingsError as error:
            assert str(error)  # noqa: PT017 -- some of it is valid
        except SystemExit as ended:
            assert ended.code == 0  # noqa: PT017 -- help was asked for
