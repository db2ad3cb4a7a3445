"""What PrometheusMetrics() gives: a page of our own with everything that is odd in real ones.

The families stand in sensors/, as they are published; `$names` are what tests set. Odd are decimals
without a leading zero, counters that are none and counters without `_total`, `# UNIT` lines, an
untyped family, `&` and `%` in labels, and a series for each process.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

_FOLDER = Path(__file__).with_name("sensors")
_INSTANCE, _ECP, _MIRROR, _PRODUCTION = (
    Template((_FOLDER / f"{name}.txt").read_text())
    for name in ("instance", "ecp", "mirror", "production")
)

_PROCESS = Template("""\
# HELP iris_process State of a process
# TYPE iris_process gauge
$states# HELP iris_process_glo_refs Count of global references by process
# TYPE iris_process_glo_refs counter
$references""")

MIRROR_STATUSES = (
    "NOTINIT",
    "PRIMARY",
    "BACKUP",
    "CONNECTED",
    "TRANSITION",
    "SYNCHRONIZING",
    "WAITING",
    "STOPPED",
    "CRASHED",
)
"""As the sensor numbers them, from 1."""
_FAILOVER_MEMBER, _NO_MEMBER = 3, 2

FIRST_PROCESS = 640


def sensors_text(
    *,
    cpu: float,
    memory: float,
    licences: int,
    processes: int,
    limit: int = 25,
    state: int = 0,
    ecp: int = 0,
    mirror: str = "NOTINIT",
) -> str:
    """Write the page. Of ECP and of mirrors there is more where they are used."""
    in_mirror = mirror != "NOTINIT"
    values = {
        "cpu": decimal_text(cpu),
        "memory": decimal_text(memory),
        "available": licences,
        "consumed": limit - licences,
        "percent": decimal_text(100 * (limit - licences) / max(limit, 1)),
        "state": state,
        "ecp": ecp,
        "member_type": _FAILOVER_MEMBER if in_mirror else _NO_MEMBER,
        "mirror_status": MIRROR_STATUSES.index(mirror) + 1,
    }
    parts = [_INSTANCE, *([_ECP] if ecp else []), *([_MIRROR] if in_mirror else []), _PRODUCTION]
    return "".join(part.substitute(values) for part in parts) + _processes_text(processes)


def _processes_text(processes: int) -> str:
    numbers = range(FIRST_PROCESS, FIRST_PROCESS + processes)
    states = "".join(
        f'iris_process{{id="{pid}",state="EVTW",waitstate="",jobtype="59",clientname="",'
        f'namespace="%SYS",routine="%SYS.WorkQueueMgr"}} 1\n'
        for pid in numbers
    )
    references = "".join(f'iris_process_glo_refs{{id="{pid}"}} {pid * 7}\n' for pid in numbers)
    return _PROCESS.substitute(states=states, references=references)


def decimal_text(number: float) -> str:
    """Write a number as ObjectScript does: no leading zero, no trailing ones."""
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
