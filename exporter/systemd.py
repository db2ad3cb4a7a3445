"""sd_notify(3): tell systemd how the daemon is. A datagram, so no library is needed."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send a state such as READY=1; nothing happens when systemd did not start us.

    A failure to send is not the daemon's failure: systemd notices the missing message itself.
    """
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear from us (half of its limit), or None when it does not."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    wanted_pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not limit.isdigit() or int(limit) == 0 or wanted_pid != str(os.getpid()):
        return None
    return int(limit) / 1_000_000 / 2
