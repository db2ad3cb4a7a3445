"""A fixture for the tests of services that log with this library. Needs pytest.

from monitoring.testing import monitored_test  # in conftest.py: that makes it known
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from monitoring.correlation import correlation_context, new_id
from monitoring.structured_logging import StructuredLogger, performance_context

__all__ = ["monitored_test"]


class _Measuring:
    """A plugin, while one test runs: measures its call, and not its fixtures."""

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Log what the test came to, with how long it took."""
        with performance_context(pyfuncitem.nodeid, logger="test") as operation:
            try:
                return (yield)
            except pytest.skip.Exception as error:
                operation.skipped = str(error)
                skip = error
        # Raised out here, where it is no failure of the operation.
        raise skip


@pytest.fixture
def monitored_test(request: pytest.FixtureRequest) -> Iterator[StructuredLogger]:
    """A logger named like the test, inside a correlation context that is the test's own.

    When the test has ended, one record says how: the operation is the test's node id, the status
    `ok` or `failed` (with the `error`), the duration that of the test without its fixtures. A test
    that skips itself is `ok` and has the reason as `skipped`.
    """
    plugins = request.config.pluginmanager
    with correlation_context(correlation_id=new_id()):
        measuring = _Measuring()
        plugins.register(measuring)
        yield StructuredLogger(f"test.{request.node.name}")
        plugins.unregister(measuring)
