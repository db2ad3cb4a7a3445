"""The list of all metrics is whole, and what it has by hand is what the collectors say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from exporter.collectors import ALL
from tools.documented_metrics import find_metrics

COLLECTORS = Path(__file__).parent.parent / "exporter" / "collectors"

NAME = re.compile(r"(node|perfwatch)_[a-z0-9_]*[a-z0-9]")


def texts() -> Iterator[str]:
    """Give each text in the code of the collectors."""
    for path in sorted(COLLECTORS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_each_name_in_the_code_is_listed() -> None:
    """What no captured host gives is listed by hand; parts of names begin listed ones."""
    listed = {metric.name for entry in ALL for metric in find_metrics(entry)}
    names = {text for text in texts() if NAME.fullmatch(text)} - {"node_exporter"}
    assert len(names) > 300
    missing = {name for name in names - listed if not any(one.startswith(name) for one in listed)}
    assert sorted(missing) == []


def test_each_meaning_is_the_code_s() -> None:
    """What is listed by hand has the words that are on the page of metrics."""
    said = set(texts())
    by_hand = [
        ("netclass", "node_network_altnames_info"),
        ("textfile", "node_textfile_mtime_seconds"),
        ("textfile", "perfwatch_textfile_file_error"),
        ("topprocesses", "node_topprocesses_open_descriptors"),
        ("topprocesses", "node_topprocesses_proportional_bytes"),
    ]
    entries = {entry.name: entry for entry in ALL}
    for collector, name in by_hand:
        (metric,) = (one for one in find_metrics(entries[collector]) if one.name == name)
        assert metric.help in said, name
