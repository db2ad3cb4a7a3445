"""What every service of the compose files must and must not be allowed, in every combination."""

from __future__ import annotations

import re

import pytest

from tests.stack.compose import ALL, COMBINATIONS, OVERLAYS, Service, services

AS_ROOT = {"alloy", "perf"}
"""One reads root's log files, the other keeps its capability."""

HOST = {"/", "/proc", "/sys"}
PUBLISHED = {"exporter": "10100", "prometheus": "9090", "alertmanager": "9093", "grafana": "3000"}


@pytest.fixture(params=ALL, ids=lambda one: f"{'+'.join(one[0])}:{one[1]}")
def chosen(request: pytest.FixtureRequest) -> tuple[tuple[str, ...], str]:
    """Each service of each combination of files."""
    one: tuple[tuple[str, ...], str] = request.param
    return one


@pytest.fixture
def name(chosen: tuple[tuple[str, ...], str]) -> str:
    """What it is called."""
    return chosen[1]


@pytest.fixture
def service(chosen: tuple[tuple[str, ...], str]) -> Service:
    """What compose makes of it."""
    return services(chosen[0])[chosen[1]]


def test_it_has_no_more_rights_than_it_needs(name: str, service: Service) -> None:
    """A read-only root, no capability but perf's one, no way to new ones, and no host to reach."""
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) in ([], ["PERFMON"])
    assert not {"privileged", "pid", "ipc", "network_mode", "devices", "userns_mode"} & set(service)
    assert service.get("uts") in (None, "host")


def test_it_is_root_only_where_there_is_a_reason(name: str, service: Service) -> None:
    """A user is named, by number; it is root for two, which have next to nothing of the host."""
    user = re.fullmatch(r"([0-9]+):([0-9]+)", service["user"])
    assert user
    assert (user[1] == "0") == (name in AS_ROOT)
    if name in AS_ROOT:
        sources = {mount["source"] for mount in service.get("volumes", [])}
        assert not {source for source in sources if source in HOST or source.endswith("/run")}


def test_it_cannot_take_the_host_down(name: str, service: Service) -> None:
    """CPU, memory and processes are limited, and so is what its log takes of the disk."""
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) <= 2
    assert int(limits["memory"]) <= 2 * 2**30
    assert 0 < limits["pids"] <= 256
    assert service["logging"]["driver"] == "json-file"
    assert {"max-size": "10m", "max-file": "4"}.items() <= service["logging"]["options"].items()


def test_it_says_whether_it_is_well_and_comes_back(name: str, service: Service) -> None:
    """It has a check, quick at the start and seldom then, and is started anew when it ends."""
    check = service["healthcheck"]
    assert (check["interval"], check["start_interval"]) == ("1m0s", "2s")
    # That of the daemon is in its image.
    assert ("test" in check) == (name not in {"exporter", "perf"})
    assert check.get("test", ["CMD"])[0] == "CMD"
    assert service["restart"] == "unless-stopped"
    needed = service.get("depends_on", {}).values()
    assert all(one["condition"] == "service_healthy" for one in needed)


def test_it_is_reached_from_this_host_only(name: str, service: Service) -> None:
    """Ports are published at 127.0.0.1; what has none cannot get out either."""
    ports = service.get("ports", [])
    assert [(port["host_ip"], str(port["target"])) for port in ports] == [
        ("127.0.0.1", port) for published, port in PUBLISHED.items() if published == name
    ]
    assert set(service["networks"]) == ({"inside", "outside"} if ports else {"inside"})


def test_it_writes_to_its_own_volume_only(name: str, service: Service) -> None:
    """Whatever is mounted of the host is read-only, and Docker's socket is not."""
    for mount in service.get("volumes", []):
        assert mount.get("read_only") or mount["type"] == "volume", mount
        assert "docker.sock" not in mount["source"]
        assert mount["source"] not in HOST or name in {"exporter", "node-exporter"}
    for place in service.get("tmpfs", []):
        assert re.fullmatch(r"/tmp:size=\d+m,mode=1777", place)


def test_its_image_is_one_release(name: str, service: Service) -> None:
    """A tag with all three numbers: what runs today runs tomorrow."""
    assert re.fullmatch(r"[a-z/-]+:v?[0-9]+\.[0-9]+\.[0-9]+(-perf)?", service["image"])


def test_only_perf_adds_a_capability() -> None:
    """One capability, for one service, in one overlay."""
    for files in COMBINATIONS:
        added = {name: s["cap_add"] for name, s in services(files).items() if s.get("cap_add")}
        assert added == ({"perf": ["PERFMON"]} if OVERLAYS[0] in files else {})


def test_the_exporter_is_given_the_host_where_it_looks_for_it() -> None:
    """The flags name the places where /proc, /sys and / are mounted."""
    for name in ("exporter", "node-exporter"):
        service = services()[name]
        mounted = {mount["target"]: mount["source"] for mount in service["volumes"]}
        flags = dict(word[2:].split("=") for word in service["command"] if "=" in word)
        assert mounted[flags["path.procfs"]] == "/proc"
        assert mounted[flags["path.sysfs"]] == "/sys"
        assert mounted[flags["path.rootfs"]] == "/"
