"""The drm collector: /sys/class/drm."""

from __future__ import annotations

import shutil

import pytest

from exporter.collectors.drm import DrmCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

DRM = "sys/class/drm"


def write_card(host: FakeHost, name: str, driver: str, **files: str) -> None:
    """Write a card of a driver."""
    host.write(f"{DRM}/{name}/device/uevent", f"DRIVER={driver}\nPCI_CLASS=38000\n")
    for file, content in files.items():
        host.write(f"{DRM}/{name}/device/{file}", f"{content}\n")


def test_cards_of_amdgpu_are_shown(host: FakeHost) -> None:
    """Neither other cards nor outputs; what a card does not have is absent."""
    write_card(
        host,
        "card10",
        "amdgpu",
        gpu_busy_percent="7",
        mem_info_gtt_total="6",
        mem_info_gtt_used="5",
        mem_info_vis_vram_total="4",
        mem_info_vis_vram_used="3",
        mem_info_vram_total="2",
        mem_info_vram_used="1",
        mem_info_vram_vendor="samsung",
        power_dpm_force_performance_level="auto",
        unique_id="7f1a",
    )
    write_card(host, "card1", "amdgpu")
    write_card(host, "card0", "ast", gpu_busy_percent="9")
    write_card(host, "card1-DP-1", "amdgpu", gpu_busy_percent="9")
    host.write(f"{DRM}/version", "drm 1.1.0 20060810\n")
    assert host.samples(DrmCollector(host.kernel)) == {
        'node_drm_card_info{card="card10",memory_vendor="samsung",power_performance_level="auto",'
        'unique_id="7f1a",vendor="amd"}': 1,
        'node_drm_gpu_busy_percent{card="card10"}': 7,
        'node_drm_memory_gtt_size_bytes{card="card10"}': 6,
        'node_drm_memory_gtt_used_bytes{card="card10"}': 5,
        'node_drm_memory_vis_vram_size_bytes{card="card10"}': 4,
        'node_drm_memory_vis_vram_used_bytes{card="card10"}': 3,
        'node_drm_memory_vram_size_bytes{card="card10"}': 2,
        'node_drm_memory_vram_used_bytes{card="card10"}': 1,
        'node_drm_card_info{card="card1",vendor="amd"}': 1,
    }


def test_cards_come_go_and_change(host: FakeHost) -> None:
    """As one in an external case."""
    collector = DrmCollector(host.kernel)
    write_card(host, "card0", "amdgpu", gpu_busy_percent="1")
    write_card(host, "card1", "amdgpu", gpu_busy_percent="2")
    assert len(host.samples(collector)) == 4
    shutil.rmtree(host.root / DRM / "card1")
    write_card(host, "card0", "amdgpu", gpu_busy_percent="99")
    assert host.samples(collector)['node_drm_gpu_busy_percent{card="card0"}'] == 99


def test_a_card_that_is_switched_off_does_not_answer(host: FakeHost) -> None:
    """What it does not say is absent."""
    write_card(host, "card0", "amdgpu")
    (host.root / DRM / "card0/device/gpu_busy_percent").symlink_to("/proc/self/mem")  # EIO
    assert host.samples(DrmCollector(host.kernel)) == {
        'node_drm_card_info{card="card0",vendor="amd"}': 1
    }


def test_a_host_without_amd_cards_has_no_data(host: FakeHost) -> None:
    """Whether it has no card or one of another driver, or one that has just gone."""
    with pytest.raises(NoData, match="amdgpu"):
        host.samples(DrmCollector(host.kernel))
    (host.root / DRM / "card0").mkdir(parents=True)
    with pytest.raises(NoData, match="amdgpu"):
        host.samples(DrmCollector(host.kernel))
