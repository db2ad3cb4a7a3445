"""The mountstats collector: /proc/1/mountstats."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.mountstats import MountstatsCollector, parse_addresses, parse_mountstats
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

TCP = "tcp 832 1 5 0 11 6428 6426 2 12154 3 24 26 5726"
UDP = "udp 769 1 1195 1193 4 1197 7 2 3 9"
RDMA = "rdma 0 2 6 0 8 700 600 1 13 4 91 92 93 94 95 96 97 98 99 100"
UNKNOWN = "carrier-pigeon 1 2 3"

OTHERS = """\
device proc mounted on /proc with fstype proc
no device mounted on /x with fstype tmpfs
device rootfs mounted on / with fstype rootfs
"""


def nfs(
    *transports: str,
    device: str = "nas:/x",
    point: str = "/mnt/x",
    events: int = 27,
    kind: str = "nfs4",
) -> str:
    """Make the entry of a mount with these transports."""
    lines = [
        f"device {device} mounted on {point} with fstype {kind} statvers=1.1",
        "\topts:\trw,vers=4.1,addr=192.0.2.20",
        "\tage:\t13968",
        "\tcaps:\tcaps=0xfff7,wtmult=512",
        "\tevents:\t" + " ".join(str(number) for number in range(100, 100 + events)),
        "\tbytes:\t" + " ".join(str(number) for number in range(8)),
        "\tRPC iostats version: 1.1  p/v: 100003/4 (nfs)",
        *(f"\txprt:\t{transport}" for transport in transports),
        "\tper-op statistics",
        "\t        NULL: 0 0 0 0 0 0 0 0",
        "\t        READ: 1298 1299 1 207680 95007184 2 4750 6150 5",
        "",
        "",
    ]
    return "\n".join(lines)


MOUNTINFO = """\
30 1 253:0 / / rw shared:1 - xfs /dev/sda1 rw
31 30 0:45 / /mnt/x rw shared:2 - nfs4 nas:/x rw,vers=4.1,clientaddr=192.0.2.1,addr=192.0.2.20
32 30 0:46 / /mnt/y rw - nfs nas:/y rw
33 - nfs cut
"""
EXPORT = 'export="nas:/x",mountaddr="192.0.2.20",protocol="tcp"'


def make_collector(host: FakeHost, *entries: str) -> MountstatsCollector:
    """Make a collector of a host with these entries."""
    host.write("proc/1/mountinfo", MOUNTINFO)
    host.write("proc/1/mountstats", OTHERS + "".join(entries))
    return MountstatsCollector(host.kernel)


def test_parse_passes_over_other_file_systems() -> None:
    """Only NFS has statistics."""
    assert parse_mountstats(OTHERS.encode()) == []
    (mount,) = parse_mountstats((OTHERS + nfs(TCP) + OTHERS).encode())
    assert (mount.device, mount.mount_point) == ("nas:/x", "/mnt/x")
    assert [name for name, _ in mount.operations] == ["NULL", "READ"]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("age:\t13968", "age:\tlong"),
        (TCP, "tcp 1 x"),
        (TCP, ""),
        ("READ:", "READ"),
        ("1299", "12g"),
    ],
)
def test_parse_refuses_what_are_no_numbers(good: str, bad: str) -> None:
    """In any line that is read."""
    with pytest.raises(ValueError, match=r"mountstats|integers"):
        parse_mountstats(nfs(TCP).replace(good, bad).encode())


@given(st.binary(max_size=100), st.integers(0, 700))
def test_parse_raises_nothing_but_value_error(garbage: bytes, position: int) -> None:
    """Any bytes, also amid good ones, either parse or raise ValueError."""
    text = nfs(TCP, UDP).encode()
    for broken in (garbage, text[:position] + garbage, text[:position] + garbage + text[position:]):
        with contextlib.suppress(ValueError):
            parse_mountstats(broken)
    parse_addresses(garbage)


def test_mount_is_shown(host: FakeHost) -> None:
    """Age, bytes, events, transports and operations, each with the server's address."""
    samples = host.samples(make_collector(host, nfs(TCP)))
    for name, value in {
        "age_seconds_total": 13968,
        "read_bytes_total": 0,
        "write_pages_total": 7,
        "event_inode_revalidate_total": 100,
        "event_vfs_file_release_total": 117,
        "event_truncation_total": 119,
        "event_pnfs_write_total": 126,
    }.items():
        assert samples[f"node_mountstats_nfs_{name}{{{EXPORT}}}"] == value
    read = 'export="nas:/x",mountaddr="192.0.2.20",operation="READ",protocol="tcp"'
    assert samples[f"node_mountstats_nfs_operations_requests_total{{{read}}}"] == 1298
    assert samples[f"node_mountstats_nfs_operations_queue_time_seconds_total{{{read}}}"] == 0.002
    assert samples[f"node_mountstats_nfs_operations_request_time_seconds_total{{{read}}}"] == 6.15
    assert len(samples) == 1 + 8 + 26 + 10 + 2 * 8


def transports_of(samples: dict[str, float]) -> dict[str, float]:
    """Pick the numbers of the transports, by family and position."""
    found = {}
    for name, value in samples.items():
        family, _, labels = name.partition("{")
        if "_transport_" in family:
            short = family.removeprefix("node_mountstats_nfs_transport_")
            found[f"{short} {labels.rpartition('transport=')[2][1]}"] = value
    return found


def test_each_connection_is_a_transport(host: FakeHost) -> None:
    """With the mount option nconnect there are several."""
    found = transports_of(host.samples(make_collector(host, nfs(TCP, TCP.replace("6428", "17")))))
    assert found["sends_total 0"] == 6428
    assert found["sends_total 1"] == 17
    first = {name: value for name, value in found.items() if name.endswith("0")}
    assert first == {
        "bind_total 0": 1,
        "connect_total 0": 5,
        "idle_time_seconds 0": 11,
        "sends_total 0": 6428,
        "receives_total 0": 6426,
        "bad_transaction_ids_total 0": 2,
        "backlog_queue_total 0": 3,
        "maximum_rpc_slots 0": 24,
        "sending_queue_total 0": 26,
        "pending_queue_total 0": 5726,
    }


def test_what_a_transport_lacks_is_absent(host: FakeHost) -> None:
    """UDP has no connections, RDMA no queues, old kernels neither; an unknown one has nothing."""
    udp = transports_of(host.samples(make_collector(host, nfs(UDP))))
    assert udp == {
        "bind_total 0": 1,
        "sends_total 0": 1195,
        "receives_total 0": 1193,
        "bad_transaction_ids_total 0": 4,
        "backlog_queue_total 0": 7,
        "maximum_rpc_slots 0": 2,
        "sending_queue_total 0": 3,
        "pending_queue_total 0": 9,
    }
    rdma = transports_of(host.samples(make_collector(host, nfs(RDMA))))
    assert len(rdma) == 7
    assert rdma["backlog_queue_total 0"] == 4
    old = transports_of(host.samples(make_collector(host, nfs(TCP.rpartition(" 24 ")[0]))))
    assert len(old) == 7
    assert transports_of(host.samples(make_collector(host, nfs(UNKNOWN)))) == {}


def test_negative_numbers_are_absent(host: FakeHost) -> None:
    """The kernel prints them without their sign, as an idle time when a clock was set."""
    entry = nfs(TCP.replace(" 11 ", " 18446744073709551600 "))
    found = transports_of(host.samples(make_collector(host, entry)))
    assert "idle_time_seconds 0" not in found
    assert len(found) == 9


def test_old_kernels_have_fewer_events(host: FakeHost) -> None:
    """Those that came with pNFS are absent then."""
    samples = host.samples(make_collector(host, nfs(TCP, events=25)))
    assert f"node_mountstats_nfs_event_jukebox_delay_total{{{EXPORT}}}" in samples
    assert f"node_mountstats_nfs_event_pnfs_read_total{{{EXPORT}}}" not in samples


def test_export_that_is_mounted_twice_counts_once(host: FakeHost) -> None:
    """Its numbers are one set, which the kernel prints below each mount."""
    twice = host.samples(make_collector(host, nfs(TCP), nfs(TCP)))
    assert twice == host.samples(make_collector(host, nfs(TCP)))


def test_mounts_come_and_go(host: FakeHost) -> None:
    """An address that nothing tells is left out."""
    collector = make_collector(host, nfs(TCP))
    host.samples(collector)
    make_collector(host, nfs(TCP, device="nas:/y", point="/mnt/y", kind="nfs"))
    samples = host.samples(collector)
    assert samples['node_mountstats_nfs_age_seconds_total{export="nas:/y",protocol="tcp"}'] == 13968
    assert not [name for name in samples if "nas:/x" in name]


def test_own_mounts_are_the_last_resort(host: FakeHost) -> None:
    """Where process 1 may not be read."""
    host.write("proc/self/mountinfo", MOUNTINFO)
    host.write("proc/self/mountstats", nfs(TCP))
    assert host.samples(MountstatsCollector(host.kernel))


@pytest.mark.parametrize("entries", [(), (nfs(),)])
def test_host_without_nfs_has_no_data(host: FakeHost, entries: tuple[str, ...]) -> None:
    """Nor has a mount that has lost its transports any name to be shown by."""
    with pytest.raises(NoData, match="no NFS mounts"):
        list(make_collector(host, *entries).collect())


def test_missing_file_and_missing_rights_have_no_data(host: FakeHost) -> None:
    """The second says what to do; what root may not read stands in for what others may not."""
    with pytest.raises(NoData, match="kernel"):
        list(MountstatsCollector(host.kernel).collect())
    (host.root / "proc/self").mkdir(parents=True)
    (host.root / "proc/self/mountstats").symlink_to("/sys/bus/cpu/drivers_probe")
    with pytest.raises(NoData, match="run as root"):
        list(MountstatsCollector(host.kernel).collect())
