"""A fake host for collectors: kernel files in a temporary directory, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pytest

from exporter.families import Family, Filled
from exporter.kernel import KernelTree
from tests.samples import read_samples


class Collects(Protocol):
    """A collector."""

    def collect(self) -> Iterable[Family | Filled]:
        """Give its families."""
        ...


class FakeHost:
    """Kernel files that a test writes, and the tree that reads them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kernel = KernelTree(str(root / "proc"), str(root / "sys"), str(root))

    def write(self, path: str, text: str) -> None:
        """Write a file such as `proc/stat`, or overwrite it in place as the kernel would."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def samples(self, collector: Collects) -> dict[str, float]:
        """Collect, render, read back with Prometheus' own parser: numbers by name and labels."""
        return read_samples(collector.collect())


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """Give an empty host."""
    return FakeHost(tmp_path)
