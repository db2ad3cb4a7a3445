"""The renderer, with prometheus_client as its oracle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import exposition as oracle_text
from prometheus_client.core import (
    CollectorRegistry,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as oracle_openmetrics

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.families import (
    Family,
    HistogramValue,
    Layout,
    Number,
    Series,
    SummaryValue,
    scaled,
)
from tests.expositions import meaning

FLOATS = [0.0, -0.0, 1e308, 5e-324, 1e16, 1e-7, 0.1, math.inf, -math.inf, math.nan]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
awkward_texts = st.one_of(
    texts, st.sampled_from(["", "\n", '"', "\\", '\\n"\n\\', "ä€𝄞", "a,b={}"])
)
naturals = st.integers(0, 2**64)
positives = st.one_of(naturals, st.floats(0, allow_nan=False), st.sampled_from([1e308, math.inf]))
numbers = st.one_of(st.integers(-(2**63), 2**64), st.floats(), st.sampled_from(FLOATS))
digits = naturals.map(lambda number: str(number).encode())


@st.composite
def families(draw: st.DrawFn, position: int) -> Family:
    """A family that exists in both formats, with anything in its texts and numbers."""
    kind = draw(st.sampled_from(["counter", "gauge", "untyped"]))
    stem = draw(st.from_regex(r"[a-z_][a-zA-Z0-9_]{0,8}", fullmatch=True))
    labels = tuple(
        draw(
            st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), max_size=3, unique=True)
        )
    )
    rows = draw(
        st.lists(st.tuples(*(awkward_texts for _ in labels)), min_size=1, max_size=4, unique=True)
    )
    number = st.one_of(digits, positives if kind == "counter" else numbers)
    return Family(
        f"{stem}_{position}{'_total' if kind == 'counter' else ''}",
        draw(awkward_texts),
        kind,
        labels,
        [(row, draw(number)) for row in rows],
    )


pages = st.integers(0, 4).flatmap(lambda count: st.tuples(*(families(n) for n in range(count))))


class Collected:
    """A registry's collector that gives what it was given."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        """Give the metrics."""
        yield from self._metrics


def render(items: Sequence[Family], form: str) -> bytes:
    """Render a whole page."""
    renderer = Renderer(form)
    return renderer.render(items) + renderer.end


def oracle_page(metrics: Iterable[Metric], form: str) -> bytes:
    """What prometheus_client prints for the same."""
    registry = CollectorRegistry()
    registry.register(Collected(metrics))
    if form == OPENMETRICS:
        return bytes(oracle_openmetrics.generate_latest(registry))  # type: ignore[no-untyped-call]
    return oracle_text.generate_latest(registry)


def to_oracle(family: Family) -> Metric:
    """The same family as prometheus_client's."""
    name = family.name.removesuffix("_total")
    metric = Metric(name, family.help, family.type)
    for row, number in family.samples:
        assert not isinstance(number, HistogramValue | SummaryValue)
        labels = dict(zip(family.labels, row, strict=True))
        metric.add_sample(family.name, labels, float(number))
    return metric


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
@given(page=pages)
def test_pages_say_what_prometheus_client_says(form: str, page: Sequence[Family]) -> None:
    """Names, help, types, labels, values and order are the same, whatever stands in them."""
    openmetrics = form == OPENMETRICS
    expected = oracle_page(map(to_oracle, page), form)
    ours = meaning(render(page, form), openmetrics=openmetrics)
    assert ours == meaning(expected, openmetrics=openmetrics)
    assert list(ours) == [family.name.removesuffix("_total") for family in page]


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
@given(page=pages, exponent=st.sampled_from([0, -2, -3, -6, 2]))
def test_a_filled_layout_is_the_same_page_as_its_families(
    form: str, page: Sequence[Family], exponent: int
) -> None:
    """The fast form differs from the plain one in nothing; the exponent from arithmetic neither."""
    layout = Layout(
        [
            Series(one.name, one.help, one.type, one.labels, [row for row, _ in one.samples])
            if exponent == 0
            else Series(
                one.name, one.help, one.type, one.labels, [row for row, _ in one.samples], exponent
            )
            for one in page
        ]
    )
    given_numbers: list[Number] = []
    for family in page:
        for place, (_, number) in enumerate(family.samples):
            assert not isinstance(number, HistogramValue | SummaryValue)
            given_numbers.append(number if exponent == 0 else str(place * 12345).encode())
    filled = layout.fill(given_numbers)
    openmetrics = form == OPENMETRICS
    renderer = Renderer(form)
    fast = renderer.render([filled])
    assert meaning(fast + renderer.end, openmetrics=openmetrics) == meaning(
        render(list(filled.families()), form), openmetrics=openmetrics
    )
    if exponent == 0:
        assert fast + renderer.end == render(page, form)
    assert renderer.render([filled]) == fast


def test_an_exponent_reads_back_as_the_exact_number() -> None:
    """12345 ticks with exponent -2 are 123.45, for a reader as for us."""
    layout = Layout([Series("t_seconds_total", "T.", "counter", exponent=-2)])
    page = Renderer(TEXT).render([layout.fill([b"12345"])])
    assert page.endswith(b"t_seconds_total 12345e-2\n")
    assert meaning(page)["t_seconds"][3][0][2] == repr(scaled(b"12345", -2)) == "123.45"


def test_a_layout_renders_new_numbers_and_both_formats() -> None:
    """What is kept from the first scrape is the names, never the numbers or the format."""
    layout = Layout([Series("a_total", "A.", "counter")])
    text, openmetrics = Renderer(TEXT), Renderer(OPENMETRICS)
    assert text.render([layout.fill([1])]).endswith(b"# TYPE a_total counter\na_total 1\n")
    assert openmetrics.render([layout.fill([2])]).endswith(b"# TYPE a counter\na_total 2\n")
    assert text.render([layout.fill([3])]).endswith(b"# TYPE a_total counter\na_total 3\n")


def test_numbers_are_printed_as_short_as_they_are_exact() -> None:
    """Every reader gets back the number that was meant, minus zero and the special ones too."""
    numbers: list[Number] = [
        0.0,
        -0.0,
        5.0,
        1e308,
        5e-324,
        1e16,
        math.inf,
        -math.inf,
        math.nan,
        2**64,
        b"007",
    ]
    rows = [(str(place),) for place in range(len(numbers))]
    family = Family("a", "", "gauge", ("n",), list(zip(rows, numbers, strict=True)))
    printed = [line.split()[1] for line in Renderer(TEXT).render([family]).splitlines()[2:]]
    assert b" ".join(printed) == (
        b"0 -0 5 1e+308 5e-324 1e+16 +Inf -Inf NaN 18446744073709551616 007"
    )


def test_openmetrics_ends_with_eof_and_text_does_not() -> None:
    """The strict reader refuses a page without # EOF; the text format does not have it."""
    page = [Family("a", "A.", "gauge", (), [((), 1)])]
    assert render(page, OPENMETRICS).endswith(b"a 1\n# EOF\n")
    assert render(page, TEXT).endswith(b"a 1\n")


@pytest.mark.parametrize(("form", "kind"), [(TEXT, "counter"), (OPENMETRICS, "unknown")])
def test_a_counter_without_total_keeps_its_name(form: str, kind: str) -> None:
    """node_exporter has such counters: OpenMetrics has no type for them, but they stay readable."""
    page = render([Family("node_context_switches", "C.", "counter", (), [((), 5)])], form)
    assert b"# TYPE node_context_switches %b\nnode_context_switches 5\n" % kind.encode() in page


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
@given(
    counts=st.lists(st.integers(0, 1000), min_size=3, max_size=3).map(sorted),
    total=st.floats(0, 1e9),
    label=awkward_texts.filter(bool),
)
def test_histograms_are_those_of_prometheus_client(
    form: str, counts: list[int], total: float, label: str
) -> None:
    """Buckets with le, the sum and the count, in both formats."""
    ours = Family(
        "h_seconds",
        "H.",
        "histogram",
        ("handler",),
        [((label,), HistogramValue((0.5, 1.0, math.inf), tuple(counts), total))],
    )
    theirs = HistogramMetricFamily("h_seconds", "H.", labels=["handler"])
    buckets = list(zip(["0.5", "1.0", "+Inf"], counts, strict=True))
    theirs.add_metric([label], buckets, total)
    openmetrics = form == OPENMETRICS
    assert meaning(render([ours], form), openmetrics=openmetrics) == meaning(
        oracle_page([theirs], form), openmetrics=openmetrics
    )


def test_an_empty_label_is_not_printed() -> None:
    """Prometheus counts an empty label as none; all empty means no braces."""
    family = Family("a", "A.", "gauge", ("x", "y"), [(("", "1"), 1), (("", ""), 2)])
    assert Renderer(TEXT).render([family]).endswith(b'\na{y="1"} 1\na 2\n')


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
def test_a_family_without_samples_is_not_printed(form: str) -> None:
    """A head with nothing below says nothing; plain and filled families agree on it."""
    empty = Family("a", "A.", "gauge", ("x",), [])
    layout = Layout([Series("a", "A.", "gauge", ("x",), [])])
    assert Renderer(form).render([empty, layout.fill([])]) == b""


@pytest.mark.parametrize("wrong", [None, "1", 1j, [1]])
def test_what_is_not_a_number_is_a_type_error(wrong: object) -> None:
    """Neither a plain nor a filled family prints it."""
    family = Family("a", "A.", "gauge", (), [((), wrong)])  # type: ignore[list-item]
    filled = Layout([Series("a", "A.", "gauge")]).fill([wrong])  # type: ignore[list-item]
    for item in (family, filled):
        with pytest.raises(TypeError, match=f"got {type(wrong).__name__}"):
            Renderer(TEXT).render([item])


def test_label_values_must_match_label_names() -> None:
    """A row with too many or too few values is an error, not a shifted label."""
    family = Family("a", "A.", "gauge", ("x", "y"), [(("1",), 1)])
    with pytest.raises(ValueError, match="zip"):
        Renderer(TEXT).render([family])


def test_undecodable_text_does_not_break_the_page() -> None:
    """A lone surrogate, as os.fsdecode makes it of bad file names, is replaced."""
    page = Renderer(TEXT).render([Family("a", "A\udcff", "gauge", ("x",), [(("\udcff",), 1)])])
    assert page == b'# HELP a A?\n# TYPE a gauge\na{x="\\\\udcff"} 1\n'


def test_different_undecodable_labels_stay_different() -> None:
    """Two bad file names must not become one series."""
    names = [b"disk\xfe", b"disk\xff", b"disk?"]
    rows = [((name.decode("utf-8", "surrogateescape"),), 1) for name in names]
    lines = Renderer(TEXT).render([Family("a", "A.", "gauge", ("x",), rows)]).splitlines()
    assert len(set(lines[2:])) == len(names)


class Celsius(float):
    """A float that prints itself with its unit, as the number types of libraries do."""

    def __repr__(self) -> str:
        return f"{float(self)} C"


def test_a_number_that_prints_itself_otherwise_is_a_plain_number() -> None:
    """Plain and filled families give its value alone."""
    family = Family("a", "A.", "gauge", (), [((), Celsius(36.6))])
    filled = Layout([Series("a", "A.", "gauge")]).fill([Celsius(36.6)])
    for item in (family, filled):
        assert Renderer(TEXT).render([item]).endswith(b"\na 36.6\n")
