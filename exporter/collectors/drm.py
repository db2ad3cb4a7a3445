"""Graphics cards from /sys/class/drm: those that the amdgpu driver runs.

Source: Linux drivers/gpu/drm/amd/, described in Documentation/gpu/amdgpu/. Other drivers have no
such files. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.attributes import Attributes
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

FILES = {
    "gpu_busy_percent": Column(
        "node_drm_gpu_busy_percent", "How busy the card is, in percent.", "gauge"
    ),
    "mem_info_gtt_total": Column(
        "node_drm_memory_gtt_size_bytes", "Memory of the system that the card may use.", "gauge"
    ),
    "mem_info_gtt_used": Column(
        "node_drm_memory_gtt_used_bytes", "Memory of the system that the card uses.", "gauge"
    ),
    "mem_info_vis_vram_total": Column(
        "node_drm_memory_vis_vram_size_bytes",
        "Memory of the card that the processor can see.",
        "gauge",
    ),
    "mem_info_vis_vram_used": Column(
        "node_drm_memory_vis_vram_used_bytes",
        "Used memory of the card that the processor can see.",
        "gauge",
    ),
    "mem_info_vram_total": Column(
        "node_drm_memory_vram_size_bytes", "Memory of the card.", "gauge"
    ),
    "mem_info_vram_used": Column(
        "node_drm_memory_vram_used_bytes", "Used memory of the card.", "gauge"
    ),
}
TEXTS = ("mem_info_vram_vendor", "power_dpm_force_performance_level", "unique_id")


class DrmCollector:
    """Load and memory of AMD graphics cards."""

    name = "drm"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "class/drm")
        self._numbers = Table(tuple(FILES.values()), ("card",))
        self._info = Table(
            (Column("node_drm_card_info", "What the card is; always 1.", "gauge"),),
            ("card", "memory_vendor", "power_performance_level", "unique_id", "vendor"),
        )

    def collect(self) -> Iterable[Filled]:
        """Yield the numbers of each card, and its texts as labels."""
        # Outputs are called card0-HDMI-A-1.
        names = self._attributes.names("card")
        cards = [name for name in names if name[4:].isdigit() and self._is_amdgpu(name)]
        if not cards:
            raise NoData("/sys/class/drm has no card of the amdgpu driver")
        number = self._attributes.number
        text = self._attributes.text
        yield self._info.fill(
            {
                (card, *(text(f"{card}/device/{file}") or "" for file in TEXTS), "amd"): [1]
                for card in cards
            }
        )
        yield self._numbers.fill(
            {(card,): [number(f"{card}/device/{file}") for file in FILES] for card in cards}
        )

    def _is_amdgpu(self, card: str) -> bool:
        words = (self._attributes.read(f"{card}/device/uevent") or b"").split()
        return b"DRIVER=amdgpu" in words
