"""The bits of a port's settings: what they are called, and what they stand for.

Source: enum ethtool_link_mode_bit_indices in Linux include/uapi/linux/ethtool.h (up to 6.19).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NAMES = """
10baseT/half 10baseT/full 100baseT/half 100baseT/full 1000baseT/half 1000baseT/full Autoneg TP
AUI MII FIBRE BNC 10000baseT/full Pause Asym_Pause 2500baseX/full Backplane 1000baseKX/full
10000baseKX4/full 10000baseKR/full 10000baseR_FEC/full 20000baseMLD2/full 20000baseKR2/full
40000baseKR4/full 40000baseCR4/full 40000baseSR4/full 40000baseLR4/full 56000baseKR4/full
56000baseCR4/full 56000baseSR4/full 56000baseLR4/full 25000baseCR/full 25000baseKR/full
25000baseSR/full 50000baseCR2/full 50000baseKR2/full 100000baseKR4/full 100000baseSR4/full
100000baseCR4/full 100000baseLR4_ER4/full 50000baseSR2/full 1000baseX/full 10000baseCR/full
10000baseSR/full 10000baseLR/full 10000baseLRM/full 10000baseER/full 2500baseT/full
5000baseT/full FEC_NONE FEC_RS FEC_BASER 50000baseKR/full 50000baseSR/full 50000baseCR/full
50000baseLR_ER_FR/full 50000baseDR/full 100000baseKR2/full 100000baseSR2/full 100000baseCR2/full
100000baseLR2_ER2_FR2/full 100000baseDR2/full 200000baseKR4/full 200000baseSR4/full
200000baseLR4_ER4_FR4/full 200000baseDR4/full 200000baseCR4/full 100baseT1/full 1000baseT1/full
400000baseKR8/full 400000baseSR8/full 400000baseLR8_ER8_FR8/full 400000baseDR8/full
400000baseCR8/full FEC_LLRS 100000baseKR/full 100000baseSR/full 100000baseLR_ER_FR/full
100000baseCR/full 100000baseDR/full 200000baseKR2/full 200000baseSR2/full
200000baseLR2_ER2_FR2/full 200000baseDR2/full 200000baseCR2/full 400000baseKR4/full
400000baseSR4/full 400000baseLR4_ER4_FR4/full 400000baseDR4/full 400000baseCR4/full
100baseFX/half 100baseFX/full 10baseT1L/full 800000baseCR8/full 800000baseKR8/full
800000baseDR8/full 800000baseDR8_2/full 800000baseSR8/full 800000baseVR8/full 10baseT1S/full
10baseT1S/half 10baseT1S_P2MP/half 10baseT1BRR/full 200000baseCR/full 200000baseKR/full
200000baseDR/full 200000baseDR_2/full 200000baseSR/full 200000baseVR/full 400000baseCR2/full
400000baseKR2/full 400000baseDR2/full 400000baseDR2_2/full 400000baseSR2/full 400000baseVR2/full
800000baseCR4/full 800000baseKR4/full 800000baseDR4/full 800000baseDR4_2/full 800000baseSR4/full
800000baseVR4/full 1600000baseCR8/full 1600000baseKR8/full 1600000baseDR8/full
1600000baseDR8_2/full
""".split()  # noqa: SIM905 -- a line for each would be a page
"""By the number of the bit."""

PORTS = frozenset({"TP", "AUI", "MII", "FIBRE", "BNC", "Backplane"})

AUTONEGOTIATE, PAUSE, ASYMMETRIC_PAUSE = map(NAMES.index, ("Autoneg", "Pause", "Asym_Pause"))

_SPEED = re.compile(r"([0-9]+)base")

BYTES_PER_MEGABIT = 125_000


class Speed(NamedTuple):
    """A speed at which a port can run."""

    duplex: str
    mode: str
    bytes_per_second: int


def names_of(bits: int) -> Iterator[str]:
    """Give the names of the bits that are set; those that are newer than this list have none."""
    return (name for bit, name in enumerate(NAMES) if bits >> bit & 1)


def speeds_of(bits: int) -> Iterator[Speed]:
    """Give the speeds among the bits that are set."""
    for name in names_of(bits):
        if match := _SPEED.match(name):
            mode, _, duplex = name.partition("/")
            yield Speed(duplex, mode, int(match[1]) * BYTES_PER_MEGABIT)


def ports_of(bits: int) -> Iterator[str]:
    """Give the kinds of ports among the bits that are set."""
    return (name for name in names_of(bits) if name in PORTS)
