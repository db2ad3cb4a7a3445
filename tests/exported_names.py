"""The metrics that there are: of the daemon, and of the programs that are scraped beside it."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import yaml

from tests.child import REPOSITORY
from tests.conftest import HOSTS, TESTS
from tests.prometheus import RECORDING_RULES

PAGES = (*sorted(HOSTS.glob("*/expected.prom")), TESTS / "iris" / "page.prom")
"""What the daemon gives, of captured hosts and of an instance of IRIS."""

NAMES = TESTS / "stack" / "names"
"""What other programs give, as far as we ask for it: a file by the name of the job."""

OWN = re.compile(r"(?:perfwatch|process|perf|node_scrape)_\w+")
"""What the daemon says of itself: on no page of a captured host, so its source is searched."""

OF_REQUESTS = {
    "perfwatch_http_request_duration_seconds",
    "perfwatch_http_requests_in_flight",
    "perfwatch_http_requests_total",
    "perfwatch_http_response_size_bytes",
}
"""What the library says of requests: it puts the names together from the namespace of a program."""

OF_SCRAPES = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
}
"""What Prometheus adds to each target. The last two only with `extra-scrape-metrics`."""

PREFIXES = "node|perf|iris|perfwatch|process|scrape|prometheus|alertmanager|grafana|loki|alloy"
METRIC = re.compile(rf"\b(?:(?:{PREFIXES})_\w+|\w+:\w+:\w+)")
"""A metric in a text: by their prefix they differ from other words."""

NO_METRICS = {
    "iris_instance",  # a label
    "node_exporter",  # a program
    "perf_event",  # a kind of descriptor
    "perf_event_open",  # a call of the system
    "perf_event_paranoid",  # a setting of the kernel
    "scrape_interval",  # a setting of Prometheus
    "scrape_timeout",  # another
}
"""Words that only look like metrics."""

_PARTS = re.compile(r"_(?:bucket|count|sum)$")


def samples(page: Path) -> set[str]:
    """The names of the samples in an exposition."""
    # Not by a parser: that of prometheus_client adds `_total` to counters that do without.
    return set(re.findall(r"^(\w+)[{ ]", page.read_text(), re.MULTILINE))


def documented() -> set[str]:
    """What the collectors give on captured hosts with each of their options, as docs/ has it."""
    page = (REPOSITORY / "docs" / "metrics.md").read_text()
    return set(re.findall(r"(?m)^\| `(\w+)` \|", page))


def recorded() -> set[str]:
    """The names that recording rules make."""
    files = [yaml.safe_load(path.read_text()) for path in RECORDING_RULES]
    return {rule["record"] for file in files for group in file["groups"] for rule in group["rules"]}


def listed(program: str) -> set[str]:
    """The metrics of another program, as its list has them."""
    lines = (NAMES / f"{program}.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


@functools.cache
def exported() -> frozenset[str]:
    """All metrics that a rule, a runbook or a dashboard may name, but for the daemon's own."""
    on_pages = (samples(page) for page in PAGES)
    of_programs = (listed(path.stem) for path in NAMES.glob("*.txt"))
    return frozenset().union(OF_SCRAPES, documented(), recorded(), *on_pages, *of_programs)


@functools.cache
def _own() -> frozenset[str]:
    """What the daemon's source has in quotation marks, and might be a metric of its own."""
    packages = (REPOSITORY / "exporter", REPOSITORY / "monitoring")
    source = (path.read_text() for one in packages for path in one.rglob("*.py"))
    return frozenset({*re.findall(rf'"({OWN.pattern})"', "".join(source)), *OF_REQUESTS})


def unknown(names: set[str]) -> set[str]:
    """Those of some metrics that nobody exports."""
    return {name for name in names - exported() if not {name, _PARTS.sub("", name)} & _own()}


def metrics_in(text: str) -> set[str]:
    """The metrics that a page names."""
    return set(METRIC.findall(text)) - NO_METRICS
