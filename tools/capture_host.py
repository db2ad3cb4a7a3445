"""Record the kernel files that the collectors read, as a plain tree for the golden tests.

    python -m tools.capture_host tests/hosts/NAME [--hide WORD ...]

Symbolic links that stay inside are recorded as such, because names of chips and the parents of PCI
devices come from where they lead. Names and addresses are replaced, the same one always by the same
substitute; what was replaced is said at the end. No pattern knows everything that gives a site
away, so read the tree before you publish it, and capture again with `--hide` for what is left. Run
it as root: others may not read the mount table and the network counters of process 1 and get those
of their own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tools.captured_files import CAPTURED
from tools.host_files import MAX_MATCHES, HostFiles
from tools.scrubber import Scrubber

MAX_SECONDS = 2.0
"""For the files of a pattern: what large processes and some sensors tell takes a while."""

PROCESSES = ("proc/1/", "proc/self/", "proc/")
"""Whose network and mounts are captured: the own ones where those of process 1 are off limits."""


class CaptureError(Exception):
    """Nothing was captured: one line that says why and what to do."""


class Capture:
    """One run: what was written, and what could not be."""

    def __init__(
        self,
        files: HostFiles,
        out: Path,
        scrubber: Scrubber,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._out = out
        self._scrubber = scrubber
        self._clock = clock
        self._seen: set[str] = set()
        self.files = 0
        self.bytes = 0
        self.absent: list[str] = []
        self.skipped: Counter[str] = Counter()

    def record(self, pattern: str) -> None:
        """Write the files of one line of CAPTURED."""
        found = self._find(pattern)
        if not found:
            self.absent.append(pattern)
        if pattern in self._files.cut_short:
            self.skipped[f"{pattern}: all but the first {MAX_MATCHES}"] += 1
        deadline = self._clock() + MAX_SECONDS
        for index, (path, source) in enumerate(found.items()):
            if self._clock() > deadline:
                self.skipped[f"{pattern}: slow, all but the first {index}"] += 1
                break
            place = self._files.locate(path)
            if place not in self._seen:
                self._seen.add(place)
                self._record_file(pattern, path, source)

    def write_links(self) -> None:
        """Write the symbolic links on the ways to the files, relative to where they are."""
        for link, target in self._files.links.items():
            place, end = (self._out / self._scrubber.scrub_path(one) for one in (link, target))
            if self._files.source(target).is_dir():
                end.mkdir(parents=True, exist_ok=True)
            if end.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(os.path.relpath(end, place.parent))

    def _find(self, pattern: str) -> dict[str, str]:
        """Give the paths of the files, and for each the path that it is read from."""
        if not pattern.startswith(PROCESSES[0]):
            return {path: path for path in self._files.find(pattern)}
        for process in PROCESSES:
            sources = list(self._files.find(pattern.replace(PROCESSES[0], process, 1)))
            if any(map(self._files.can_open, sources)):
                return {source.replace(process, PROCESSES[0], 1): source for source in sources}
        return {}

    def _record_file(self, pattern: str, path: str, source: str) -> None:
        if self._files.source(source).is_dir():  # a link to it is all there is to record
            return
        try:
            content = self._files.read(source)
        except (FileNotFoundError, ProcessLookupError):  # it has just gone
            return
        except OSError as error:
            self.skipped[f"{pattern}: {error.strerror}"] += 1
            return
        text = content.decode("utf-8", "surrogateescape")
        content = self._scrubber.scrub(text, path).encode("utf-8", "surrogateescape")
        target = self._out / self._scrubber.scrub_path(self._files.locate(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.files += 1
        self.bytes += len(content)


def capture(roots: Mapping[str, Path], out: Path, hidden: Sequence[str]) -> Iterator[str]:
    """Record a host, and say line by line what came of it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CaptureError(f"{out} is not an empty directory: name a new one, or remove it first")
    try:
        host = (roots["proc"] / "sys/kernel/hostname").read_text().strip()
    except OSError as error:
        raise CaptureError(
            f"{error.filename}: {error.strerror}: name where procfs is mounted with --procfs"
        ) from error
    scrubber = Scrubber(host, hidden)
    run = Capture(HostFiles(roots), out, scrubber)
    for pattern in dict.fromkeys(path for paths in CAPTURED.values() for path in paths):
        run.record(pattern)
    run.write_links()
    yield f"captured {run.files} files, {run.bytes} bytes, into {out}"
    yield from (f"replaced {line}" for line in scrubber.report())
    yield from (f"not on this host: {path}" for path in run.absent)
    for reason, times in run.skipped.items():
        yield f"not captured: {reason}" + (f" ({times} files)" if times > 1 else "")
    yield f"read {out} before you publish it: no pattern knows everything (--hide WORD does)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Capture as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="where to: new, or empty")
    parser.add_argument("--procfs", type=Path, default=Path("/proc"), help="default: %(default)s")
    parser.add_argument("--sysfs", type=Path, default=Path("/sys"), help="default: %(default)s")
    parser.add_argument("--rootfs", type=Path, default=Path("/"), help="default: %(default)s")
    parser.add_argument("--run", type=Path, default=Path("/run"), help="default: %(default)s")
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="WORD",
        help="a text to replace wherever it is found; may be given several times",
    )
    options = parser.parse_args(arguments)
    roots = {"proc": options.procfs, "sys": options.sysfs, "run": options.run}
    roots |= {name: options.rootfs / name for name in ("etc", "usr")}
    try:
        for line in capture(roots, options.out, options.hide):
            print(line)
    except (CaptureError, OSError) as error:
        print(f"capture_host: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
