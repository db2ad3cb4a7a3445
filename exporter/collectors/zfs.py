"""Statistics of ZFS from /proc/spl/kstat/zfs.

Source: OpenZFS module/os/linux/spl/spl-kstat.c and module/zfs; which files and fields there are
depends on its version. A metric is `node_zfs_<file>_<field>`: the names of the files are below,
those of the fields are OpenZFS' own. A pool has a directory with its `state` (since 0.8), `io`
(until 2.0) and an `objset-*` for each mounted dataset. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import integers, shorten, signed_integers
from exporter.table import Column, Table

FOLDER = "spl/kstat/zfs"

FILES = {
    "abdstats": "node_zfs_abd",
    "arcstats": "node_zfs_arc",
    "dbufstats": "node_zfs_dbuf",
    "dmu_tx": "node_zfs_dmu_tx",
    "dnodestats": "node_zfs_dnode",
    "fm": "node_zfs_fm",
    "vdev_cache_stats": "node_zfs_vdev_cache",
    "vdev_mirror_stats": "node_zfs_vdev_mirror",
    "xuio_stats": "node_zfs_xuio",
    "zfetchstats": "node_zfs_zfetch",
    "zil": "node_zfs_zil",
}
"""The files of the module as a whole, and how the names of their metrics start."""

STATES = ("online", "degraded", "faulted", "offline", "removed", "unavail", "suspended")

Record = dict[str, Digits]
"""Numbers by the names of their fields."""

_NUMBERS = frozenset({b"3", b"4"})
_STRING = b"7"
"""Of KSTAT_DATA_*: signed and unsigned ones of 64 bits, and texts."""
_FIELD_NAME = re.compile(r"[A-Za-z0-9_]+\Z")


def parse_kstat(text: bytes) -> tuple[Record, str]:
    """Parse a table of name, type and data: the 64-bit numbers, and the name of the dataset.

    The first line says when it was made, the second one names the columns. Raises
    ValueError when it is not such a table.
    """
    lines = text.splitlines()
    if len(lines) < 2 or lines[1].split() != [b"name", b"type", b"data"]:
        raise ValueError(f"{FOLDER}: expected name, type and data: {shorten(text)}")
    record: Record = {}
    dataset = ""
    for line in lines[2:]:
        name, kind, data = _split(line)
        if kind in _NUMBERS:
            record[name.decode("utf-8", "replace")] = data
        elif kind == _STRING and name == b"dataset_name":
            dataset = data.decode("utf-8", "replace")
    signed_integers(list(record.values()))
    return record, dataset


def _split(line: bytes) -> list[bytes]:
    words = line.split(None, 2)
    if len(words) != 3:
        raise ValueError(f"{FOLDER}: expected name, type and data: {shorten(line)}")
    return words


def parse_io(text: bytes) -> Record:
    """Parse a pool's `io`: a line of names and one of numbers. Raises ValueError otherwise."""
    lines = [line.split() for line in text.splitlines()[1:]]
    if len(lines) != 2 or len(lines[0]) != len(lines[1]):
        raise ValueError(f"{FOLDER}/<pool>/io: expected names and numbers: {shorten(text)}")
    names = [name.decode("utf-8", "replace") for name in lines[0]]
    return dict(zip(names, integers(lines[1]), strict=True))


class KstatTable:
    """Families named after the fields, with a row for each record."""

    def __init__(self, prefix: str, title: str, labels: tuple[str, ...] = ()) -> None:
        self._prefix = prefix
        self._title = title
        self._labels = labels
        self._fields: list[str] = []
        self._shown: dict[str, str] = {}
        self._table = Table((), labels)

    def fill(self, records: Mapping[LabelValues, Record]) -> Filled:
        """Join the records' labels with their numbers; not all need to have the same fields."""
        fields = list({name: None for record in records.values() for name in record})
        if fields != self._fields:
            self._adopt(fields)
        return self._table.fill(
            {
                labels: [record.get(field) for field in self._shown.values()]
                for labels, record in records.items()
            }
        )

    def _adopt(self, fields: Sequence[str]) -> None:
        """Name the metrics: what stands behind the last dot, if it makes a name."""
        names = {field.rpartition(".")[2].replace("-", "_"): field for field in fields}
        self._shown = {name: field for name, field in names.items() if _FIELD_NAME.match(name)}
        # Untyped, as in node_exporter: counters and gauges share the files, and nothing tells
        # which.
        columns = [
            Column(f"{self._prefix}_{name}", f"Field {field} of {self._title}.", "untyped")
            for name, field in self._shown.items()
        ]
        self._table = Table(columns, self._labels)
        self._fields = list(fields)


class ZfsCollector:
    """Statistics of the ZFS module, its pools and their mounted datasets."""

    name = "zfs"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._files: dict[str, KernelFile] = {}
        self._modules = {
            file: KstatTable(prefix, f"the kstat {file}") for file, prefix in FILES.items()
        }
        self._io = KstatTable("node_zfs_zpool", "the pool's kstat io", ("zpool",))
        self._objset = KstatTable(
            "node_zfs_zpool_dataset", "the dataset's kstat objset", ("zpool", "dataset")
        )
        self._state = Table(
            (
                Column(
                    "node_zfs_zpool_state", "Whether the pool is in this state: 1 or 0.", "gauge"
                ),
            ),
            ("zpool", "state"),
        )
        self._pools: dict[str, list[str]] = {}

    def collect(self) -> Iterable[Filled]:
        """Yield the fields of the module's files, then those of the pools and their state."""
        pools = self._list_pools()
        texts = {file: text for file in FILES if (text := self._read(file))}
        if not texts and not pools:
            raise NoData("no ZFS: its kernel module is not loaded")
        for file, text in texts.items():
            yield self._modules[file].fill({(): parse_kstat(text)[0]})
        yield self._io.fill({(pool,): parse_io(text) for pool, text in self._read_of(pools, "io")})
        yield self._objset.fill(self._read_objsets(pools))
        yield self._state.fill(
            {
                (pool, state): (int(text.strip().lower() == state.encode()),)
                for pool, text in self._read_of(pools, "state")
                for state in STATES
            }
        )

    def _list_pools(self) -> Mapping[str, Sequence[str]]:
        """List the pools, each of which has a directory, with the entries of that."""
        pools = {
            pool: self._kernel.list_proc(f"{FOLDER}/{pool}")
            for pool in self._kernel.list_proc(FOLDER, folders=True)
        }
        if pools != self._pools:
            # All anew: a dataset that has gone must not keep its file open.
            for file in self._files.values():
                file.close()
            self._files.clear()
            self._pools = pools
        return pools

    def _read_of(self, pools: Iterable[str], file: str) -> Iterable[tuple[str, bytes]]:
        """Read a file of each pool that has it."""
        for pool in pools:
            if text := self._read(f"{pool}/{file}"):
                yield pool, text

    def _read_objsets(self, pools: Mapping[str, Sequence[str]]) -> dict[LabelValues, Record]:
        """Read what each mounted dataset did."""
        paths = [
            (pool, f"{pool}/{entry}")
            for pool, entries in pools.items()
            for entry in entries
            if entry.startswith("objset-")
        ]
        objsets: dict[LabelValues, Record] = {}
        for pool, path in paths:
            if text := self._read(path):
                record, dataset = parse_kstat(text)
                objsets[pool, dataset] = record
        return objsets

    def _read(self, path: str) -> bytes | None:
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = self._kernel.proc(f"{FOLDER}/{path}")
        try:
            return file.read()
        except FileNotFoundError:  # exported, or destroyed, since it was listed
            return None
