"""The counters of an InfiniBand port: their files, and what they count.

Source: Linux Documentation/ABI/stable/sysfs-class-infiniband; `hw_counters` as mlx5 describes them.
"""

from __future__ import annotations

from typing import NamedTuple

from exporter.table import Column

LANES = 4
"""Data are counted in words of four bytes."""


class _Counter(NamedTuple):
    file: str
    name: str
    help: str
    factor: int = 1


_OLD = (
    _Counter(
        "port_multicast_rcv_packets",
        "legacy_multicast_packets_received",
        "Multicast packets received, before Linux 4.5.",
    ),
    _Counter(
        "port_multicast_xmit_packets",
        "legacy_multicast_packets_transmitted",
        "Multicast packets transmitted, before Linux 4.5.",
    ),
    _Counter(
        "port_rcv_data_64", "legacy_data_received_bytes", "Bytes received, before Linux 4.5.", LANES
    ),
    _Counter(
        "port_rcv_packets_64", "legacy_packets_received", "Packets received, before Linux 4.5."
    ),
    _Counter(
        "port_unicast_rcv_packets",
        "legacy_unicast_packets_received",
        "Unicast packets received, before Linux 4.5.",
    ),
    _Counter(
        "port_unicast_xmit_packets",
        "legacy_unicast_packets_transmitted",
        "Unicast packets transmitted, before Linux 4.5.",
    ),
    _Counter(
        "port_xmit_data_64",
        "legacy_data_transmitted_bytes",
        "Bytes transmitted, before Linux 4.5.",
        LANES,
    ),
    _Counter(
        "port_xmit_packets_64",
        "legacy_packets_transmitted",
        "Packets transmitted, before Linux 4.5.",
    ),
)

_PORT = (
    _Counter(
        "excessive_buffer_overrun_errors",
        "excessive_buffer_overrun_errors",
        "Overruns of the buffer in consecutive periods of flow control.",
    ),
    _Counter("link_downed", "link_downed", "How often the link went down and did not recover."),
    _Counter("link_error_recovery", "link_error_recovery", "How often the link recovered."),
    _Counter(
        "local_link_integrity_errors",
        "local_link_integrity_errors",
        "How often local physical errors exceeded their threshold.",
    ),
    _Counter("multicast_rcv_packets", "multicast_packets_received", "Multicast packets received."),
    _Counter(
        "multicast_xmit_packets", "multicast_packets_transmitted", "Multicast packets transmitted."
    ),
    _Counter(
        "port_rcv_constraint_errors",
        "port_constraint_errors_received",
        "Packets received but discarded for a constraint, such as the partition.",
    ),
    _Counter(
        "port_xmit_constraint_errors",
        "port_constraint_errors_transmitted",
        "Packets not transmitted for a constraint, such as the partition.",
    ),
    _Counter("port_rcv_data", "port_data_received_bytes", "Bytes received.", LANES),
    _Counter("port_xmit_data", "port_data_transmitted_bytes", "Bytes transmitted.", LANES),
    _Counter("port_rcv_discards", "port_discards_received", "Packets received but discarded."),
    _Counter(
        "port_xmit_discards",
        "port_discards_transmitted",
        "Packets discarded instead of transmitted, because the port was down or congested.",
    ),
    _Counter("port_rcv_errors", "port_errors_received", "Packets received with an error."),
    _Counter("port_rcv_packets", "port_packets_received", "Packets received, with errors too."),
    _Counter("port_xmit_packets", "port_packets_transmitted", "Packets transmitted."),
    _Counter(
        "port_rcv_remote_physical_errors",
        "port_receive_remote_physical_errors",
        "Packets received that a switch had marked as bad.",
    ),
    _Counter(
        "port_rcv_switch_relay_errors",
        "port_receive_switch_relay_errors",
        "Packets that the switch could not forward.",
    ),
    _Counter(
        "port_xmit_wait",
        "port_transmit_wait",
        "Ticks in which the port had data to transmit but could not.",
    ),
    _Counter("symbol_error", "symbol_error", "Minor errors of the link's lanes."),
    _Counter("unicast_rcv_packets", "unicast_packets_received", "Unicast packets received."),
    _Counter("unicast_xmit_packets", "unicast_packets_transmitted", "Unicast packets transmitted."),
    _Counter("VL15_dropped", "vl15_dropped", "Management packets dropped for lack of buffers."),
)

_HARDWARE = (
    _Counter(
        "duplicate_request",
        "duplicate_requests_packets",
        "Requests received that had been carried out before.",
    ),
    _Counter(
        "implied_nak_seq_err",
        "implied_nak_seq_errors",
        "Acknowledgements that skipped an answer to a read or atomic request.",
    ),
    _Counter(
        "local_ack_timeout_err",
        "local_ack_timeout_errors",
        "Times out of acknowledgement at the sender, each followed by a retry.",
    ),
    _Counter("np_cnp_sent", "np_cnp_packets_sent", "Congestion notifications sent."),
    _Counter(
        "np_ecn_marked_roce_packets",
        "np_ecn_marked_roce_packets_received",
        "RoCE packets received that were marked for congestion.",
    ),
    _Counter("out_of_buffer", "out_of_buffer_drops", "Packets dropped for lack of a buffer."),
    _Counter(
        "out_of_sequence", "out_of_sequence_packets_received", "Packets received out of order."
    ),
    _Counter(
        "packet_seq_err",
        "packet_sequence_errors",
        "Negative acknowledgements received for packets out of order.",
    ),
    _Counter("req_cqe_error", "req_cqes_errors", "Requests of this side that failed."),
    _Counter("req_cqe_flush_error", "req_cqes_flush_errors", "Requests of this side flushed."),
    _Counter(
        "req_remote_access_errors",
        "req_remote_access_errors",
        "Requests of this side refused for access by the other.",
    ),
    _Counter(
        "req_remote_invalid_request",
        "req_remote_invalid_request_errors",
        "Requests of this side refused as invalid by the other.",
    ),
    _Counter("resp_cqe_error", "resp_cqes_errors", "Answers of this side that failed."),
    _Counter("resp_cqe_flush_error", "resp_cqes_flush_errors", "Answers of this side flushed."),
    _Counter(
        "resp_local_length_error",
        "resp_local_length_errors",
        "Answers of this side with a wrong length.",
    ),
    _Counter(
        "resp_remote_access_errors",
        "resp_remote_access_errors",
        "Requests of the other side that this one refused for access.",
    ),
    _Counter(
        "rnr_nak_retry_err",
        "rnr_nak_retry_packets_received",
        "Answers received that the other side was not ready.",
    ),
    _Counter("roce_adp_retrans", "roce_adp_retransmits", "Adaptive retransmissions of RoCE."),
    _Counter(
        "roce_adp_retrans_to",
        "roce_adp_retransmits_timeout",
        "Times out of RoCE by adaptive retransmission.",
    ),
    _Counter("roce_slow_restart", "roce_slow_restart_used", "Slow restarts of RoCE used."),
    _Counter(
        "roce_slow_restart_cnps",
        "roce_slow_restart_cnps",
        "Congestion notifications made by slow restarts of RoCE.",
    ),
    _Counter(
        "roce_slow_restart_trans",
        "roce_slow_restart",
        "Changes of RoCE to the state of slow restart.",
    ),
    _Counter(
        "rp_cnp_ignored",
        "rp_cnp_ignored_packets_received",
        "Congestion notifications received and ignored.",
    ),
    _Counter(
        "rp_cnp_handled",
        "rp_cnp_packets_handled",
        "Congestion notifications that slowed this side down.",
    ),
    _Counter("rx_atomic_requests", "rx_atomic_requests", "Atomic requests received."),
    _Counter("rx_dct_connect", "rx_dct_connect_requests", "Dynamic connections requested."),
    _Counter(
        "rx_icrc_encapsulated",
        "rx_icrc_encapsulated_errors",
        "RoCE packets received with a wrong checksum.",
    ),
    _Counter("rx_read_requests", "rx_read_requests", "Read requests received."),
    _Counter("rx_write_requests", "rx_write_requests", "Write requests received."),
)

FILES = (
    *(f"counters_ext/{counter.file}" for counter in _OLD),
    *(f"counters/{counter.file}" for counter in _PORT),
    *(f"hw_counters/{counter.file}" for counter in _HARDWARE),
    "hw_counters/lifespan",
)
"""Below the folder of a port, in the order of the columns."""

FACTORS = (*(counter.factor for counter in (*_OLD, *_PORT, *_HARDWARE)), 1)

COLUMNS = (
    *(
        Column(f"node_infiniband_{counter.name}_total", counter.help, "counter")
        for counter in (*_OLD, *_PORT, *_HARDWARE)
    ),
    Column(
        "node_infiniband_lifespan_seconds",
        "How old the hardware counters may be when they are read.",
        "gauge",
        exponent=-3,
    ),
)
