"""What the renderer remembers from page to page, and that it does not grow."""

from __future__ import annotations

from exporter.exposition import MAX_CACHED_FAMILIES, MAX_CACHED_PREFIXES, TEXT, Renderer
from exporter.families import Family, HistogramValue, Number, gauge


def test_the_same_family_is_encoded_once() -> None:
    """The same object is the same page, an equal name with other samples is not."""
    samples: list[tuple[tuple[str, ...], Number | HistogramValue]] = [((), 1)]
    family = Family("a_x", "Help.", "gauge", (), samples)
    renderer = Renderer(TEXT)
    first = renderer.render([family])
    samples[0] = ((), 2)  # what a giver must not do, to see that nobody looks
    assert renderer.render([family]) == first
    assert renderer.render([family._replace(help="Help.")]) == first.replace(b" 1\n", b" 2\n")


def test_what_is_remembered_is_bounded() -> None:
    """Labels and names that change all the time neither grow the memory nor disturb the page."""
    renderer = Renderer(TEXT)
    for start in range(0, MAX_CACHED_PREFIXES * 2, 5000):
        rows = [((str(number),), number) for number in range(start, start + 5000)]
        page = renderer.render([Family("a", f"A {start}.", "gauge", ("x",), rows)])
        assert page.endswith(b'a{x="%d"} %d\n' % (start + 4999, start + 4999))
    assert len(renderer._prefixes) <= MAX_CACHED_PREFIXES
    for number in range(MAX_CACHED_PREFIXES + 10):
        renderer._head("a", str(number), "gauge")
    assert len(renderer._heads) <= MAX_CACHED_PREFIXES
    for number in range(MAX_CACHED_FAMILIES + 10):
        assert renderer.render([gauge(f"a{number}", "A.", 1)]).endswith(b"%d 1\n" % number)
    assert len(renderer._families) <= MAX_CACHED_FAMILIES
