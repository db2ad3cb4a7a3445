"""Which format and which encoding a client gets."""

from __future__ import annotations

import gzip as standard_gzip
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import OPENMETRICS, TEXT
from exporter.web import compression
from exporter.web.negotiation import accepts_gzip, choose_format

# As the real ones send them: 2.x up to 2.48, and 3.5.3 with default and with all protocols.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_TEXT = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (PROMETHEUS_2, OPENMETRICS),
        ("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5", OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_PROTOBUF, OPENMETRICS),
        (PROMETHEUS_3_TEXT, TEXT),
        (BROWSER, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/*", TEXT),
        ("application/json", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text ; Version = 1.0.0", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0,*/*", TEXT),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", TEXT),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.5", OPENMETRICS),
        ("text/plain;q=0.5 , application/openmetrics-text ; q=0.501", OPENMETRICS),
        # The specific range counts, not the general one with the higher quality.
        ("application/openmetrics-text;q=0.3,text/plain;q=0.2,*/*;q=1", OPENMETRICS),
        ("application/openmetrics-text;q=0.3,text/*;q=0.2,*/*;q=1", OPENMETRICS),
        ("*/*;q=1,text/plain;q=0,application/openmetrics-text;q=0.1", OPENMETRICS),
        # A text version that we do not have must not count as our text.
        ("application/openmetrics-text;q=0.3,text/plain;version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text;q=2,text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=high,text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        (",,;;,=;q", TEXT),
    ],
)
def test_the_format_is_what_the_client_likes_best(accept: str, form: str) -> None:
    """OpenMetrics when it is asked for by name and not liked less; else text."""
    assert choose_format(accept) == form


@pytest.mark.parametrize(
    ("header", "gzip"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("gzip;q=1.0, identity;q=0.5", True),
        ("identity;q=0, gzip;q=0.5", True),
        ("identity;q=0, *;q=0.5", True),
        (" gzip ; q = 0.5 ", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("identity;q=0", False),
        ("gzip;q=-1", False),
        ("gzip;q=", False),
        ("gzipped", False),
    ],
)
def test_gzip_is_sent_to_those_who_want_it(header: str, gzip: bool) -> None:
    """Named or meant by *, with a quality above 0, and not liked less than a plain body."""
    assert accepts_gzip(header) is gzip


@given(st.text(max_size=100))
def test_no_header_is_an_error(header: str) -> None:
    """Whatever a client writes, it gets one of the formats."""
    assert choose_format(header) in {TEXT, OPENMETRICS}
    assert accepts_gzip(header) in {True, False}


@pytest.mark.parametrize("fast", [True, False])
def test_gzip_gives_the_body_back(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the fast library and, where that is not installed, with the standard one."""
    if fast:
        pytest.importorskip("isal", reason="the fast library is optional: pip install isal")
    else:
        monkeypatch.setitem(sys.modules, "isal", None)
    compression._library.cache_clear()
    try:
        assert compression._library().__name__ == ("isal.isal_zlib" if fast else "zlib")
        for body in (b"", b"a 1\n" * 100_000):
            packed = compression.gzip(body)
            assert standard_gzip.decompress(packed) == body
            assert len(packed) < max(len(body) // 20, 40)
    finally:
        compression._library.cache_clear()
