"""The perf program: where it is, its command lines, how it is started, and short runs of it.

Source: perf-stat(1). What is used has been there since perf 3.4, apart from `-j` (perf 6.0, and
earlier in distributions that brought it back) and `--per-node` (5.5): probe.py tries them.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import FileIO
from time import monotonic
from typing import NamedTuple

from exporter.perf.events import Event, given_name
from exporter.program import start as start_program

SEPARATOR = ";"
"""Of the columns, where -j is not known: names of events hold commas, and nothing is quoted."""

MAX_OUTPUT = 1 << 20
MAX_ERRORS = 1 << 16
"""Bytes of a short run; a program that prints more is ended."""

PLACES = {
    "none": (),
    "cpu": ("-A",),
    "core": ("--per-core",),
    "socket": ("--per-socket",),
    "node": ("--per-node",),
}
"""By aggregation: the words that ask for it."""

INSTALL = (
    "install it (Debian: apt-get install linux-perf, Ubuntu: apt-get install "
    "linux-tools-{release}, Fedora and RHEL: dnf install perf) or give its path "
    "(docs/collectors/perf.md)"
)


class Finished(NamedTuple):
    """What a short run came to."""

    code: int | None
    """None where it had to be ended, because it took too long or printed too much."""
    output: str
    """What it wrote to the descriptor that it was given."""
    errors: str


def find_program(name: str) -> str:
    """Find a program in PATH, or at the path that was given instead of a name.

    Raises FileNotFoundError with what to install.
    """
    found = shutil.which(name)
    if found is None:
        remedy = INSTALL.format(release=os.uname().release)
        raise FileNotFoundError(f"{name} is no program here: {remedy}")
    return os.path.abspath(found)  # noqa: PTH100 -- a link stays: perf looks at its own name


def environment() -> dict[str, str]:
    """Give the environment of perf.

    The daemon's own may hold passwords. PERF_CONFIG replaces /etc/perfconfig and ~/.perfconfig,
    which could change what is printed; perf reads the file that it names, and no other.
    """
    path = os.environ.get("PATH", os.defpath)
    return {"LC_ALL": "C", "PATH": path, "PERF_CONFIG": os.devnull}


def spec_of(event: Event) -> str:
    """Give the words for -e: an event of a PMU gets a name, unless it has one.

    Without it perf prints what it was given, with commas, and newer ones with changes. The name is
    `perf_` and the alias: perf takes neither its own keywords (`time`, `period`) as a name, nor
    what may be a number (`r1a8`, `2x`, `read`: `r` and hexadecimal digits).
    """
    if "/" not in event.spec or given_name(event.spec):
        return event.spec
    pmu, terms, modifiers = event.spec.split("/")
    comma = "," if terms else ""
    return f"{pmu}/{terms}{comma}name=perf_{event.name}/{modifiers}"


def stat_command(  # noqa: PLR0913 -- they are perf's own
    program: str,
    groups: Iterable[Sequence[Event]],
    *,
    aggregation: str,
    interval_seconds: float | None,
    descriptor: int,
    json: bool,
    workload: Sequence[str] = (),
) -> list[str]:
    """Give the words of a `perf stat` of the whole system.

    It prints to the descriptor: at each interval and without end, or, without interval, once the
    workload has ended.
    """
    specs = [[spec_of(event) for event in members] for members in groups]
    words = [program, "stat", "-a", *PLACES[aggregation], *(["-j"] if json else ["-x", SEPARATOR])]
    if interval_seconds is not None:
        words += ["-I", str(round(interval_seconds * 1000))]
    words += ["--log-fd", str(descriptor), "-e"]
    words.append(",".join(one[0] if len(one) == 1 else f"{{{','.join(one)}}}" for one in specs))
    return [*words, *(["--", *workload] if workload else [])]


def start(words: Sequence[str], output: int, errors: int) -> subprocess.Popen[bytes]:
    """Start a program that writes to two descriptors, in a session and process group of its own.

    It inherits nothing else. Raises OSError where it cannot be started.
    """
    return start_program(words, environment(), stderr=errors, inherited=[output])


def run(words: Callable[[int], Sequence[str]], *, seconds: float) -> Finished:
    """Run a program to its end, or end it with all that it has started.

    `words` gives the command line for the descriptor that is to be written to. Its standard output
    is thrown away: that of a workload comes between. Raises OSError where it cannot be started.
    """
    deadline = monotonic() + seconds
    with contextlib.ExitStack() as stack:
        (output, to_output), (errors, to_errors) = _pipe(stack), _pipe(stack)
        process = start(words(to_output.fileno()), to_output.fileno(), to_errors.fileno())
        to_output.close()
        to_errors.close()
        texts = {output.fileno(): bytearray(), errors.fileno(): bytearray()}
        bounds = {output.fileno(): MAX_OUTPUT, errors.fileno(): MAX_ERRORS}
        code = None
        try:
            if _read_all(texts, bounds, deadline):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(max(0, deadline - monotonic()))
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)  # not reaped yet: the number is its own
                process.wait()
        return Finished(code, *(text.decode(errors="replace") for text in texts.values()))


def _pipe(stack: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    """Open a pipe, both ends of which are closed with the stack at the latest."""
    read, write = os.pipe()
    return stack.enter_context(FileIO(read)), stack.enter_context(FileIO(write, "w"))


def _read_all(texts: Mapping[int, bytearray], bounds: Mapping[int, int], deadline: float) -> bool:
    """Read descriptors until all have ended; False where they did not in time, or are too long."""
    with selectors.DefaultSelector() as selector:
        for descriptor in texts:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0, deadline - monotonic()))
            if not ready:
                return False
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                texts[key.fd].extend(chunk)
                if not chunk:
                    selector.unregister(key.fd)
                if len(texts[key.fd]) > bounds[key.fd]:
                    return False
    return True
