from __future__ import annotations

import pytest

from exporter.perf.patience import Patience


@pytest.mark.parametrize(("interval", "seconds"), [(0.1, 5.0), (1.0, 5.0), (10.0, 50.0)])
def test_silence_is_measured_in_intervals(interval: float, seconds: float) -> None:
    """One that prints every ten seconds may be silent for longer."""
    assert Patience().silent_for(interval) == seconds
