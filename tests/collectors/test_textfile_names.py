"""The textfile collector beside others: no family is on the page twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from exporter.collectors.textfile import Options, TextfileCollector
from exporter.exposition import OPENMETRICS, TEXT
from exporter.families import Family, Filled, counter, gauge
from exporter.kernel import KernelTree
from exporter.scrape import Engine
from tests.engines import collect, run_with_engine


def make(folder: Path, clock: Callable[[], float]) -> TextfileCollector:
    """Make a collector of a directory."""
    return TextfileCollector(KernelTree(), Options(directory=(str(folder),)), clock=clock)


class Other:
    """A collector whose family a file has too."""

    name = "other"

    def collect(self) -> Iterable[Family | Filled]:
        """Give it."""
        return [counter("taken_total", "Is taken.", 7), gauge("free", "Is free.", 7)]


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
def test_what_another_collector_gives_is_taken(tmp_path: Path, form: str) -> None:
    """After the first collection, which nobody sees, no family is on the page twice."""
    (tmp_path / "a.prom").write_text("mine 1\n")
    (tmp_path / "b.prom").write_text("taken_total 1\n")
    times = iter(range(0, 1000, 100))

    async def test(engine: Engine) -> None:
        await collect(engine, form=form)
        page = engine.page(await engine.collect(None, form, 60.0))
        assert page.count(b"\ntaken_total ") == 1
        assert b"\ntaken_total 7\n" in page
        assert b"\nmine 1\n" in page
        assert b'reason="reserved_name"' in page
        await collect(engine, form=form)

    run_with_engine(test, Other(), make(tmp_path, clock=lambda: float(next(times))))


def test_a_scrape_of_some_collectors_hides_no_other(tmp_path: Path) -> None:
    """What is not on a page was not looked at, as with `collect[]=textfile` in between."""
    (tmp_path / "b.prom").write_text("taken_total 1\n")

    async def test(engine: Engine) -> None:
        for _ in range(2):
            await collect(engine, 60.0, "textfile")
            await collect(engine)
        page = engine.page(await engine.collect(None, TEXT, 60.0))
        assert page.count(b"\ntaken_total ") == 1

    run_with_engine(test, Other(), make(tmp_path, clock=lambda: 5.0))


def test_without_files_nobody_looks(tmp_path: Path) -> None:
    """Looking through a page costs more than collecting."""
    collector = make(tmp_path, clock=lambda: pytest.fail("looked at"))
    collector.heed({})


def test_names_are_not_looked_for_again_at_once(tmp_path: Path) -> None:
    """Within the minute a page is not touched."""
    (tmp_path / "a.prom").write_text("a 1\n")
    collector = make(tmp_path, clock=lambda: 5.0)
    list(collector.collect())

    class Touched:
        looks = 0

        @property
        def body(self) -> bytes:
            self.looks += 1
            return b"# HELP b B.\n# TYPE b gauge\nb 1\n"

    page = Touched()
    collector.heed({"other": page, "textfile": page})
    collector.heed({"other": page})
    assert page.looks == 1
