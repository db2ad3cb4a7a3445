"""A small report of ^SystemPerformance, of our own making, with the landmarks that parsers use."""

from __future__ import annotations

from datetime import datetime, timedelta

COLUMNS = ("Glorefs", "Gloupds", "Rourefs", "PhyRds", "PhyWrs", "WDphase", "Jrnwrts")


def report(
    *,
    instance: str,
    host: str,
    profile: str,
    started: datetime,
    interval_seconds: int,
    count: int,
) -> bytes:
    """Write a report; it is no UTF-8, as a customer's name may have an accent."""
    lines = [
        "<html><head><title>Performance data</title></head><body><pre>",
        f"{instance} on machine {host}",
        "Customer: Caf\xe9 Monde",
        f'Profile run "{profile}" started at {started:%H:%M:%S on %b %d %Y}.',
        f"Run over {count} intervals of {interval_seconds} seconds.",
        "</pre><div id=mgstat></div><pre><!-- beg_mgstat -->",
        f"{host},MGSTATv2.9a,numberofcpus=8:1,productversion=2026.1",
        "Date,       Time    ,  " + ",  ".join(COLUMNS),
    ]
    for number in range(1, count + 1):
        at = started + timedelta(seconds=number * interval_seconds)
        values = ", ".join(str(100 + (number * width) % 89) for width in range(1, len(COLUMNS) + 1))
        lines.append(f"{at:%m/%d/%Y, %H:%M:%S}, {values}")
    lines.append("<!-- end_mgstat --></pre>")
    lines.append("End of InterSystems IRIS Performance Data Report</body></html>")
    return "\n".join(lines).encode("latin-1")
