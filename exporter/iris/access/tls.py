"""TLS for the driver: it reads its settings from a file that an environment variable names.

The file is in memory. VerifyHost is not in the driver's documentation, but without it the name in
a certificate is not looked at. TLSMinVersion 16 and TLSMaxVersion 32 are TLS 1.2 and 1.3.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from exporter.iris.access.classify import one_line
from exporter.iris.access.errors import ErrorKind, IrisError

SECTION = "PerfWatch"
VARIABLE = "ISC_SSLconfigurations"

AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",
)
"""Where systems keep the authorities that they trust; the driver's own OpenSSL knows none."""


@contextlib.contextmanager
def settings_file(tls: dict[str, Any] | None) -> Iterator[str]:
    """Give the name of the settings, which are there within the block; "" is for none."""
    if tls is None:
        yield ""
        return
    descriptor = os.memfd_create("perfwatch-iris-tls")
    try:
        os.write(descriptor, settings(tls["ca_file"], verify=tls["verify"]).encode())
        os.environ[VARIABLE] = f"/dev/fd/{descriptor}"
        yield SECTION
    finally:
        os.close(descriptor)


def settings(ca_file: str, *, verify: bool) -> str:
    """Give the text of the file. Raises IrisError."""
    lines = [f"[{SECTION}]", "TLSMinVersion=16", "TLSMaxVersion=32"]
    if verify:
        lines += ["VerifyPeer=1", "VerifyHost=1", f"CAFile={authorities(ca_file)}"]
    else:
        lines.append("VerifyPeer=0")
    return "\n".join([*lines, ""])


def authorities(ca_file: str, system: Sequence[str] = AUTHORITIES) -> str:
    """Find the file of authorities, the system's if none is given. Raises IrisError."""
    paths = [ca_file] if ca_file else system
    for path in paths:
        if os.access(path, os.R_OK):
            return path
    message = f"no file of authorities that can be read: {', '.join(paths)}"
    raise IrisError(ErrorKind.TLS, one_line(message), "check `iris.tls-ca-file`")
