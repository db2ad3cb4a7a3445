"""The reader of the text format, beside prometheus_client's and the renderer."""

from __future__ import annotations

import contextlib
import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import OPENMETRICS, Renderer
from exporter.families import Family, HistogramValue, SummaryValue
from exporter.text_format import (
    MAX_LINE_LENGTH,
    MAX_LINES,
    DuplicateError,
    TextFamily,
    TimestampError,
    parse_text_format,
)
from monitoring.metrics import to_prometheus
from tests.samples import read_samples


def parse_one(text: str) -> TextFamily:
    """Parse a text of one family."""
    (family,) = parse_text_format(text.encode())
    return family


def test_a_family_is_what_its_lines_say() -> None:
    """Help, type, labels and digits are kept; escapes are resolved, empty labels dropped."""
    family = parse_one(
        "# a comment\n# HELP jobs Jobs\\nof \\\\ all.\n# TYPE jobs counter\n\n"
        ' jobs{queue="a\\"b\\\\\\n",host="",} 12\njobs {  }  +1.50e3\n'
    )
    assert (family.name, family.help, family.type) == ("jobs", "Jobs\nof \\ all.", "counter")
    assert family.series == {(("queue", 'a"b\\\n'),): b"12", (): b"+1.50e3"}


def test_lines_of_a_family_need_not_stand_together() -> None:
    """Samples find their family; without TYPE it is untyped, and without samples it is none."""
    families = parse_text_format(b'# TYPE none gauge\na{x="1"} 1\nb 2\na{x="2"} 3\n')
    assert [(one.name, one.type, len(one.series)) for one in families] == [
        ("a", "untyped", 2),
        ("b", "untyped", 1),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", b"1"),
        ("-.5", b"-.5"),
        ("5.", b"5."),
        ("18446744073709551615", b"18446744073709551615"),
        ("1" + "0" * 60, 1e60),
        ("+Inf", math.inf),
        ("-infinity", -math.inf),
    ],
)
def test_numbers_stay_digits(text: str, number: object) -> None:
    """What is finite and short is passed on as it is."""
    assert parse_one(f"a {text}\n").series[()] == number


def test_no_number_is_a_number() -> None:
    """NaN is taken in any letters."""
    value = parse_one("a NaN\n").series[()]
    assert isinstance(value, float)
    assert math.isnan(value)


HISTOGRAM = """# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="0.50"} 0
h_bucket{le="+Inf"} 2
h_sum 3.5
h_count 2
"""


def test_a_histogram_is_put_together() -> None:
    """Buckets in order, count and sum, for each set of labels."""
    assert parse_one(HISTOGRAM).series == {(): HistogramValue((0.5, 1.0, math.inf), (0, 1, 2), 3.5)}


def test_the_last_bucket_may_be_missing() -> None:
    """It is the count, by definition."""
    text = HISTOGRAM.replace('h_bucket{le="+Inf"} 2\n', "")
    assert parse_one(text).series == parse_one(HISTOGRAM).series


SUMMARY = '# TYPE s summary\ns{quantile="0.5",a="b"} NaN\ns_sum{a="b"} 3\ns_count{a="b"} 2\n'


def test_a_summary_is_put_together_and_shown() -> None:
    """Quantiles, count and sum come out of the renderer as they went in."""
    value = parse_one(SUMMARY.replace("NaN", "1.5")).series[(("a", "b"),)]
    assert value == SummaryValue(((0.5, 1.5),), 2, 3.0)
    family = Family("s", "S.", "summary", ("a",), [(("b",), value)])
    expected = {
        's{a="b",quantile="0.5"}': 1.5,
        's_count{a="b"}': 2,
        's_sum{a="b"}': 3,
    }
    assert read_samples([family]) == expected
    assert b"# TYPE s summary\n" in Renderer(OPENMETRICS).render([family])
    (foreign,) = to_prometheus([family])
    assert {(one.name, one.value) for one in foreign.samples} == {
        ("s", 1.5),
        ("s_count", 2),
        ("s_sum", 3),
    }


@pytest.mark.parametrize(
    "text",
    [
        "a 1",  # cut off
        "a 1\n# TYPE",
        "a\n",
        "a \n",
        "a1\n",
        "1a 1\n",
        "a 1\r\n",
        "a 1 \n",
        "a 0x1p3\n",
        "a 1_0\n",
        "a 1e999\n",
        "a \u0661\n",
        'a{b:c="1"} 1\n',
        'a{b="1" c="2"} 1\n',
        "a{,} 1\n",
        'a{b="1",b="2"} 1\n',
        'a{__name__="b"} 1\n',
        'a{b="\\t"} 1\n',
        'a{b="1} 1\n',
        '{"a"} 1\n',
        'a 1 # {b="c"} 1\n',
        "# TYPE a info\n",
        "# TYPE a gauge \n",
        "# TYPE a gauge\n# TYPE a gauge\n",
        "a 1\n# TYPE a gauge\n",
        "# HELP a b\n# HELP a b\n",
        "# HELP a \\t\n",
        "# HELP 1a b\n",
        "# TYPE h histogram\nh 1\n",
        "# TYPE h histogram\nh_bucket 1\n",
        '# TYPE h histogram\nh_bucket{le="NaN"} 1\n',
        '# TYPE h histogram\nh_bucket{le="1"} 1\n',
        '# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\n',
        HISTOGRAM.replace("h_count 2", "h_count 3"),
        HISTOGRAM.replace('"1"} 1', '"1"} 1.5'),
        HISTOGRAM.replace('"1"} 1', '"1"} -1'),
        "# TYPE s summary\ns 1\n",
        SUMMARY.replace('s_count{a="b"} 2\n', ""),
    ],
)
def test_what_node_exporter_refuses_is_refused(text: str) -> None:
    """Such a file is an error, and no series of it is shown."""
    with pytest.raises(ValueError, match=r"."):
        parse_text_format(text.encode())


@pytest.mark.parametrize("text", ['a{b="%s"} 1\n', 'a{b="%s\n', "a{%s\n"])
def test_a_long_line_takes_no_more_memory_than_its_length(text: str) -> None:
    """One file of 8 MB with one line must not take 1.4 GB, and seconds without a break."""
    content = (text % ("x" * 1_000_000)).encode()
    tracemalloc.start()
    try:
        with contextlib.suppress(ValueError):
            parse_text_format(content)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(content)
    finally:
        tracemalloc.stop()


def test_no_line_is_longer_than_anybody_writes() -> None:
    """The longest that is taken needs a few megabytes; one more character is refused."""
    longest = 'a{b="%s"} 1\n' % ("x" * (MAX_LINE_LENGTH - len('a{b=""} 1')))
    tracemalloc.start()
    try:
        (family,) = parse_text_format(longest.encode())
        assert tracemalloc.get_traced_memory()[1] < 200 * len(longest)
    finally:
        tracemalloc.stop()
    assert family.name == "a"
    with pytest.raises(ValueError, match="at most 65536"):
        parse_text_format(longest.replace("x", "xx", 1).encode())


def test_no_file_has_more_lines_than_a_collector_may_give() -> None:
    """Half a million families in one file would take seconds and hundreds of megabytes."""
    with pytest.raises(ValueError, match="more than 200000 lines"):
        parse_text_format(b"a 1\n" * (MAX_LINES + 1))


def test_an_error_names_its_line() -> None:
    """Whoever wrote the file finds the place."""
    with pytest.raises(ValueError, match=r"^line 3: not a number: 'x'"):
        parse_text_format(b"a 1\n\nb x\n")


def test_bytes_that_are_no_text_are_refused() -> None:
    """The page is UTF-8."""
    with pytest.raises(ValueError, match="utf-8"):
        parse_text_format(b'a{b="\xff"} 1\n')


@pytest.mark.parametrize("text", ["a 1 1234567\n", 'a{b="c"} 1 -1\n'])
def test_timestamps_are_told_apart(text: str) -> None:
    """A time of its own is an error of its own kind."""
    with pytest.raises(TimestampError, match="line 1"):
        parse_text_format(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "a 1\na 1\n",
        'a 1\na{b=""} 2\n',
        HISTOGRAM + "h_sum 3.5\n",
        HISTOGRAM + 'h_bucket{le="1.0"} 1\n',
    ],
)
def test_series_that_are_there_twice_are_told_apart(text: str) -> None:
    """Prometheus would keep one of them, and nobody knows which."""
    with pytest.raises(DuplicateError, match="second time"):
        parse_text_format(text.encode())


def test_a_sample_name_of_two_families_is_a_duplicate() -> None:
    """`h_sum` on its own, and of the histogram `h` that comes later."""
    text = 'h_bucket 1\n# TYPE h histogram\nh_count{a="b"} 0\nh_sum{a="b"} 0\n'
    with pytest.raises(DuplicateError, match="two families"):
        parse_text_format(text.encode())


@given(
    st.one_of(st.binary(max_size=80), st.text('a{}="\\,# TYPEHL\n1.', max_size=60).map(str.encode))
)
def test_any_bytes_are_a_page_or_a_value_error(content: bytes) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(ValueError):
        parse_text_format(content)


NAMES = st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}", fullmatch=True).filter(
    lambda name: not name.endswith("_total")
)
LABELS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), st.text(max_size=6), max_size=3
)
SAMPLES = st.dictionaries(
    NAMES,
    st.tuples(
        st.sampled_from(["gauge", "untyped"]),
        st.text(max_size=9).map(str.strip),
        st.lists(st.tuples(LABELS, st.floats(allow_nan=False)), min_size=1, max_size=3),
    ),
    max_size=3,
)


@given(SAMPLES)
def test_what_the_renderer_prints_is_read_as_prometheus_client_reads_it(
    pages: dict[str, tuple[str, str, list[tuple[dict[str, str], float]]]],
) -> None:
    """Names, types, labels and numbers are those of the oracle."""
    families = [
        Family(name, text, kind, tuple(labels), [(tuple(labels.values()), number)])
        for name, (kind, text, samples) in pages.items()
        for labels, number in samples[:1]
    ]
    page = Renderer("text").render(families)
    ours = {
        (family.name, family.type, pairs): float(value)  # type: ignore[arg-type]
        for family in parse_text_format(page)
        for pairs, value in family.series.items()
    }
    theirs = {
        (metric.name, metric.type.replace("unknown", "untyped"), pairs): sample.value
        for metric in text_string_to_metric_families(page.decode())
        for sample in metric.samples
        for pairs in [tuple(sorted((k, v) for k, v in sample.labels.items() if v))]
    }
    assert ours == theirs
