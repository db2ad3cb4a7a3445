"""PerfWatch: a Prometheus exporter daemon for Linux hosts that run InterSystems IRIS."""

__version__ = "0.1.0"
