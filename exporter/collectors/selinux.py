"""Whether SELinux is enforced, and how its cache of decisions does.

Sources: selinuxfs, which is /sys/fs/selinux (Linux security/selinux/selinuxfs.c, since 2.6; the
counters with CONFIG_SECURITY_SELINUX_AVC_STATS), and SELINUX= in /etc/selinux/config below the
host's root directory, which says what the next boot will do. Needs no rights but those that the
policy gives. In a container all this is missing, and SELinux shown as off, without the host's /sys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from exporter.families import Digits, Filled, LabelValues, Number
from exporter.kernel import KernelFile, KernelTree
from exporter.parsing import integer, integers, shorten
from exporter.table import Column, Table

CONFIG_FILE = "/etc/selinux/config"
MODES = {"enforcing": 1, "permissive": 0, "disabled": -1}

NO_POLICY = b"kernel"
"""What every process is labelled until a policy is loaded. With SELINUX=disabled none ever is."""

COLUMNS = (
    Column("node_selinux_enabled", "Whether SELinux is on: 1 if so, otherwise 0.", "gauge"),
    Column(
        "node_selinux_config_mode",
        "Mode after the next boot: 1 enforcing, 0 permissive, -1 disabled.",
        "gauge",
    ),
    Column("node_selinux_current_mode", "Mode now: 1 enforcing, 0 permissive.", "gauge"),
    Column("node_selinux_avc_lookups_total", "Access decisions that were looked up.", "counter"),
    Column("node_selinux_avc_hits_total", "Access decisions found in the cache.", "counter"),
    Column("node_selinux_avc_misses_total", "Access decisions not found in the cache.", "counter"),
    Column("node_selinux_avc_allocations_total", "Cache entries that were made.", "counter"),
    Column("node_selinux_avc_reclaims_total", "Cache entries that had to make room.", "counter"),
    Column("node_selinux_avc_frees_total", "Cache entries that were given back.", "counter"),
    Column("node_selinux_avc_hash_entries", "Entries in the cache.", "gauge"),
    Column("node_selinux_avc_hash_buckets_used", "Buckets of the cache that are in use.", "gauge"),
    Column("node_selinux_avc_hash_buckets_available", "Buckets that the cache has.", "gauge"),
    Column(
        "node_selinux_avc_hash_longest_chain", "Entries in the cache's fullest bucket.", "gauge"
    ),
    Column("node_selinux_avc_threshold", "Entries above which the cache makes room.", "gauge"),
)

OFF: dict[LabelValues, Sequence[Number | None]] = {(): (0, *[None] * (len(COLUMNS) - 1))}
"""The row of a host without SELinux."""

CACHE_COLUMNS = 6

_HASH = re.compile(
    rb"entries: ([0-9]{1,20})\nbuckets used: ([0-9]{1,20})/([0-9]{1,20})\n"
    rb"longest chain: ([0-9]{1,20})\s*\Z"
)
_MODE = re.compile(r"^\s*SELINUX\s*=\s*(\w+)", re.MULTILINE)


class HashStatistics(NamedTuple):
    """How full the cache is."""

    entries: Digits
    buckets_used: Digits
    buckets: Digits
    longest_chain: Digits


def parse_cache_stats(text: bytes) -> list[int]:
    """Sum up the CPUs: lookups, hits, misses, allocations, reclaims and frees.

    Raises ValueError when it is not a header and a line for each CPU.
    """
    header, *numbers = text.split(b"\n", 1)
    words = b"".join(numbers).split()
    if len(header.split()) != CACHE_COLUMNS or not words or len(words) % CACHE_COLUMNS:
        raise ValueError(f"avc/cache_stats: expected lines of 6 numbers: {shorten(text)}")
    integers(words)
    return [sum(map(int, words[column::CACHE_COLUMNS])) for column in range(CACHE_COLUMNS)]


def parse_hash_stats(text: bytes) -> HashStatistics:
    """Parse `entries: 503`, `buckets used: 283/512` and `longest chain: 7`.

    Raises ValueError when it is not that.
    """
    match = _HASH.match(text)
    if match is None:
        raise ValueError(f"avc/hash_stats: expected entries, buckets and chain: {shorten(text)}")
    return HashStatistics(*match.groups())


def parse_config(text: bytes) -> int | None:
    """Find the mode in the configuration; none when it names no known one."""
    modes = _MODE.findall(text.decode("utf-8", "replace"))
    return MODES.get(modes[-1].lower()) if modes else None


class SelinuxCollector:
    """The mode of SELinux, and its cache."""

    name = "selinux"

    def __init__(self, kernel: KernelTree, *, config_file: str = "") -> None:
        self._enforce = kernel.sys_table("fs/selinux/enforce")
        self._label = kernel.proc("1/attr/current")
        self._cache = kernel.sys_table("fs/selinux/avc/cache_stats")
        self._hash = kernel.sys_table("fs/selinux/avc/hash_stats")
        self._threshold = kernel.sys_table("fs/selinux/avc/cache_threshold")
        self._config = Path(config_file or kernel.on_host(CONFIG_FILE))
        self._table = Table(COLUMNS, ())

    def collect(self) -> Iterator[Filled]:
        """Yield node_selinux_enabled, and the rest where it is on."""
        try:
            mode = integer(self._enforce.read().strip())
        except PermissionError:  # by SELinux itself
            mode = None
        except (FileNotFoundError, NotADirectoryError):
            mode = b""
        if mode == b"" or _is_without_policy(self._label):
            yield self._table.fill(OFF)
            return
        cache, hashed, threshold = map(_read, (self._cache, self._hash, self._threshold))
        row = (
            1,
            self._configured(),
            mode,
            *(parse_cache_stats(cache) if cache else [None] * 6),
            *(parse_hash_stats(hashed) if hashed else [None] * 4),
            integer(threshold.strip()) if threshold else None,
        )
        yield self._table.fill({(): row})

    def _configured(self) -> int | None:
        try:
            return parse_config(self._config.read_bytes())
        except OSError:  # a minimal system, or a container without the host's root directory
            return None


def _is_without_policy(label: KernelFile) -> bool:
    content = _read(label)
    return content is not None and content.rstrip(b"\0\n") == NO_POLICY


def _read(file: KernelFile) -> bytes | None:
    """Read a file that may be missing, or that the policy may keep from us."""
    try:
        return file.read()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
