"""The real driver, in the process of the tests."""

from __future__ import annotations

from typing import Any

import iris

from tests.iris.double.server import Double


def connect(double: Double, **changes: Any) -> Any:
    """Log in to the double."""
    login = {
        "hostname": "127.0.0.1",
        "port": double.port,
        "namespace": "%SYS",
        "username": double.instance.username,
        "password": double.instance.password,
        "timeout": 5,
        "sharedmemory": False,
    }
    return iris.connect(**{**login, **changes})
