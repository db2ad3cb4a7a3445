"""The uname collector: /proc/sys/kernel and uname(2)."""

from __future__ import annotations

import os
from typing import Any

from exporter.collectors.uname import UnameCollector

FROM_SYSTEM = os.uname_result(("Linux", "own-name", "9.9", "#9", "riscv64"))

LINUX_6_1 = {
    "domainname": "(none)",
    "arch": "x86_64",
    "hostname": "db1",
    "osrelease": "6.1.0-28-amd64",
    "ostype": "Linux",
    "version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1",
}


def write_names(host: Any, names: dict[str, str]) -> None:
    """Write files of /proc/sys/kernel."""
    for name, text in names.items():
        host.write(f"proc/sys/kernel/{name}", f"{text}\n")


def test_all_names_come_from_the_tree(host: Any) -> None:
    """A captured host names itself, not the machine the capture is read on."""
    write_names(host, LINUX_6_1)
    assert host.samples(UnameCollector(host.kernel, uname=lambda: FROM_SYSTEM)) == {
        'node_uname_info{domainname="(none)",machine="x86_64",nodename="db1",'
        'release="6.1.0-28-amd64",sysname="Linux",'
        'version="#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1"}': 1
    }


def test_machine_of_an_older_kernel_comes_from_uname(host: Any) -> None:
    """Before 6.1 there is no file for it."""
    write_names(host, {name: text for name, text in LINUX_6_1.items() if name != "arch"})
    (series,) = host.samples(UnameCollector(host.kernel, uname=lambda: FROM_SYSTEM))
    assert 'machine="riscv64"' in series
    assert 'nodename="db1"' in series


def test_hidden_sysctls_leave_only_the_domain_name_out(host: Any) -> None:
    """Where /proc/sys is hidden, uname(2) tells all that Python passes on of it."""
    assert host.samples(UnameCollector(host.kernel, uname=lambda: FROM_SYSTEM)) == {
        'node_uname_info{machine="riscv64",nodename="own-name",release="9.9",'
        'sysname="Linux",version="#9"}': 1
    }


def test_a_renamed_host_is_seen(host: Any) -> None:
    """The names that can change while the kernel runs are read at each collection."""
    write_names(host, LINUX_6_1)
    collector = UnameCollector(host.kernel)
    host.samples(collector)
    host.write("proc/sys/kernel/hostname", "db2\n")
    host.write("proc/sys/kernel/domainname", "example\n")
    (series,) = host.samples(collector)
    assert 'nodename="db2"' in series
    assert 'domainname="example"' in series
