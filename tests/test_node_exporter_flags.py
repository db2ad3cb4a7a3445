"""node_exporter's command line is ours too, as far as it can be."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.addresses import Address
from exporter.arguments import Parser, read_settings
from exporter.collectors import ALL
from exporter.node_exporter import LEFT_OUT, REFUSED, RENAMED, WITHOUT_EFFECT, translate
from exporter.settings import Settings, SettingsError, all_keys
from tests.node_exporter import OURS_ALONE
from tests.peers import find_peer

pytestmark = pytest.mark.usefixtures("own_environment")

OURS = frozenset(key.flag for key in all_keys())

ITS_OWN_HELP = {"help", "help-long", "help-man", "version"}

HIDDEN = {
    "collector.diskstats.ignored-devices": "^x",
    "collector.filesystem.ignored-fs-types": "^x",
    "collector.filesystem.ignored-mount-points": "^x",
    "collector.filesystem.mount-timeout": "5s",
    "collector.filesystem.stat-workers": "4",
    "collector.qdisk.device-exclude": "^x",
    "collector.qdisk.device-include": "^x",
    "collector.systemd.private": None,
}
"""What it takes without saying so in its help."""

GIVEN_UP = {
    "collector.netdev.device-blacklist",
    "collector.netdev.device-whitelist",
    "collector.netdev.ignored-devices",
    "collector.systemd.unit-blacklist",
    "collector.systemd.unit-whitelist",
}
"""What it does not take any more, but many hosts still have in their files."""


class Flag(NamedTuple):
    """A flag as node_exporter's help gives it."""

    name: str
    value: str | None
    """Its default or the name of its value; None when it takes none."""

    @property
    def words(self) -> list[list[str]]:
        """All ways to write it."""
        name = f"--{self.name}"
        if self.value is None:
            return [[name], [f"--no-{self.name}"]]
        # Its default form of the log, logfmt, is none of ours.
        value = "json" if self.name == "log.format" else self.value or "x"
        return [[f"{name}={value}"], [name, value]]


def ask(program: Path, *flags: str) -> str:
    """What the program prints; older ones print their help on stderr."""
    done = subprocess.run([program, *flags], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def find_node_exporter() -> Path:
    """Find the real program; one that is newer than what we know has flags that we do not."""
    program = find_peer("node_exporter")
    if tuple(map(int, re.findall(r"\d+", ask(program, "--version"))[:2])) > (1, 11):
        pytest.skip("node_exporter is newer than 1.11: renew exporter/node_exporter.py")
    return program


def node_exporters_flags() -> list[Flag]:
    """Ask the real program for its flags, and add those that it hides."""
    text = ask(find_node_exporter(), "--help")
    found = re.findall(r"^ {2,6}(?:-\w, )?--([\w.-]+)(?:=(\".*?\"(?=\s)|\S+))?", text, re.MULTILINE)
    told = [
        Flag(name, (json.loads(value) if value[0] == '"' else value) if value else None)
        for name, value in found
        if name not in ITS_OWN_HELP
    ]
    return told + [Flag(*item) for item in HIDDEN.items()]


def read(*words: str) -> tuple[Settings, list[str]]:
    """Read a command line as `perfwatch run` does, and give the warnings too."""
    return read_settings(Parser("perfwatch", ""), words)[:2]


def test_every_flag_of_node_exporter_has_an_answer() -> None:
    """Each, in every way to write it, is obeyed, warned of, or refused for a reason we know."""
    flags = node_exporters_flags()
    assert len(flags) > 150
    refused = set()
    for flag in flags:
        for words in flag.words:
            try:
                _, warnings = read(*words)
            except SettingsError as error:
                assert "not there yet" in str(error), words  # noqa: PT017 -- most are accepted
                refused.add(flag.name)
            else:
                silent = flag.name in OURS or flag.name in REFUSED  # asked not to do it
                assert bool(warnings) != silent, words
    assert refused == REFUSED.keys()


def test_what_it_hides_it_still_takes() -> None:
    """The flags that its help does not list are flags of the real program."""
    program = find_node_exporter()
    for name, value in HIDDEN.items():
        words = [f"--{name}"] if value is None else [f"--{name}={value}"]
        assert "version 1." in ask(program, *words, "--version"), words


def test_every_exception_is_one_of_its_flags() -> None:
    """What is renamed, without effect or refused is what the real program has or had."""
    its = {flag.name for flag in node_exporters_flags()}
    exceptions = RENAMED.keys() | WITHOUT_EFFECT.keys() | REFUSED.keys()
    assert exceptions - its == GIVEN_UP


def test_the_collectors_are_node_exporters() -> None:
    """Each collector of the real program is one of ours, or there is a reason why not."""
    names = {flag.name for flag in node_exporters_flags() if flag.name.count(".") == 1}
    its = {name.removeprefix("collector.") for name in names if name.startswith("collector.")}
    ours = {entry.name for entry in ALL} - OURS_ALONE
    assert its - {"disable-defaults"} == ours | LEFT_OUT.keys()
    assert not ours & LEFT_OUT.keys()


def test_all_our_flags_stay() -> None:
    """Nothing of ours is set aside, whatever node_exporter calls it."""
    words = [f"--{name}" for name in sorted(OURS)]
    assert translate(words) == (words, [])


@pytest.mark.parametrize(
    "words",
    [
        ["--collector.perf.cpus=0-3"],
        ["--collector.perf.tracepoint", "sched:sched_process_exec"],
        ["--collector.perf.disable-cache-profilers"],
        ["--no-collector.ntp"],
        ["--collector.runit.servicedir=/etc/service"],
        ["--collector.supervisord.url", "http://localhost:9001/RPC2"],
        ["--collector.netclass_rtnl.with-stats"],
        ["--collector.wifi.fixtures=x"],
        ["--runtime.gomaxprocs=2"],
    ],
)
def test_flags_without_a_counterpart_are_set_aside(words: list[str]) -> None:
    """They go with their value, and what stands around them is left alone."""
    kept, warnings = translate(["--web.max-requests=3", *words, "--collector.cpu"])
    assert kept == ["--web.max-requests=3", "--collector.cpu"]
    name = words[0].split("=")[0].removeprefix("--").removeprefix("no-")
    assert len(warnings) == 1
    assert warnings[0].startswith(f"--{name} is node_exporter's and has no effect here: ")


def test_the_warning_says_why() -> None:
    """A collector that is missing and an option that is missing are told apart."""
    _, warnings = translate(["--collector.ntp.server=x", "--collector.qdisc.fixtures="])
    reasons = [warning.partition(": ")[2] for warning in warnings]
    assert "chrony_exporter" in reasons[0]
    assert "--collector.timex" in reasons[0]
    assert reasons[1] == "it is for node_exporter's own tests"


def test_the_options_of_its_perf_collector_lead_to_ours() -> None:
    """What it calls profilers, tracepoints and CPUs are events and an aggregation here."""
    assert "perf" not in LEFT_OUT
    its = [name for name in WITHOUT_EFFECT if name.startswith("collector.perf.")]
    kept, warnings = translate(["--collector.perf", *(f"--{name}" for name in its)])
    assert kept == ["--collector.perf"]
    named = [re.findall(r"--collector\.perf\.[a-z]+", warning)[-1] for warning in warnings]
    assert {"--collector.perf.events", "--collector.perf.aggregation"} == set(named)
    assert {name.removeprefix("--") for name in named} <= OURS


DEBIAN = (
    r"--collector.diskstats.ignored-devices=^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
    "--collector.filesystem.ignored-mount-points=^/(sys|proc|dev|run)($|/)",
    "--collector.netdev.ignored-devices=^lo$",
    "--collector.textfile.directory=/var/lib/prometheus/node-exporter",
)

KUBE_PROMETHEUS = (
    "--web.listen-address=127.0.0.1:9101",
    "--path.sysfs=/host/sys",
    "--path.rootfs=/host/root",
    "--path.udev.data=/host/root/run/udev/data",
    "--no-collector.wifi",
    "--no-collector.hwmon",
    "--no-collector.btrfs",
    (
        "--collector.filesystem.mount-points-exclude="
        "^/(dev|proc|sys|run/k3s/containerd/.+|var/lib/docker/.+|var/lib/kubelet/pods/.+)($|/)"
    ),
    "--collector.netclass.ignored-devices=^(veth.*|[a-f0-9]{15})$",
    "--collector.netdev.device-exclude=^(veth.*|[a-f0-9]{15})$",
)


def test_debians_arguments_of_old_are_obeyed() -> None:
    """What Debian's package proposed in /etc/default for years means the same here."""
    settings, warnings = read(*DEBIAN)
    assert len(warnings) == 3
    of = settings.collectors
    assert of["netdev"].device_exclude.pattern == "^lo$"
    assert of["filesystem"].mount_points_exclude.pattern == "^/(sys|proc|dev|run)($|/)"
    assert of["textfile"].directory == ("/var/lib/prometheus/node-exporter",)
    assert of["diskstats"].device_exclude.search("sda1")


def test_the_arguments_of_kube_prometheus_are_obeyed() -> None:
    """The arguments of its DaemonSet mean the same here, without a warning."""
    settings, warnings = read(*KUBE_PROMETHEUS)
    assert warnings == []
    assert settings.web.listen_address == (Address("127.0.0.1", 9101),)
    path = settings.path
    assert (path.sysfs, path.rootfs, path.procfs) == ("/host/sys", "/host/root", "/proc")
    assert path.udev_data == "/host/root/run/udev/data"
    assert not {"wifi", "hwmon", "btrfs"} & settings.collectors.keys()
    of = settings.collectors
    assert of["netdev"].device_exclude.search("veth12ab")
    assert of["netclass"].ignored_devices.search("veth12ab")
    assert of["filesystem"].mount_points_exclude.search("/var/lib/kubelet/pods/1/volumes")


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_former_names_are_obeyed(old: str, new: str) -> None:
    """A name that node_exporter gave up still works, with the advice to change it."""
    assert translate([f"--{old}=^x", f"--{old}", "^y"]) == (
        [f"--{new}=^x", f"--{new}", "^y"],
        [f"--{old} has another name here: use --{new}"] * 2,
    )
    assert new in OURS


@pytest.mark.parametrize("word", ["--web.config.file=x", "--web.systemd-socket"])
def test_what_must_not_be_ignored_is_refused(word: str) -> None:
    """Serving plain text to everybody who asked for TLS would be worse than not to start."""
    with pytest.raises(SettingsError, match=r"not there yet: remove it, and .*docs/configuration"):
        translate([word])


@pytest.mark.parametrize("word", ["--web.config.file=", "--no-web.systemd-socket"])
def test_what_is_refused_may_be_off(word: str) -> None:
    """Asking for the absence of what we do not have is fine."""
    assert translate([word]) == ([], [])


@pytest.mark.parametrize(
    "words",
    [
        ["--collector.cpu.gest"],
        ["--collector.bogus"],
        ["--web.bogus=1"],
        ["collector.systemd"],
        ["--", "-x", "--=", "--no-"],
    ],
)
def test_what_nobody_knows_is_left_to_the_parser(words: list[str]) -> None:
    """A misspelt option of a collector that we have is an error, not a warning."""
    assert translate(words) == (words, [])


def test_what_is_set_aside_is_not_ours() -> None:
    """The lists of exceptions name nothing that works here."""
    assert not OURS & (WITHOUT_EFFECT.keys() | RENAMED.keys() | REFUSED.keys())
