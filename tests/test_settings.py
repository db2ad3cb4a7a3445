from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import collectors as registry
from exporter.addresses import Address, parse_address, parse_addresses
from exporter.options import parse_age, parse_bytes, parse_positive
from exporter.parts import make_collectors
from exporter.setting_groups import (
    RESERVED_PATHS,
    parse_directory,
    parse_interval,
    parse_level,
    parse_max_age,
    parse_telemetry_path,
)
from exporter.settings import Key, SettingsError, all_keys, build
from exporter.sources import read_environment

KEYS = tuple(all_keys())


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:10100", "127.0.0.1", 10100),
        (":9100", "", 9100),
        ("[::1]:0", "::1", 0),
        ("[::]:65535", "::", 65535),
        ("node-1.example.com:80", "node-1.example.com", 80),
    ],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int) -> None:
    """IPv4, IPv6 in brackets, names, and no host at all are taken, and written the same again."""
    address = parse_address(text)
    assert address == Address(host, port)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1", "9100", "::1:9100", "127.0.0.1:", ":65536", ":-1", ":9e3", "vsock://:9100"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """The message says what an address looks like."""
    with pytest.raises(ValueError, match=r"^expected host:port with a port up to 65535, got"):
        parse_address(text)


def test_addresses_come_as_a_list_or_with_commas() -> None:
    """Flags and YAML give a list, a variable gives one text."""
    expected = (Address("127.0.0.1", 1), Address("::1", 2))
    assert parse_addresses(["127.0.0.1:1", "[::1]:2"]) == expected
    assert parse_addresses("127.0.0.1:1, [::1]:2") == expected


@pytest.mark.parametrize(
    ("listening", "asked"),
    [(":1", "127.0.0.1:1"), ("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("h:1", "h:1")],
)
def test_clients_reach_every_address_over_loopback(listening: str, asked: str) -> None:
    """A daemon that listens everywhere is asked where it surely is."""
    assert parse_address(listening).for_clients() == asked


@pytest.mark.parametrize("path", ["/metrics", "/a/b.c", "/node-1/~x_y"])
def test_a_telemetry_path_is_taken_as_it_is(path: str) -> None:
    """Any plain path will do."""
    assert parse_telemetry_path(path) == path


@pytest.mark.parametrize(
    "path", ["metrics", "/a b", "/a?b", "/{x}", "/a%20b", "/a\n", *RESERVED_PATHS]
)
def test_a_path_that_could_not_work_is_refused(path: str) -> None:
    """Paths that routing reads otherwise, and the daemon's own, are errors."""
    with pytest.raises(ValueError, match=r"^expected a path of a slash and then"):
        parse_telemetry_path(path)


def test_a_cap_of_nothing_is_refused() -> None:
    """Where 0 would mean no data at all, the least is 1."""
    assert parse_positive("1") == 1
    with pytest.raises(ValueError, match=r"1 or more, got 0"):
        parse_positive("0")


def test_node_exporters_spelling_of_warning_is_taken() -> None:
    """`--log.level=warn` works as with node_exporter."""
    assert parse_level("warn") == "warning"


def test_every_setting_has_names_of_its_own() -> None:
    """No two settings share a flag, a YAML key, a variable or a name that argparse gives them."""
    for names in (
        [key.flag for key in KEYS],
        [key.yaml for key in KEYS],
        [key.variable for key in KEYS],
        [key.flag.replace("-", "_") for key in KEYS],
    ):
        assert len(set(names)) == len(names)


def test_names_follow_from_each_other() -> None:
    """One declaration gives the three spellings."""
    key = next(key for key in KEYS if key.flag == "collector.filesystem.mount-points-exclude")
    assert key.yaml == "collector.filesystem.mount_points_exclude"
    assert key.variable == "PERFWATCH_COLLECTOR_FILESYSTEM_MOUNT_POINTS_EXCLUDE"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.flag)
def test_a_default_written_out_is_the_default(key: Key) -> None:
    """What help and documentation show as the default can be set and changes nothing."""
    if key.default is not None:
        assert key.parse(key.shown_default) == key.default
    else:
        assert key.shown_default == ""


def test_nothing_given_is_the_defaults() -> None:
    """Without any source the daemon listens on this machine only, all default collectors on."""
    settings = build({})
    assert settings.web.listen_address == (Address("127.0.0.1", 10100),)
    assert list(settings.collectors) == [entry.name for entry in registry.ALL if entry.enabled]
    assert settings.timeout_offset == 0.25


def test_defaults_can_be_disabled_but_for_the_named_ones() -> None:
    """`--collector.disable-defaults --collector.cpu` leaves cpu alone on."""
    settings = build({"collector.disable-defaults": True, "collector.cpu": True})
    assert list(settings.collectors) == ["cpu"]


def test_a_collector_can_be_turned_off() -> None:
    """`--no-collector.cpu` takes out cpu and nothing else."""
    settings = build({"collector.cpu": False})
    assert set(build({}).collectors) - set(settings.collectors) == {"cpu"}


def test_contradictory_options_are_named() -> None:
    """The message of an options class that refuses its values says whose they are."""
    both = {
        "collector.netdev.device-include": re.compile("a"),
        "collector.netdev.device-exclude": re.compile("b"),
    }
    with pytest.raises(
        SettingsError, match=r"^collector\.netdev: device-include and .*\(see docs/"
    ):
        build(both)


def test_settings_cannot_change_under_the_daemon() -> None:
    """The tree is frozen: a reload makes a new one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        build({}).web.max_requests = 1  # type: ignore[misc]


SERVICE_LINKS = {
    "PERFWATCH_SERVICE_HOST": "10.0.0.1",
    "PERFWATCH_SERVICE_PORT": "10100",
    "PERFWATCH_SERVICE_PORT_HTTP_METRICS": "10100",
    "PERFWATCH_PORT": "tcp://10.0.0.1:10100",
    "PERFWATCH_PORT_10100_TCP": "tcp://10.0.0.1:10100",
    "PERFWATCH_PORT_10100_TCP_ADDR": "10.0.0.1",
    "PERFWATCH_PORT_10100_TCP_PORT": "10100",
    "PERFWATCH_PORT_10100_TCP_PROTO": "tcp",
    "PERFWATCH_EXPORTER_SERVICE_HOST": "10.0.0.1",
    "PERFWATCH_EXPORTER_PORT_10100_TCP_ADDR": "10.0.0.1",
}


def test_service_links_of_kubernetes_are_no_settings() -> None:
    """A Service named like the daemon puts variables into each pod, which mean nothing to it."""
    assert read_environment(SERVICE_LINKS, KEYS) == {}


def test_no_setting_looks_like_a_service_link() -> None:
    """Every variable of ours is read, whatever Kubernetes might set."""
    everything = {key.variable: key.shown_default for key in KEYS if key.default is not None}
    read = read_environment(everything, KEYS)
    assert set(read) == {key.flag for key in KEYS if key.default is not None}


def test_a_port_that_somebody_wishes_for_is_no_service_link() -> None:
    """PERFWATCH_PORT with a number is nothing Kubernetes sets, so it is not ignored."""
    with pytest.raises(SettingsError, match=r"^unknown environment variable PERFWATCH_PORT: "):
        read_environment({"PERFWATCH_PORT": "9100"}, KEYS)


@given(st.text())
def test_addresses_raise_nothing_but_value_errors(text: str) -> None:
    """Any text is an address or an error that says so."""
    try:
        assert parse_address(str(parse_address(text))) == parse_address(text)
    except ValueError as error:
        assert str(error).startswith("expected host:port")  # noqa: PT017 -- most are refused


def test_a_tree_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A typing error in a mount would else look like a kernel without any source."""
    for name in ("procfs", "sysfs", "rootfs"):
        settings = build({f"path.{name}": str(tmp_path / "nothing")})
        with pytest.raises(SettingsError, match=rf"^path\.{name}: .*nothing' is no directory"):
            make_collectors(settings)


@pytest.mark.parametrize(
    ("raw", "seconds"), [("12h", 43_200), ("30d", 2_592_000), (90, 90), ("1.5", 1.5), (0, 0)]
)
def test_an_age_may_be_days_long(raw: object, seconds: float) -> None:
    """Seconds, or a unit up to days."""
    assert parse_age(raw) == seconds


@pytest.mark.parametrize("raw", ["3651d", 1e12, "a week", "", -1, True, float("nan"), None])
def test_what_is_no_age_is_refused(raw: object) -> None:
    """The message says what it looks like."""
    with pytest.raises(ValueError, match=r"^expected a duration up to 3650d such as 12h or 30d"):
        parse_age(raw)


def test_files_may_go_after_a_minute_at_the_earliest() -> None:
    """Somebody may still be writing them."""
    assert parse_max_age("1m") == 60
    with pytest.raises(ValueError, match=r"^expected a duration of at least a minute, got '10'"):
        parse_max_age("10")


def test_runs_are_at_least_a_second_apart() -> None:
    """Cleaning up without a pause would be what brings the host down."""
    assert parse_interval("1s") == 1
    with pytest.raises(ValueError, match=r"^expected a duration of at least a second, got '10ms'"):
        parse_interval("10ms")


@pytest.mark.parametrize(
    ("raw", "size"),
    [("512MiB", 2**29), ("512MB", 2**29), ("2GiB", 2**31), (7, 7), ("7", 7), ("1TB", 2**40)],
)
def test_a_size_may_have_a_unit(raw: object, size: int) -> None:
    """Bytes, or a power of 1024."""
    assert parse_bytes(raw) == size


@pytest.mark.parametrize("raw", ["", "-1", "1.5GiB", "1 GiB", "5mb", True, -1, 10**18, None])
def test_what_is_no_size_is_refused(raw: object) -> None:
    """The message says what it looks like."""
    with pytest.raises(ValueError, match=r"^expected a size such as 1048576, 512MiB or 2GiB"):
        parse_bytes(raw)


def test_storage_is_an_absolute_directory() -> None:
    """Or none; the root directory is everybody's."""
    assert parse_directory("") == ""
    assert parse_directory("/var/lib/perfwatch") == "/var/lib/perfwatch"
    for wrong in ("/", "//", "here", "./x", "/tmp/../x", "/.."):
        with pytest.raises(ValueError, match=r"^expected an absolute directory other than /"):
            parse_directory(wrong)


LOG_FILE = """\
level: warning
format: console
loggers: {perfwatch.scrape: debug}
redact: {keys: [pin]}
"""


def test_the_file_of_the_log_gives_way_to_what_is_given(tmp_path: Path) -> None:
    """Level, form and environment as given, else as in the file, else as always."""
    file = tmp_path / "log.yaml"
    file.write_text(LOG_FILE)
    logging = build({"log.config-file": str(file), "log.level": "error"}).logging
    assert logging["level"] == "error"
    assert logging["format"] == "console"
    assert logging["environment"] == "production"
    assert logging["loggers"] == {"uvicorn.error": "error", "perfwatch.scrape": "debug"}
    assert logging["redact"].is_secret_key("pin")


def test_a_wrong_file_of_the_log_is_explained(tmp_path: Path) -> None:
    """Which file, which key, and by which setting it was named."""
    file = tmp_path / "log.yaml"
    file.write_text("levle: info")
    with pytest.raises(SettingsError, match=r"^log\.config-file: .*log\.yaml.*levle"):
        build({"log.config-file": str(file)})
    with pytest.raises(SettingsError, match=r"^log\.config-file: .*nowhere"):
        build({"log.config-file": "/nowhere"})
