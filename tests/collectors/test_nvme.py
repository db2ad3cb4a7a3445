"""The nvme collector: /sys/class/nvme."""

from __future__ import annotations

import os
import shutil

import pytest

from exporter.collectors.nvme import NvmeCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

NVME = "sys/class/nvme"


def write_controller(host: FakeHost, name: str, **files: str) -> None:
    """Write a controller."""
    for file, content in {
        "model": "SAMSUNG MZVL21T0HCLR              ",
        "serial": "S64P      ",
        "firmware_rev": "4L1Q",
        "state": "live",
        "cntlid": "4",
        **files,
    }.items():
        host.write(f"{NVME}/{name}/{file}", f"{content}\n")


def write_namespace(host: FakeHost, path: str, block: int | str, **files: str) -> None:
    """Write a namespace with logical blocks of a size."""
    host.write(f"{NVME}/{path}/queue/logical_block_size", f"{block}\n")
    for file, content in files.items():
        host.write(f"{NVME}/{path}/{file}", f"{content}\n")


INFO = (
    'node_nvme_info{cntlid="4",device="nvme0",firmware_revision="4L1Q",'
    'model="SAMSUNG MZVL21T0HCLR",serial="S64P",state="live"}'
)


def test_controllers_and_namespaces_are_shown(host: FakeHost) -> None:
    """`size` is in 512 bytes whatever the blocks are, `nuse` in blocks."""
    write_controller(host, "nvme0")
    write_namespace(host, "nvme0/nvme0n1", 4096, size="1000", nuse="25")
    host.write(f"{NVME}/nvme0/hwmon2/name", "nvme\n")
    labels = 'device="nvme0",nsid="1"'
    assert host.samples(NvmeCollector(host.kernel)) == {
        INFO: 1,
        f'node_nvme_namespace_info{{ana_state="unknown",{labels}}}': 1,
        f"node_nvme_namespace_capacity_bytes{{{labels}}}": 512_000,
        f"node_nvme_namespace_size_bytes{{{labels}}}": 512_000,
        f"node_nvme_namespace_used_bytes{{{labels}}}": 102_400,
        f"node_nvme_namespace_logical_block_size_bytes{{{labels}}}": 4096,
    }


def test_namespaces_of_multipath_are_found(host: FakeHost) -> None:
    """They have the controller in their name, and say how they are reached."""
    write_controller(host, "nvme0")
    write_namespace(host, "nvme0/nvme0c0n12", 512, size="8", nuse="8", ana_state="optimized")
    samples = host.samples(NvmeCollector(host.kernel))
    info = 'node_nvme_namespace_info{ana_state="optimized",device="nvme0",nsid="12"}'
    assert samples[info] == 1
    assert samples['node_nvme_namespace_used_bytes{device="nvme0",nsid="12"}'] == 4096


def test_what_an_old_kernel_does_not_tell_is_absent(host: FakeHost) -> None:
    """Before 6.8 that is what is in use, and before that the controller's number."""
    write_controller(host, "nvme0", cntlid="")
    write_namespace(host, "nvme0/nvme0n1", 512, size="8")
    samples = host.samples(NvmeCollector(host.kernel))
    assert INFO.replace('cntlid="4",', "") in samples
    assert not [name for name in samples if "used" in name]
    (host.root / NVME / "nvme0/nvme0n1/queue/logical_block_size").unlink()
    (host.root / NVME / "nvme0/nvme0n1/size").unlink()
    host.write(f"{NVME}/nvme0/nvme0n1/nuse", "8\n")
    assert len(host.samples(NvmeCollector(host.kernel))) == 2


def test_controllers_and_namespaces_come_and_go(host: FakeHost) -> None:
    """A controller that is reset says so, too."""
    collector = NvmeCollector(host.kernel)
    write_controller(host, "nvme0")
    write_namespace(host, "nvme0/nvme0n1", 512, size="8", nuse="1")
    assert len(host.samples(collector)) == 6
    write_namespace(host, "nvme0/nvme0n2", 512, size="8", nuse="1")
    write_controller(host, "nvme1", state="resetting")
    samples = host.samples(collector)
    assert len(samples) == 12
    assert any('state="resetting"' in name for name in samples)
    shutil.rmtree(host.root / NVME / "nvme0")
    assert len(host.samples(collector)) == 1


def test_another_controller_under_the_same_name_is_seen(host: FakeHost) -> None:
    """What stays with a controller is read once for each, and attributes are looked for anew."""
    collector = NvmeCollector(host.kernel)
    write_controller(host, "nvme0")
    write_namespace(host, "nvme0/nvme0n1", 512, size="8")
    host.samples(collector)
    (host.root / NVME / "nvme0").rename(host.root / "pulled")
    write_controller(host, "nvme0", serial="S65")
    write_namespace(host, "nvme0/nvme0n1", 512, size="8", nuse="2", ana_state="optimized")
    samples = host.samples(collector)
    assert INFO.replace("S64P", "S65") in samples
    assert samples['node_nvme_namespace_used_bytes{device="nvme0",nsid="1"}'] == 1024
    assert any("optimized" in name for name in samples)


def test_a_reset_shows_what_it_changes(host: FakeHost) -> None:
    """New firmware, and over a network the number of the connection."""
    collector = NvmeCollector(host.kernel)
    write_controller(host, "nvme0")
    host.samples(collector)
    write_controller(host, "nvme0", firmware_rev="5L1Q", cntlid="9")
    changed = INFO.replace("4L1Q", "5L1Q").replace('cntlid="4"', 'cntlid="9"')
    assert list(host.samples(collector)) == [changed]


def test_a_namespace_may_take_the_place_of_another(host: FakeHost) -> None:
    """The number of directories stays then: that the one has gone leads to the other."""
    collector = NvmeCollector(host.kernel)
    write_controller(host, "nvme0")
    write_namespace(host, "nvme0/nvme0n1", 512, size="8")
    folder = host.root / NVME / "nvme0"
    stamp = folder.stat()
    host.samples(collector)
    write_namespace(host, "nvme0/nvme0n1", "", size="")  # as good as gone for who has it open
    (folder / "nvme0n1").rename(host.root / "gone")
    write_namespace(host, "nvme0/nvme0n2", 512, size="8")
    os.utime(folder, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    host.samples(collector)
    assert 'node_nvme_namespace_size_bytes{device="nvme0",nsid="2"}' in host.samples(collector)


def test_a_namespace_that_is_just_made_gets_complete(host: FakeHost) -> None:
    """The kernel adds the directory `queue` later than the others."""
    collector = NvmeCollector(host.kernel)
    write_controller(host, "nvme0")
    host.write(f"{NVME}/nvme0/nvme0n1/size", "8\n")
    host.write(f"{NVME}/nvme0/nvme0n1/nuse", "\n")
    block = 'node_nvme_namespace_logical_block_size_bytes{device="nvme0",nsid="1"}'
    assert block not in host.samples(collector)
    write_namespace(host, "nvme0/nvme0n1", 512)
    assert host.samples(collector)[block] == 512


def test_what_has_not_changed_is_the_same_object(host: FakeHost) -> None:
    """It is rendered once then."""
    collector = NvmeCollector(host.kernel)
    write_controller(host, "nvme0")
    write_namespace(host, "nvme0/nvme0n1", 512, size="8", nuse="1")
    first = list(collector.collect())
    assert all(one is two for one, two in zip(first, collector.collect(), strict=True))
    write_namespace(host, "nvme0/nvme0n1", 512, nuse="3")
    assert (
        host.samples(collector)['node_nvme_namespace_used_bytes{device="nvme0",nsid="1"}'] == 1536
    )


def test_a_host_without_nvme_has_no_data(host: FakeHost) -> None:
    """The folder may be there all the same."""
    (host.root / NVME).mkdir(parents=True)
    with pytest.raises(NoData, match="NVMe"):
        host.samples(NvmeCollector(host.kernel))
