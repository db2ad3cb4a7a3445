"""Packets that IPsec could not process, by reason, from /proc/net/xfrm_stat.

Source: Linux net/xfrm/xfrm_proc.c, since 2.6.25, with CONFIG_XFRM_STATISTICS; described in
Documentation/networking/xfrm/xfrm_proc.rst. Of one network namespace. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.families import Digits, Family, counter
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten

FIELDS = {
    "XfrmInError": "Packets received with an error that no other counter names.",
    "XfrmInBufferError": "Packets received for which there was no buffer.",
    "XfrmInHdrError": "Packets received with a wrong header.",
    "XfrmInNoStates": "Packets received for which there is no state: wrong SPI or address.",
    "XfrmInStateProtoError": "Packets received that the protocol refused, as with a wrong key.",
    "XfrmInStateModeError": "Packets received that the mode (tunnel, transport) refused.",
    "XfrmInStateSeqError": "Packets received with a sequence number out of the window.",
    "XfrmInStateExpired": "Packets received for an expired state.",
    "XfrmInStateMismatch": "Packets received that do not fit the options of their state.",
    "XfrmInStateInvalid": "Packets received for an invalid state.",
    "XfrmInTmplMismatch": "Packets received whose states fit no template of the policy.",
    "XfrmInNoPols": "Packets received for whose states there is no policy.",
    "XfrmInPolBlock": "Packets received that a policy discards.",
    "XfrmInPolError": "Packets received for which the policy failed.",
    "XfrmOutError": "Packets to be sent with an error that no other counter names.",
    "XfrmOutBundleGenError": "Packets to be sent for which no bundle could be made.",
    "XfrmOutBundleCheckError": "Packets to be sent for which the bundle was not valid any more.",
    "XfrmOutNoStates": "Packets to be sent for which there is no state.",
    "XfrmOutStateProtoError": "Packets to be sent that the protocol refused.",
    "XfrmOutStateModeError": "Packets to be sent that the mode (tunnel, transport) refused.",
    "XfrmOutStateSeqError": "Packets to be sent for which the sequence numbers were used up.",
    "XfrmOutStateExpired": "Packets to be sent for an expired state.",
    "XfrmOutPolBlock": "Packets to be sent that a policy discards.",
    "XfrmOutPolDead": "Packets to be sent for which the policy is gone.",
    "XfrmOutPolError": "Packets to be sent for which the policy failed.",
    "XfrmFwdHdrError": "Packets that may not be forwarded.",
    "XfrmOutStateInvalid": "Packets to be sent for an invalid state.",
    "XfrmAcquireError": "Packets for which a state was not ready in time.",
}
"""Those of node_exporter, with what they count."""

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def parse_xfrm_stat(text: bytes) -> dict[str, Digits]:
    """Parse lines such as `XfrmInError  0`. Raises ValueError when it is not that."""
    words = text.split()
    names, numbers = words[::2], words[1::2]
    if not names or len(names) != len(numbers):
        raise ValueError(
            f"/proc/net/xfrm_stat: expected lines of a name and a number: {shorten(text)}"
        )
    integers(numbers)
    return {
        name.decode("ascii", "replace"): number for name, number in zip(names, numbers, strict=True)
    }


class XfrmCollector:
    """Counters of IPsec's errors."""

    name = "xfrm"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.net("xfrm_stat")

    def collect(self) -> Iterator[Family]:
        """Yield one counter for each known field that this kernel has."""
        try:
            numbers = parse_xfrm_stat(self._file.read())
        except FileNotFoundError as error:
            raise NoData("no /proc/net/xfrm_stat: needs CONFIG_XFRM_STATISTICS") from error
        for field, help_text in FIELDS.items():
            if field in numbers:
                name = _WORD.sub("_", field).lower()
                yield counter(f"node_{name}_packets_total", help_text, numbers[field])
