"""The daemon with a governor in a hurry: a decision takes 3 seconds, as a minute of the rules does.

Tests start it instead of the daemon, with the same flags. Nothing but waiting is changed.
"""

from __future__ import annotations

import sys

from exporter.cli import main
from exporter.iris import instance, keeper
from exporter.iris.governor import governor
from tests.prometheus import HURRY


def hurry() -> None:
    """Shorten what the governor and its instance wait for."""
    for module, name in (
        (governor, "SAMPLE_SECONDS"),
        (keeper, "SAMPLE_SECONDS"),  # each has imported the number
        (governor, "DECISION_SECONDS"),
        (keeper, "CONTROL_SECONDS"),
        (instance, "MIN_SHOWN_SECONDS"),
    ):
        setattr(module, name, getattr(module, name) / HURRY)


if __name__ == "__main__":
    hurry()
    sys.exit(main())
