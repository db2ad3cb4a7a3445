"""The OpenAPI file is true: schemathesis asks a running daemon all that the file describes.

It sends what the file allows and what it does not, methods that a path does not have too, and
compares codes, headers, content types and bodies with the file.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.applications import Starlette

from exporter.outcome import FAILED, NO_DATA, OK, TIMEOUT
from exporter.setting_groups import parse_telemetry_path
from exporter.web import api
from exporter.web.requests import RequestLayer
from monitoring.resource_thresholds import ResourceThresholds
from tests.daemon import Daemon, start_daemon
from tests.serving import serving

FILE: dict[str, Any] = yaml.safe_load(api.openapi())
SCHEMA = schemathesis.openapi.from_dict(FILE)
MONITORING = [f"{api.PREFIX}/{field.name}" for field in dataclasses.fields(api.Sources)]

EXAMPLES = 10
"""Random requests for each operation, beside those that are made of the file itself."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon in which all that the file describes is turned on."""
    storage = tmp_path_factory.mktemp("storage")
    with start_daemon(f"--storage.path={storage}", "--web.enable-lifecycle") as started:
        yield started


def ask(path: str, url: str, **wishes: Any) -> int:
    """Ask a page once, check the answer against the file, and give its code."""
    return int(SCHEMA[path]["GET"].Case().call_and_validate(base_url=url, **wishes).status_code)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,  # other tests may hold the CPU
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_the_daemon_does_what_the_file_says(case: schemathesis.Case[Any], daemon: Daemon) -> None:
    """Whatever is sent, the answer is one that the file has; none is an error of the daemon."""
    # Which names of collectors are right is for the configuration to say.
    on_metrics: list[schemathesis.CheckFunction] = [positive_data_acceptance]
    excluded = on_metrics if case.path == "/metrics" else []
    case.call_and_validate(base_url=daemon.url, excluded_checks=excluded)


def test_a_daemon_that_keeps_nothing_does_too() -> None:
    """As it is with all defaults."""
    with start_daemon() as plain:
        assert [ask(path, plain.url) for path in MONITORING] == [200] * len(MONITORING)


def test_errors_are_as_the_file_says() -> None:
    """A source that fails, and one that does not come to an end."""

    def bug() -> dict[str, Any]:
        raise LookupError("the inner workings")

    async def endless() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def codes(source: api.Source) -> set[int]:
        sources = api.Sources(*[source] * len(MONITORING))
        async with serving(RequestLayer(Starlette(routes=api.routes(sources)))) as site:
            asked = [
                asyncio.to_thread(
                    ask,
                    path,
                    f"http://127.0.0.1:{site.port}",
                    excluded_checks=[not_a_server_error],
                )
                for path in MONITORING
            ]
            return set(await asyncio.gather(*asked))

    assert asyncio.run(codes(bug)) == {500}
    assert asyncio.run(codes(endless)) == {503}


def test_the_file_is_valid() -> None:
    """As OpenAPI 3.1 defines it."""
    SCHEMA.validate()


def references(node: Any) -> Iterator[str]:
    """Every reference below a node."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def find(reference: str) -> Any:
    """What a reference leads to; raises LookupError where that is nothing."""
    node: Any = FILE
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_references_lead_somewhere_and_no_component_is_left_over() -> None:
    """A component that nothing uses is one that no test sees."""
    used = set(references(FILE))
    assert all(find(reference) for reference in used)
    components = {
        f"#/components/{kind}/{name}" for kind, all_ in FILE["components"].items() for name in all_
    }
    assert components <= used


def test_each_page_of_the_api_is_described() -> None:
    """Those that are served, and no others."""
    still: api.Source = dict
    served = {
        route.path
        for route in api.routes(api.Sources(*[still] * len(MONITORING)))
        if "{" not in route.path
    }
    assert {path for path in FILE["paths"] if path.startswith("/api/")} == served


@pytest.mark.parametrize("path", sorted(set(FILE["paths"]) - {"/metrics"}))
def test_the_metrics_page_cannot_take_the_place_of_a_described_one(path: str) -> None:
    """Its path can be chosen."""
    with pytest.raises(ValueError, match="none of the daemon's own"):
        parse_telemetry_path(path)


def test_words_that_no_test_may_see_are_those_of_the_code() -> None:
    """The states of collectors, and the resources that can be watched."""
    schemas = FILE["components"]["schemas"]
    states = schemas["Collector"]["properties"]["status"]["enum"]
    assert set(states) == {OK, NO_DATA, FAILED, TIMEOUT, "not collected yet"}
    resources = schemas["Resources"]["properties"]["resources"]["propertyNames"]["enum"]
    assert set(resources) == {field.name for field in dataclasses.fields(ResourceThresholds)}
