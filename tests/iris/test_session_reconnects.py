from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.child import REPOSITORY
from tests.iris.reconnecting import WARM_UP

COUNT = 20
"""`python -m tests.iris.reconnecting 1000` is the same for longer than a test may take."""

MAX_BYTES = 50 * COUNT
"""A reconnection that leaves an object behind leaves more."""


@pytest.mark.timeout(120)
def test_reconnecting_leaves_nothing_behind() -> None:
    """No descriptor, no process, no memory, however the connection was lost."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.iris.reconnecting", str(COUNT)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert found["logins"] == COUNT + WARM_UP + 2
    assert found["more_descriptors"] == 0
    assert not found["has_children"]
    assert found["more_allocated_bytes"] <= MAX_BYTES
