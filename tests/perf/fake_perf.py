"""A fake `perf stat` that behaves as it is told, and the test's view of it.

Its runs with -I follow acts, one after the other; the nth run has the nth list of acts, and later
ones have the last. Every other run is a probe: it counts, unless the event is refused.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INTERVAL = 3
"""What each event counts in an interval."""

PARTIAL = 5
"""What it counts after the last one, before SIGINT."""

DENIAL = "Error:\nAccess to performance monitoring and observability operations is limited.\n"

WRAPPER = f"""#!{sys.executable} -IS
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {str(Path(__file__).parent)!r})
from fake_perf import Program
Program(sys.argv[0], sys.argv[1:]).main()
"""


class FakePerf:
    """The program, as a test sees it."""

    def __init__(self, folder: Path, *runs: list[str]) -> None:
        """`runs` are lists of acts: see the methods of `Program`."""
        self.path = str(folder / "perf")
        Path(self.path).write_text(WRAPPER)
        Path(self.path).chmod(0o755)
        self._put("runs", json.dumps(runs or [["count"]]))
        self.refuse()

    def hold_probes(self) -> None:
        """Have the next probe wait for `while_probed`."""
        os.mkfifo(f"{self.path}.gate")

    def refuse(self, *specs: str) -> None:
        """Have it refuse to count these from now on."""
        self._put("refused", json.dumps(specs))

    @contextlib.contextmanager
    def while_probed(self) -> Iterator[None]:
        """Wait until it is probed; that probe goes on when the block is left."""
        gate = Path(f"{self.path}.gate")
        with gate.open("w"):
            gate.unlink()
            yield

    @property
    def starts(self) -> list[list[str]]:
        """The words of each run with -I."""
        return [start["words"] for start in _notes(self.path, "starts")]

    @property
    def pids(self) -> list[int]:
        """The process of each run with -I, and those that these have forked."""
        return [one["pid"] for name in ("starts", "forks") for one in _notes(self.path, name)]

    @property
    def probed(self) -> list[str]:
        """What probes were to count."""
        return [words[-4] for words in _notes(self.path, "probes")]

    @property
    def overlaps(self) -> list[list[str]]:
        """The words of runs that began while another one lived."""
        return _notes(self.path, "overlaps")

    @property
    def printed(self) -> dict[str, int]:
        """The sum of what was printed in complete lines, by event."""
        sums: collections.Counter[str] = collections.Counter()
        for counts in _notes(self.path, "printed"):
            sums.update(counts)
        return dict(sums)

    def _put(self, name: str, text: str) -> None:
        whole = Path(f"{self.path}.new")
        whole.write_text(text)
        whole.rename(f"{self.path}.{name}")


def _notes(path: str, name: str) -> list[Any]:
    """What runs have noted."""
    try:
        return [json.loads(line) for line in Path(f"{path}.{name}").read_text().splitlines()]
    except FileNotFoundError:
        return []


class Program:
    """The program itself."""

    def __init__(self, path: str, words: list[str]) -> None:
        self._path = path
        self._words = words
        self._specs = words[words.index("-e") + 1].replace("{", "").replace("}", "").split(",")
        self._is_grouped = "{" in words[words.index("-e") + 1]
        self._output = int(words[words.index("--log-fd") + 1])
        self._lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR)
        self._started = time.monotonic()

    def main(self) -> None:
        """Do what it is told."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            # Not inherited by what it forks.
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._note("overlaps", self._words)
        if "-I" not in self._words:
            self._probe()
            return
        runs = json.loads(Path(f"{self._path}.runs").read_text())
        number = len(_notes(self._path, "starts"))
        self._note("starts", {"pid": os.getpid(), "words": self._words})
        for act in runs[min(number, len(runs) - 1)]:
            name, *values = act.split(" ", 2)
            getattr(self, name)(*values)

    def count(self, times: str = "") -> None:
        """Count so many intervals, or until SIGINT, as perf does."""
        left = int(times) if times else -1
        while left != 0:
            if self._is_interrupted():
                self._print(PARTIAL)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
                os.kill(os.getpid(), signal.SIGINT)
            self._print(INTERVAL)
            left -= 1

    def crowd(self) -> None:
        """Count, but not what is in a group."""
        while not self._is_interrupted():
            self._print(None if self._is_grouped else INTERVAL)

    def ignore(self) -> None:
        """Count, and ignore SIGINT."""
        while True:
            self._is_interrupted()
            self._print(INTERVAL)

    def hang(self) -> None:
        """Do nothing any more, not even on SIGINT."""
        while True:
            signal.pause()

    def stop(self) -> None:
        """Stop as on SIGSTOP; once continued, go on."""
        os.kill(os.getpid(), signal.SIGSTOP)

    def flood(self) -> None:
        """Print without pause; lines are long, so that it does not take long."""
        row = self._line(self._specs[0], INTERVAL, 1.0)
        while True:
            self._write(row.replace(", ", "," + " " * 5000, 1) * 10)

    def babble(self) -> None:
        """Print lines that make no sense, without pause."""
        while True:
            self._write("lorem ipsum\n" * 100)

    def drone(self) -> None:
        """Print a line without end."""
        while True:
            self._write("lorem ipsum " * 100)

    def misprint(self) -> None:
        """Print one line that makes no sense."""
        self._write("lorem ipsum\n")

    def tear(self) -> None:
        """Print a part of a line."""
        self._write(self._line(self._specs[0], INTERVAL, 1.0)[:-20])

    def fork(self) -> None:
        """Leave a process behind that has the pipes open and ignores SIGINT."""
        if os.fork() == 0:
            self._note("forks", {"pid": os.getpid()})
            self.hang()

    def deny(self) -> None:
        """Lose the right to count anything, from the next start on."""
        refused = json.dumps(["cpu-clock", *self._specs])
        Path(f"{self._path}.refused").write_text(refused)

    def vanish(self) -> None:
        """Remove the program."""
        Path(self._path).unlink()

    def exit(self, code: str, message: str = "") -> None:
        """End, with a message on standard error."""
        print(message, file=sys.stderr, flush=True)
        os._exit(int(code))

    def _probe(self) -> None:
        self._note("probes", self._words)
        with contextlib.suppress(FileNotFoundError):
            Path(f"{self._path}.gate").read_bytes()  # a pipe that a test opens and closes
        if set(json.loads(Path(f"{self._path}.refused").read_text())) & set(self._specs):
            self.exit("255", DENIAL)
        self._write("".join(self._line(spec, INTERVAL) for spec in self._specs))

    def _print(self, count: int | None) -> None:
        """Print what an interval has counted."""
        if count is not None:
            self._note("printed", dict.fromkeys(self._specs, count))
        seconds = time.monotonic() - self._started
        self._write("".join(self._line(spec, count, seconds) for spec in self._specs))

    def _line(self, spec: str, count: int | None, seconds: float | None = None) -> str:
        value = "<not counted>" if count is None else str(count)
        if "-j" not in self._words:
            interval = "" if seconds is None else f"{seconds:.9f};"
            return f"{interval}{value};;{spec};1000000;100.00;;\n"
        row = {"interval": seconds} if seconds is not None else {}
        counted = {"counter-value": value, "unit": "", "event": spec}
        times = {"event-runtime": 1000000, "pcnt-running": 100.0}
        return json.dumps({**row, **counted, **times}) + "\n"

    def _is_interrupted(self) -> bool:
        """Wait for an interval, or for SIGINT."""
        seconds = int(self._words[self._words.index("-I") + 1]) / 1000
        return signal.sigtimedwait({signal.SIGINT}, seconds) is not None

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._output, data) :]

    def _note(self, name: str, value: object) -> None:
        with Path(f"{self._path}.{name}").open("a") as file:
            file.write(json.dumps(value) + "\n")
