"""What the tests of the stack share."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for what is not to be done to every machine."""
    parser.addoption(
        "--real-load",
        action="store_true",
        help="burn all CPUs of this machine for half a minute, to see the alert about it",
    )
