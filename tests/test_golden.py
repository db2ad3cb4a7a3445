"""Every collector on every captured host, compared with the committed exposition.

`pytest tests/test_golden.py --update-golden` rewrites the expositions; the diff is the review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector as ForeignCollector

from exporter.collectors import ALL, Entry
from exporter.exposition import OPENMETRICS
from exporter.families import Family, HistogramValue, SummaryValue
from exporter.kernel import NoData
from tests.goldens import GOLDENS, HOSTS, NAMES, Golden, attempt, expand, make_collector

every_golden = pytest.mark.parametrize(
    "golden", GOLDENS, ids=lambda one: f"{one.host}-{one.path.stem}"
)


@pytest.fixture(scope="module", autouse=True)
def _rewrite(update_golden: bool) -> None:
    """Rewrite the expositions before any test reads one, when that is wanted."""
    for golden in GOLDENS if update_golden else ():
        golden.path.write_text(golden.render())


@every_golden
def test_exposition_is_the_committed_one(golden: Golden) -> None:
    """What the collectors give on a captured host is what was reviewed."""
    assert golden.render().splitlines() == golden.path.read_text().splitlines()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("entry", ALL, ids=[entry.name for entry in ALL])
def test_second_collection_gives_the_same(name: str, entry: Entry) -> None:
    """What a collector keeps from one scrape to the next changes nothing in what it gives."""
    collector = make_collector(name, entry)
    first, second = attempt(collector), attempt(collector)
    if isinstance(first, NoData):
        assert str(second) == str(first)
    else:
        assert not isinstance(second, NoData)
        assert list(expand(second)) == list(expand(first))


def series(metrics: Iterable[Metric]) -> Iterator[tuple[str, frozenset[tuple[str, str]], float]]:
    """List name, labels and value of every sample."""
    for metric in metrics:
        for sample in metric.samples:
            # A counter of more than 53 bits is an exact int to the parser.
            yield sample.name, frozenset(sample.labels.items()), float(sample.value)


NEGATIVE = frozenset(
    {
        "node_bcache_writeback_change",
        "node_bcache_writeback_rate_integral_term",
        "node_bcache_writeback_rate_proportional_term",
        "node_hwmon_temp_celsius",
        "node_hwmon_temp_lcrit_celsius",
        "node_hwmon_temp_min_celsius",
        "node_swap_priority",
        "node_thermal_zone_temp",
        "node_timex_offset_seconds",
        "node_wifi_station_signal_dbm",
        "node_zfs_arc_memory_available_bytes",
    }
)
"""What can be below 0. Elsewhere that, or NaN, would stand for an unknown value."""


@every_golden
def test_series_are_unique_and_known(golden: Golden) -> None:
    """No series occurs twice, and no value stands for an unknown one."""
    values = list(series(parse_text(golden.path.read_text())))
    twice = [key for key, count in Counter(one[:2] for one in values).items() if count > 1]
    assert values
    assert twice == []
    assert [one for one in values if not one[2] >= 0 and one[0] not in NEGATIVE] == []


SHARED = {"node_cpu_frequency_hertz": {"cpu", "cpufreq"}}
"""Families that two collectors know, but only one of them on any host: test_cpuinfo.py."""


def test_family_belongs_to_one_collector() -> None:
    """A family has one owner, and on every host the same type and help."""
    owners: dict[str, set[str]] = {}
    heads: dict[str, set[tuple[str, str]]] = {}
    for golden in GOLDENS:
        for collector, items in golden.collect().items():
            for family in () if isinstance(items, NoData) else expand(items):
                owners.setdefault(family.name, set()).add(collector)
                heads.setdefault(family.name, set()).add((family.type, family.help))
    assert {name: found for name, found in owners.items() if len(found) > 1} == SHARED
    assert {name: found for name, found in heads.items() if len(found) > 1} == {}


@every_golden
def test_host_gives_each_family_once(golden: Golden) -> None:
    """The samples of a family stand together under one head."""
    counts = Counter(family.name for family in golden.families())
    assert [family for family, count in counts.items() if count > 1] == []


class Foreign(ForeignCollector):
    """Our families as prometheus_client's own."""

    def __init__(self, ours: Iterable[Family]) -> None:
        self._ours = ours

    def collect(self) -> Iterator[Metric]:
        """Give them to its registry."""
        for name, help_text, kind, labels, samples in self._ours:
            bare = name.removesuffix("_total") if kind == "counter" else name
            metric = Metric(bare, help_text, kind)
            for values, number in samples:
                pairs = zip(labels, values, strict=True)
                assert not isinstance(number, HistogramValue | SummaryValue)
                metric.add_sample(name, {k: v for k, v in pairs if v}, float(number))
            yield metric


def described(metrics: Iterable[Metric]) -> dict[str, tuple[str, str, set[object]]]:
    """Give what a family says, by its name."""
    return {
        metric.name: (metric.type, metric.documentation, set(series([metric])))
        for metric in metrics
    }


@every_golden
def test_rendering_means_what_prometheus_client_means(golden: Golden) -> None:
    """prometheus_client's encoder says the same of our families: the oracle of our renderer."""
    registry = CollectorRegistry()
    registry.register(Foreign(golden.families()))
    theirs = described(parse_text(generate_latest(registry).decode()))
    assert described(parse_text(golden.path.read_text())) == theirs


@every_golden
def test_openmetrics_is_strict_and_equal(golden: Golden) -> None:
    """The OpenMetrics form passes the strict parser and has the same series."""
    text = golden.render(OPENMETRICS)
    parsed = parse_openmetrics(text)  # type: ignore[no-untyped-call]
    assert set(series(parsed)) == set(series(parse_text(golden.path.read_text())))


@every_golden
def test_golden_says_nothing_of_this_machine(golden: Golden) -> None:
    """No path of the tests' own machine is in an exposition."""
    assert str(HOSTS) not in golden.path.read_text()


def value(host: str, metric: str, **labels: str) -> float | None:
    """Find the value of a series in a golden file; none when it is absent."""
    wanted = (metric, frozenset(labels.items()))
    found = [
        one[2] for one in series(parse_text(Golden(host).path.read_text())) if one[:2] == wanted
    ]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("metric", "labels", "expected"),
    [
        ("node_network_receive_bytes_total", {"device": "ens5"}, 188_220_334_118),
        ("node_network_receive_bytes_total", {"device": "eth0"}, None),
        ("node_netstat_Tcp_CurrEstab", {}, 118),
        ("node_netstat_Ip6_OutOctets", {}, 44_118),
        ("node_sockstat_TCP_inuse", {}, 141),
        ("node_sockstat_TCP6_inuse", {}, 22),
        (
            "node_filesystem_readonly",
            {"device": "/dev/nvme1n1", "mountpoint": "/data", "fstype": "ext4"},
            0,
        ),
        (
            "node_filesystem_readonly",
            {"device": "tmpfs", "mountpoint": "/scratch", "fstype": "tmpfs"},
            None,
        ),
    ],
)
def test_container_shows_the_host(
    metric: str, labels: dict[str, str], expected: float | None
) -> None:
    """With the host's /proc mounted, process 1's network and mounts count, not the container's."""
    assert value("container", metric, **labels) == expected


def test_cpu_that_is_offline_has_no_time() -> None:
    """An offline CPU is shown as offline, and has no other series."""
    assert value("container", "node_cpu_online", cpu="5") == 0
    assert value("container", "node_cpu_online", cpu="6") == 1
    assert value("container", "node_cpu_seconds_total", cpu="5", mode="idle") is None
    assert value("container", "node_cpu_seconds_total", cpu="6", mode="idle") is not None


@pytest.mark.parametrize(
    "metric",
    [
        "node_disk_discards_completed_total",
        "node_disk_flush_requests_total",
        "node_memory_MemAvailable_bytes",
        "node_netstat_Ip6_InOctets",
        "node_netstat_TcpExt_TCPSynRetrans",
        "node_network_receive_nohandler_total",
        "node_pressure_cpu_waiting_seconds_total",
        "node_sockstat_TCP6_inuse",
        "node_vmstat_oom_kill",
    ],
)
def test_what_an_old_kernel_lacks_is_absent(metric: str) -> None:
    """What Linux 3.10 does not count is not shown as 0; newer kernels have it."""
    assert f"# TYPE {metric} " not in Golden("old-kernel").path.read_text()
    assert f"# TYPE {metric} " in Golden("bare-metal-128").path.read_text()
