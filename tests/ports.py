"""A port for a program that cannot say which one the kernel has chosen."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
