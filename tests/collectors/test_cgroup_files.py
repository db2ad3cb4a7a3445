"""The files of control groups, and what their paths tell."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._cgroup_containers import Container, parse_container
from exporter.collectors._cgroup_files import (
    parse_blkio,
    parse_cpu_max,
    parse_fields,
    parse_freezer_state,
    parse_io_stat,
    parse_quota,
    parse_value,
)
from exporter.collectors._cgroup_reader import parse_device_name

ID = "0123456789abcdef" * 4
UID = "5d1f00a1-4c1e-4a0b-9f3d-0b409204744f"
PARSERS = (
    parse_blkio,
    parse_cpu_max,
    parse_device_name,
    parse_fields,
    parse_freezer_state,
    parse_io_stat,
    parse_quota,
    parse_value,
)


@pytest.mark.parametrize("text", [b"max\n", b"9223372036854771712\n", b"9223372036854775807\n"])
def test_no_limit_is_no_number(text: bytes) -> None:
    """Neither the word of version 2 nor the numbers of version 1."""
    assert parse_value(text) == {}


def test_a_limit_is_a_number() -> None:
    """As is a quota, with its period."""
    assert parse_value(b"65536\n") == {b"": b"65536"}
    assert parse_cpu_max(b"50000 100000\n") == {b"quota": b"50000", b"period": b"100000"}
    assert parse_cpu_max(b"max 100000\n") == {}
    assert parse_quota(b"50000\n") == {b"": b"50000"}
    assert parse_quota(b"-1\n") == {}


def test_devices_have_their_fields() -> None:
    """Those without any, and those that cannot be told apart, are left out."""
    text = (
        b"7:7 7:6 7:0 rbytes=4096 wbytes=0 rios=1 cost.usage=x\n"
        b"(unknown) rbytes=1 wios=2\n(unknown) rbytes=3\n8:0 \n"
    )
    assert parse_io_stat(text) == {b"7:0": {b"rbytes": b"4096", b"wbytes": b"0", b"rios": b"1"}}


def test_devices_of_version_1() -> None:
    """Neither the total nor unknown devices are shown."""
    text = b"8:0 Read 1\n8:0 Write 2\n(unknown) Read 4\nTotal 7\n"
    assert parse_blkio(text) == {b"8:0": {b"Read": b"1", b"Write": b"2"}}


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_blkio, b"8:0 Read 1 2"),
        (parse_blkio, b"8:0 Read many"),
        (parse_cpu_max, b"50000"),
        (parse_fields, b"anon"),
        (parse_fields, b"anon many"),
        (parse_freezer_state, b"WARM"),
        (parse_io_stat, b"8:0 rios=" + b"1" * 41),
        (parse_quota, b"-2"),
        (parse_value, b"many"),
    ],
)
def test_other_texts_are_refused(parse: Callable[[bytes], object], text: bytes) -> None:
    """With ValueError."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.binary(max_size=200))
def test_parsers_raise_nothing_but_value_error(
    parse: Callable[[bytes], object], text: bytes
) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse(text)


BURSTABLE = f"/kubepods-burstable-pod{UID.replace('-', '_')}.slice"


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (f"/docker/{ID}", ("docker", "", "")),
        (f"/system.slice/docker-{ID}.scope", ("docker", "", "")),
        (f"/machine.slice/libpod-{ID}.scope", ("podman", "", "")),
        (f"/libpod_parent/libpod-{ID}", ("podman", "", "")),
        (
            f"/kubepods.slice/kubepods-burstable.slice{BURSTABLE}/cri-containerd-{ID}.scope",
            ("containerd", UID, "burstable"),
        ),
        (f"/kubepods.slice/kubepods-pod{UID}.slice/crio-{ID}.scope", ("cri-o", UID, "guaranteed")),
        (f"/kubepods/besteffort/pod{UID}/{ID}", ("", UID, "besteffort")),
        (f"/kubepods/pod{UID.replace('-', '')}/{ID}", ("", UID.replace("-", ""), "guaranteed")),
        (
            f"/system.slice/containerd.service{BURSTABLE}:cri-containerd:{ID}",
            ("containerd", UID, "burstable"),
        ),
    ],
)
def test_containers_are_known_by_their_paths(path: str, container: tuple[str, str, str]) -> None:
    """By the drivers of all runtimes, on hosts with and without Kubernetes."""
    runtime, pod_uid, qos = container
    assert parse_container(path) == Container(runtime, ID, pod_uid, qos)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/system.slice/docker.service",
        f"/system.slice/crio-conmon-{ID}.scope",
        f"/docker/{ID}/init",
        f"/docker/{ID[1:]}",
    ],
)
def test_other_groups_are_no_containers(path: str) -> None:
    """Nor what is below a container, nor its monitor."""
    assert parse_container(path) is None
