"""TLS servers with certificates of any age, made by the real `openssl`."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[extensions]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature,keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Issuer:
    """A key, and self-signed certificates for it."""

    def __init__(self, folder: Path) -> None:
        """Skip the test where openssl is missing; under CI=true it fails."""
        if shutil.which("openssl") is None:
            give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            give_up("openssl is not here: install it (apt-get install openssl)")
        self._folder = folder
        self._number = 0
        self.key = folder / "key.pem"
        (folder / "ca.cnf").write_text(CONFIGURATION)
        (folder / "index.txt").touch()
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        subject = ["-keyout", "key.pem", "-subj", "/CN=localhost", "-out", "request.pem"]
        self._openssl("req", "-new", *kind, *subject)

    def issue(self, expiry: datetime) -> Path:
        """Make a certificate that is valid until then."""
        self._number += 1
        path = self._folder / f"{self._number}.pem"
        signing = ["-batch", "-notext", "-selfsign", "-keyfile", "key.pem", "-in", "request.pem"]
        dates = ["-startdate", f"{BEGINNING:%Y%m%d%H%M%SZ}", "-enddate", f"{expiry:%Y%m%d%H%M%SZ}"]
        self._openssl("ca", *signing, *dates, "-extensions", "extensions", "-out", path.name)
        return path

    def _openssl(self, command: str, *arguments: str) -> None:
        subprocess.run(
            ["openssl", command, "-config", "ca.cnf", *arguments],
            cwd=self._folder,
            check=True,
            capture_output=True,
        )


@contextlib.contextmanager
def serve_tls(certificate: Path, key: Path, host: str = "127.0.0.1") -> Iterator[int]:
    """Shake hands with whoever connects; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listen(host) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def listen(host: str = "127.0.0.1") -> socket.socket:
    """A listening socket; skips the test on a machine without this kind of address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, 0), family=family)
    except OSError as error:
        pytest.skip(f"this machine has no address {host}: {error}")


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the test is over
            return
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)  # until the other side hangs up
