"""What PrometheusMetrics() gives: a small page of our own with everything that is odd in real ones.

Decimals without a leading zero, counters that are none and counters without `_total`, `# UNIT`
lines, an untyped family, `&` and `%` in labels, and a series for each process.
"""

from __future__ import annotations

_HEAD = """\
# HELP iris_cpu_pct CPU usage (percentage) by process type
# TYPE iris_cpu_pct gauge
iris_cpu_pct{id="JRNDMN"} 1
iris_cpu_pct{id="WRTDMN"} 2
# HELP iris_cpu_usage CPU usage (percentage) system-wide
# TYPE iris_cpu_usage gauge
iris_cpu_usage <CPU>
# HELP iris_csp_gateway_latency Time (milliseconds) that a response of the gateway takes
# TYPE iris_csp_gateway_latency gauge
# UNIT iris_csp_gateway_latency milliseconds
iris_csp_gateway_latency{id="127.0.0.1:52773"} .302
# HELP iris_cached_query_by_ns Number of cached queries of a namespace
# TYPE iris_cached_query_by_ns gauge
iris_cached_query_by_ns{id="%SYS"} 84
iris_cached_query_by_ns{id="USER"} 0
# HELP iris_db_size_mb Size of a database in megabytes
# TYPE iris_db_size_mb gauge
iris_db_size_mb{id="IRISSYS",dir="/usr/irissys/mgr/"} 159
iris_db_size_mb{id="R&D",dir="/data/r&d/"} 11
# HELP iris_ecps_lock_que Current lock queue size (per connection)
# TYPE iris_ecps_lock_que counter
iris_ecps_lock_que{id="APP:HOST:IRIS"} 0
# HELP iris_ecps_lock_que_per_sec Current lock queue size (per second)
# TYPE iris_ecps_lock_que_per_sec gauge
iris_ecps_lock_que_per_sec 0
# HELP iris_interop_hosts Count of host items by status
# TYPE iris_interop_hosts gauge
iris_interop_hosts{id="USER",status="OK",host="FileOut",production="Demo.Production"} 1
iris_interop_hosts{id="USER",status="Error",host="TestProcess",production="Demo.Production"} 1
# HELP iris_interop_last_activity Last activity time
# TYPE iris_interop_last_activity gauge
# UNIT iris_interop_last_activity Seconds
iris_interop_last_activity{id="USER",host="FileOut",production="Demo.Production"} 87769.782
# HELP iris_interop_messages Count of messages processed since production started
# TYPE iris_interop_messages counter
iris_interop_messages{id="USER",host="FileOut",production="Demo.Production"} 400
# HELP iris_interop_messages_per_sec Count of messages processed per second
# TYPE iris_interop_messages_per_sec counter
iris_interop_messages_per_sec{id="USER",host="FileOut",production="Demo.Production"} .5
# HELP iris_license_available Licenses not in use
# TYPE iris_license_available gauge
iris_license_available <LICENCES>
# HELP iris_phys_mem_percent_used Physical memory (RAM) used (percentage)
# TYPE iris_phys_mem_percent_used gauge
iris_phys_mem_percent_used <MEMORY>
"""

_PROCESS = """\
# HELP iris_process State of a process
# TYPE iris_process gauge
<STATES># HELP iris_process_glo_refs Count of global references by process
# TYPE iris_process_glo_refs counter
<REFERENCES>"""

_TAIL = """\
# HELP iris_res_seize Resource seizes
# TYPE iris_res_seize counter
iris_res_seize{id="Global"} 12
# HELP iris_system_info Version, platform and name of the product
# TYPE iris_system_info untyped
iris_system_info{id="IRIS",product="IRIS for UNIX",version="2026.1",build_number="234"} 1
# HELP iris_system_state State of the system (-1: Hung, 0: OK, 1: Warning, 2: Alert)
# TYPE iris_system_state gauge
iris_system_state 0
# HELP iris_trans_open_secs Duration (seconds) of all open  transactions
# TYPE iris_trans_open_secs gauge
iris_trans_open_secs 0
"""

FIRST_PROCESS = 640


def sensors_text(*, cpu: float, memory: float, licences: int, processes: int) -> str:
    """Write the page."""
    numbers = range(FIRST_PROCESS, FIRST_PROCESS + processes)
    states = "".join(
        f'iris_process{{id="{pid}",state="EVTW",waitstate="",jobtype="59",clientname="",'
        f'namespace="%SYS",routine="%SYS.WorkQueueMgr"}} 1\n'
        for pid in numbers
    )
    references = "".join(f'iris_process_glo_refs{{id="{pid}"}} {pid * 7}\n' for pid in numbers)
    head = (
        _HEAD.replace("<CPU>", decimal_text(cpu))
        .replace("<MEMORY>", decimal_text(memory))
        .replace("<LICENCES>", str(licences))
    )
    process = _PROCESS.replace("<STATES>", states).replace("<REFERENCES>", references)
    return head + process + _TAIL


def decimal_text(number: float) -> str:
    """Write a number as ObjectScript does: no leading zero, no trailing ones."""
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
