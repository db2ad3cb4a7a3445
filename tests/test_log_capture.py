"""What Python itself would write to stderr comes as records; what is somebody else's stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.child import REPOSITORY
from tests.logs import records

UNSHOWABLE = """
class Called:
    __repr__ = None
    def __call__(self, _):
        raise OSError("token=S3cret")
class Cup:
    pass
cup = Cup()
watched = weakref.ref(cup, Called())
del cup
"""

FINALIZER = """
class Cup:
    def __del__(self):
        raise OSError("token=S3cret")
Cup()
"""

BEGIN = """
import sys, threading, warnings, weakref
from monitoring.structured_logging import configure
"""

IN_A_THREAD = """
def work():
    raise ConnectionError("no connection to iris://_SYSTEM:S3cret@db:1972/USER")
thread = threading.Thread(target=work, name="poller")
thread.start()
thread.join()
"""


def run(program: str) -> tuple[int, str]:
    """Run a program; give its exit code and what it said on stderr."""
    child = subprocess.run(
        [sys.executable, "-W", "always", "-c", BEGIN + program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert child.stdout == ""
    return child.returncode, child.stderr


def only(said: str) -> dict[str, Any]:
    """The one record there is: Python's, and without its secret."""
    assert "S3cret" not in said
    [record] = records(said)
    assert record["logger"] == "python"
    return record


def test_an_uncaught_exception_ends_the_process_with_one_record() -> None:
    """And with the exit code as ever."""
    code, said = run("configure()\nraise ValueError('password=S3cret')")
    record = only(said)
    assert (code, record["level"], record["message"]) == (1, "error", "uncaught exception")
    assert record["exception"].endswith("ValueError: password=[redacted]")


def test_before_it_is_configured_python_says_it() -> None:
    """Nothing is lost at the start."""
    code, said = run("raise ValueError('early')")
    assert code == 1
    assert said.endswith("ValueError: early\n")


def test_an_exception_of_a_thread_is_a_record() -> None:
    """With the thread's name."""
    code, said = run(f"configure()\n{IN_A_THREAD}")
    record = only(said)
    assert (code, record["level"], record["message"]) == (0, "error", "uncaught exception")
    assert record["data"] == {"thread": "poller"}
    assert "ConnectionError: no connection to" in record["exception"]


def test_a_thread_may_end_itself() -> None:
    """SystemExit is no failure there."""
    ending = "thread = threading.Thread(target=sys.exit)\nthread.start()\nthread.join()"
    assert run(f"configure()\n{ending}") == (0, "")


@pytest.mark.parametrize(("of", "where"), [(FINALIZER, "Cup.__del__"), (UNSHOWABLE, "<Called>")])
def test_an_ignored_exception_is_a_record(of: str, where: str) -> None:
    """With where it was raised, also when that cannot be shown."""
    code, said = run(f"configure()\n{of}")
    record = only(said)
    assert (code, record["level"], record["message"]) == (0, "error", "exception ignored")
    assert where in record["data"]["where"]
    assert "OSError: token=[redacted]" in record["exception"]


def test_a_warning_is_a_record() -> None:
    """With the place it is about; one that is to go to a file goes there."""
    code, said = run("configure()\nwarnings.warn('old call, password=S3cret')")
    record = only(said)
    assert (code, record["level"], record["message"]) == (0, "warning", "warning")
    data = record["data"]
    assert (data.pop("warning"), data.pop("line")) == (
        "UserWarning: old call, password=[redacted]",
        5,
    )
    assert data == {"file": "<string>"}
    _, said = run("configure()\nwarnings.showwarning('w', UserWarning, 'f', 1, sys.stderr)")
    assert said == "f:1: UserWarning: w\n"


def test_ctrl_c_keeps_pythons_way() -> None:
    """Whoever pressed it knows what happened."""
    code, said = run("configure()\nraise KeyboardInterrupt")
    assert code == -signal.SIGINT
    assert said.endswith("KeyboardInterrupt\n")


def test_it_can_be_left_to_python() -> None:
    """Also after it was not; twice is as good as once."""
    configured = "configure()\nconfigure()\nconfigure(capture=False)\nconfigure(capture=False)\n"
    code, said = run(f"{configured}{IN_A_THREAD}warnings.warn('old')\nraise ValueError('end')")
    assert code == 1
    assert said.startswith("Exception in thread poller:\n")
    assert "UserWarning: old\n" in said
    assert said.endswith("ValueError: end\n")


@pytest.mark.parametrize("capture", [True, False])
def test_the_hook_of_somebody_else_stays(*, capture: bool) -> None:
    """An error tracker goes on, whether it came before or after."""
    tracker = "threading.excepthook = lambda args: sys.stderr.write('tracked\\n')\n"
    assert run(f"{tracker}configure(capture={capture})\n{IN_A_THREAD}") == (0, "tracked\n")
    assert run(f"configure()\n{tracker}configure(capture={capture})\n{IN_A_THREAD}") == (
        0,
        "tracked\n",
    )
