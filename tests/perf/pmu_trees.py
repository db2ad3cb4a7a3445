"""PMUs of several machines, as sysfs describes them."""

from __future__ import annotations

X86 = {
    "cpu/type": "4",
    "cpu/format/event": "config:0-7",
    "cpu/format/umask": "config:8-15",
    "cpu/format/edge": "config:18",
    "cpu/format/cmask": "config:24-31",
    "cpu/format/offcore_rsp": "config1:0-63",
    "cpu/format/ldlat": "config1:0-15",
    "cpu/format/frontend": "config2:0-23",
    "cpu/format/broken": "config9:0",
    "cpu/events/mem-loads": "event=0xcd,umask=0x1,ldlat=3",
    "cpu/events/odd": "event",
    "power/type": "14",
    "power/cpumask": "0,8",
    "power/format/event": "config:0-7",
    "power/events/energy-pkg": "event=0x02",
    "power/events/energy-pkg.scale": "2.3283064365386962890625e-10",
    "power/events/energy-pkg.unit": "Joules",
    "msr/type": "9",
    "msr/format/event": "config:0-63",
    "msr/events/tsc": "event=0x00",
    "msr/events/cpu_thermal_margin": "event=0x05",
    "msr/events/cpu_thermal_margin.snapshot": "1",
    "msr/events/cpu_thermal_margin.unit": "C",
    "unnumbered/format/event": "config:0-7",
    "uncore_imc_0/type": "20",
    "uncore_imc_1/type": "21",
    "uncore_imc_free_running_0/type": "30",
    **{
        f"uncore_imc_{number}/{name}": content
        for number in (0, 1)
        for name, content in {
            "cpumask": "0",
            "format/event": "config:0-7",
            "format/umask": "config:8-15,32-35",
            "events/cas_count_read": "event=0x04,umask=0x03",
            "events/cas_count_read.scale": "6.103515625e-5",
            "events/cas_count_read.unit": "MiB",
        }.items()
    },
}
"""A server with uncore PMUs, as the kernel describes it."""

ARM = {
    "armv8_pmuv3_0/type": "8",
    "armv8_pmuv3_0/cpus": "0-3",
    "armv8_pmuv3_0/format/event": "config:0-15",
    "armv8_pmuv3_0/format/long": "config1:0",
    "armv8_pmuv3_0/events/stall_backend": "event=0x0024",
    "arm_dsu_0/type": "11",
    "arm_dsu_0/cpumask": "2",
    "arm_dsu_0/format/event": "config:0-31",
    "arm_dsu_0/events/bus_access": "event=0x19",
}
BIG_LITTLE = {
    "armv8_cortex_a53/type": "8",
    "armv8_cortex_a53/cpus": "0-3",
    "armv8_cortex_a72/type": "9",
    "armv8_cortex_a72/cpus": "4-5",
}
HYBRID = {
    "cpu_core/type": "4",
    "cpu_core/cpus": "0-7",
    "cpu_core/format/event": "config:0-7",
    "cpu_atom/type": "10",
    "cpu_atom/cpus": "8-11",
    "cpu_atom/format/event": "config:0-7",
}
