"""The lines of /proc/net/rpc/nfs and nfsd, and what calls of NFS 2 and 3 are named.

Source: Linux net/sunrpc/stats.c: a word and its numbers. The lines `proc2`, `proc3`, ... begin with
how many numbers follow: one for each procedure, in the order of the protocol's standard.
"""

from __future__ import annotations

from collections.abc import Sequence

from exporter.families import Digits, LabelValues
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import integers, shorten

_PROCEDURES_2 = """
Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir
RmDir ReadDir FsStat
"""
_PROCEDURES_3 = """
Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir
Rename Link ReadDir ReadDirPlus FsStat FsInfo PathConf Commit
"""
PROCEDURES_2 = tuple(_PROCEDURES_2.split())
PROCEDURES_3 = tuple(_PROCEDURES_3.split())

Lines = dict[bytes, Sequence[Digits]]
"""The numbers of each line by its first word."""


def parse_rpc_lines(text: bytes) -> Lines:
    """Split the lines and check the numbers.

    Of `th` only the first two are taken: behind them was a histogram, with decimals. Raises
    ValueError on a line without numbers, and on other words in their place.
    """
    lines: Lines = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            raise ValueError(f"/proc/net/rpc: a line without numbers: {shorten(line)}")
        lines[words[0]] = integers(words[1:3] if words[0] == b"th" else words[1:])
    return lines


def pick(lines: Lines, word: bytes, *positions: int) -> list[Digits | None]:
    """Give some numbers of a line; None for each when there is no such line.

    Raises ValueError when the line is shorter.
    """
    numbers = lines.get(word)
    if numbers is None:
        return [None] * len(positions)
    if len(numbers) <= max(positions):
        raise ValueError(f"/proc/net/rpc: {shorten(word)} has only {len(numbers)} numbers")
    return [numbers[position] for position in positions]


def count_calls(
    lines: Lines, word: bytes, version: str, names: Sequence[str | None]
) -> dict[LabelValues, Sequence[Digits | None]]:
    """Give protocol version and name of each procedure with the number of its calls.

    None in place of a name leaves a procedure out. Kernels know more of them, or less, than are
    named here. Raises ValueError when there are less numbers than the line says.
    """
    if word not in lines:
        return {}
    announced, *calls = lines[word]
    if int(announced) != len(calls):
        raise ValueError(f"/proc/net/rpc: {shorten(word)} is not as long as it says")
    return {
        (version, name): (number,)
        for name, number in zip(names, calls, strict=False)
        if name is not None
    }


class RpcFile:
    """A file of /proc/net/rpc, which is there while a module is loaded."""

    def __init__(self, kernel: KernelTree, name: str, absent: str) -> None:
        """`absent` says what the host does not do without the file."""
        self._kernel = kernel
        self._name = name
        self._absent = absent
        self._file: KernelFile | None = None

    def read(self) -> Lines:
        """Read and parse it. Raises NoData when it is not there."""
        # Looked for until the module is loaded: only then is process 1's file, the host's, found.
        file = self._file or self._kernel.net(f"rpc/{self._name}")
        try:
            lines = parse_rpc_lines(file.read())
        except FileNotFoundError as error:
            self._file = None
            raise NoData(self._absent) from error
        self._file = file
        return lines
