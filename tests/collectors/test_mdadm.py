"""The mdadm collector: /proc/mdstat and /sys/block/<array>/md."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.mdadm import STATES, Array, MdadmCollector, parse_mdstat
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

HEAD = "Personalities : [raid0] [raid1] [raid6] [raid5] [raid4] [raid10] \n"
TAIL = "unused devices: <none>\n"
MIRROR = """md0 : active raid1 sdb1[1] sda1[0]
      248896 blocks super 1.2 [2/2] [UU]
      
"""  # noqa: W293 -- the kernel's own blanks
RECOVERING = """md1 : active raid6 sdg2[6] sdf2[5](F) sde2[4] sdd2[3](S) sdc2[2] sdb2[1] sda2[0]
      19530064 blocks super 1.2 level 6, 512k chunk, algorithm 2 [6/5] [UUUUU_]
      [=>...................]  recovery =  8.5% (416775/4882516) finish=17.0min speed=259783K/sec
      bitmap: 3/37 pages [12KB], 65536KB chunk

"""
CONTAINER = """md127 : inactive sdn[1](S) sdm[0](S)
      6306 blocks super external:imsm
       
"""  # noqa: W293
IN_CONTAINER = """md126 : active raid1 sdm[1] sdn[0]
      195358720 blocks super external:/md127/0 [2/2] [UU]
      [===================>.]  resync = 99.9% (195300000/195358720) finish=0.0min speed=9K/sec
      
"""  # noqa: W293


def parse_one(text: str) -> Array:
    """Parse a file with one array."""
    (array,) = parse_mdstat((HEAD + text + TAIL).encode())
    return array


def test_parse_an_array_that_is_well() -> None:
    """Its state is the kernel's, and all its blocks are in sync."""
    assert parse_one(MIRROR) == Array(
        "md0", b"raid1", "active", b"2", b"2", 0, 0, b"248896", b"248896"
    )


def test_parse_an_array_that_is_built_anew() -> None:
    """The line of progress may stand before that of the bitmap; failed disks and spares count."""
    assert parse_one(RECOVERING) == Array(
        "md1", b"raid6", "recovering", b"6", b"5", 1, 1, b"19530064", b"416775"
    )


@pytest.mark.parametrize(
    ("line", "state", "synced"),
    [
        ("[=>..]  resync = 15.0% (235/1570) finish=1.2min speed=2K/sec", "resync", b"235"),
        ("[>...]  check =  0.0% (0/1570) finish=1.2min speed=2K/sec", "check", b"0"),
        ("[==>.]  reshape = 100.0% (9/9) finish=1.2min speed=2K/sec", "reshape", b"9"),
        ("\tresync=PENDING", "resync", b"0"),
        ("\tresync=DELAYED", "resync", b"0"),
        ("\tresync=REMOTE", "resync", None),
        ("\trecover=REMOTE", "recovering", None),
        ("\treshape=REMOTE", "reshape", None),
    ],
)
def test_parse_every_kind_of_progress(line: str, state: str, synced: bytes | None) -> None:
    """What waits has nothing done yet; what another node does is not known here."""
    array = parse_one(
        MIRROR.rstrip() + f"\n      {line}\n      bitmap: 0/1 pages [0KB], 8KB chunk\n"
    )
    assert (array.state, array.synced, array.blocks) == (state, synced, b"248896")


def test_parse_an_array_without_redundancy() -> None:
    """The kernel names no counts, so its members are counted."""
    array = parse_one(
        "md3 : active raid0 sdc1[0] sdd1[1]\n      499712 blocks 512k chunks\n      \n"
    )
    assert (array.required, array.active, array.synced) == (2, 2, b"499712")


def test_parse_an_array_that_is_not_writable() -> None:
    """What stands in parentheses is not the personality."""
    array = parse_one(MIRROR.replace("active raid1", "active (auto-read-only) raid1"))
    assert (array.personality, array.required) == (b"raid1", b"2")


def test_parse_a_container_of_foreign_metadata() -> None:
    """A container needs no disks itself; all it has are spares. Its array is one like any other."""
    container, array = parse_mdstat((HEAD + CONTAINER + IN_CONTAINER + TAIL).encode())
    assert container == Array("md127", b"", "inactive", 0, 0, 0, 2, b"6306", b"6306")
    assert (array.name, array.state, array.synced) == ("md126", "resync", b"195300000")


def test_parse_what_is_not_told() -> None:
    """Neither a size nor counts: they are unknown, not zero."""
    array = parse_one("md9 : active faulty sdo1[0]\n      \n")
    assert array == Array("md9", b"faulty", "active", None, None, 0, 0, None, None)


@pytest.mark.parametrize("text", [b"md0 active\n", b"md0 :\n", b"\x00\n", b"a - b c\n"])
def test_parse_refuses_other_files(text: bytes) -> None:
    """A line at the margin that names no array is an error."""
    with pytest.raises(ValueError, match="expected an array"):
        parse_mdstat(text)


@given(st.binary(max_size=300) | st.sampled_from(RECOVERING.split()).map(str.encode))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_mdstat(text)


@given(st.integers(0, len(RECOVERING)))
def test_a_truncated_file_is_no_failure(length: int) -> None:
    """What is cut off inside an array's lines costs what stood there."""
    with contextlib.suppress(ValueError):
        assert len(parse_mdstat(RECOVERING[:length].encode())) <= 1


def add_attributes(host: FakeHost, array: str, **attributes: str) -> None:
    """Write attributes of an array."""
    for name, content in attributes.items():
        host.write(f"sys/block/{array}/md/{name}", f"{content}\n")


def test_all_of_an_array_is_shown(host: FakeHost) -> None:
    """States are 1 or 0, disks are counted by state, sysfs tells what is missing."""
    host.write("proc/mdstat", HEAD + RECOVERING + TAIL)
    add_attributes(host, "md1", level="raid6", raid_disks="6", degraded="1")
    assert host.samples(MdadmCollector(host.kernel)) == {
        **{
            f'node_md_state{{device="md1",state="{state}"}}': float(state == "recovering")
            for state in STATES
        },
        'node_md_disks{device="md1",state="active"}': 5,
        'node_md_disks{device="md1",state="failed"}': 1,
        'node_md_disks{device="md1",state="spare"}': 1,
        'node_md_disks_required{device="md1"}': 6,
        'node_md_blocks{device="md1"}': 19530064,
        'node_md_blocks_synced{device="md1"}': 416775,
        'node_md_raid_disks{device="md1"}': 6,
        'node_md_degraded{device="md1"}': 1,
    }


def test_while_disks_are_added_the_new_number_counts(host: FakeHost) -> None:
    """During a reshape the kernel writes the old number of disks behind the new one."""
    host.write("proc/mdstat", HEAD + MIRROR + TAIL)
    add_attributes(host, "md0", level="raid1", raid_disks="3 (2)", degraded="0")
    assert host.samples(MdadmCollector(host.kernel))['node_md_raid_disks{device="md0"}'] == 3


@pytest.mark.parametrize(("level", "shown"), [("raid0", True), ("", True), ("raid5", False)])
def test_without_redundancy_nothing_is_missing(host: FakeHost, level: str, shown: bool) -> None:
    """No attribute `degraded`: 0 where there cannot be one, unknown while the array is stopped."""
    host.write("proc/mdstat", HEAD + CONTAINER + TAIL)
    add_attributes(host, "md127", level=level)
    samples = host.samples(MdadmCollector(host.kernel))
    assert ('node_md_degraded{device="md127"}' in samples) is shown


def test_an_array_that_is_started_gets_attributes(host: FakeHost) -> None:
    """What was absent is looked for anew when the array's personality changes."""
    host.write("proc/mdstat", HEAD + MIRROR.replace("active raid1", "inactive") + TAIL)
    add_attributes(host, "md0", level="raid1")
    collector = MdadmCollector(host.kernel)
    assert 'node_md_degraded{device="md0"}' not in host.samples(collector)
    host.write("proc/mdstat", HEAD + MIRROR + TAIL)
    add_attributes(host, "md0", degraded="0")
    assert host.samples(collector)['node_md_degraded{device="md0"}'] == 0


def test_progress_is_followed(host: FakeHost) -> None:
    """Nothing but the progress changes while an array is built anew."""
    host.write("proc/mdstat", HEAD + RECOVERING + TAIL)
    collector = MdadmCollector(host.kernel)
    assert host.samples(collector)['node_md_blocks_synced{device="md1"}'] == 416775
    host.write("proc/mdstat", HEAD + RECOVERING.replace("416775", "516775") + TAIL)
    assert host.samples(collector)['node_md_blocks_synced{device="md1"}'] == 516775


def test_arrays_come_and_go(host: FakeHost) -> None:
    """Series follow the arrays of the moment; an unchanged file gives the same again."""
    host.write("proc/mdstat", HEAD + MIRROR + TAIL)
    collector = MdadmCollector(host.kernel)
    assert host.samples(collector) == host.samples(collector)
    host.write("proc/mdstat", HEAD + RECOVERING + MIRROR + TAIL)
    assert host.samples(collector)['node_md_blocks_synced{device="md1"}'] == 416775
    host.write("proc/mdstat", HEAD + RECOVERING + TAIL)
    assert not [name for name in host.samples(collector) if "md0" in name]


@pytest.mark.parametrize("text", [None, HEAD + TAIL])
def test_a_host_without_arrays_has_no_data(host: FakeHost, text: str | None) -> None:
    """Neither without the driver, nor when no array is assembled."""
    if text:
        host.write("proc/mdstat", text)
    with pytest.raises(NoData, match="software RAID"):
        list(MdadmCollector(host.kernel).collect())
