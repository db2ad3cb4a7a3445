"""A text over HTTP(S), in the worker: the way to the sensors when the superserver refuses.

No proxy is asked, whatever the environment says, and no redirection followed: the user's password
goes to the address that was given, and nowhere else.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from contextlib import closing
from typing import Any
from urllib.parse import SplitResult, urlsplit

from exporter.iris.access.classify import one_line
from exporter.iris.access.errors import ErrorKind, IrisError

MAX_BYTES = 16 << 20

URL = "check `iris.metrics-url`"
WEB_ACCOUNT = (
    "check `iris.username` and `iris.password-file`, and that the user may use the web application"
)
URL_OR_LOGIN = "`iris.metrics-url` and a token have letters, digits and signs of ASCII only"
CERTIFICATE = "check `iris.tls-ca-file` and the certificate's name"

STATUS = {
    401: (ErrorKind.ACCESS_DENIED, WEB_ACCOUNT),
    403: (ErrorKind.ACCESS_DENIED, WEB_ACCOUNT),
    404: (ErrorKind.ABSENT, URL),
}
"""What HTTP's codes mean here; any other is the server's error."""


def fetch(url: str, login: dict[str, Any]) -> str:
    """Fetch a text. Raises IrisError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise IrisError(ErrorKind.PROTOCOL, f"no URL: {one_line(str(error))}", URL) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"{one_line(parts.scheme) or 'nothing'} is neither http nor https"
        raise IrisError(ErrorKind.PROTOCOL, message, URL)
    with closing(_client(parts, port, login)) as client:
        try:
            client.connect()
        except ssl.SSLError as error:
            raise _tls_error(error) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no name can be
            raise IrisError(ErrorKind.UNREACHABLE, _reason(error), URL) from error
        try:
            return _get(client, parts, login)
        except TimeoutError as error:
            raise IrisError(ErrorKind.TIMEOUT, "no answer", URL) from error
        except ssl.SSLError as error:
            raise _tls_error(error) from error
        except (OSError, http.client.IncompleteRead) as error:
            raise IrisError(ErrorKind.DROPPED, _reason(error), URL) from error
        except http.client.HTTPException as error:
            raise IrisError(ErrorKind.PROTOCOL, f"no HTTP: {_reason(error)}", URL) from error
        except ValueError:  # whose text, and that of what led to it, may hold the token
            raise IrisError(ErrorKind.PROTOCOL, "not fit for HTTP", URL_OR_LOGIN) from None


def _client(
    parts: SplitResult, port: int | None, login: dict[str, Any]
) -> http.client.HTTPConnection:
    host, seconds = parts.hostname or "", login["timeout_seconds"]
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    tls = login["tls"] or {"ca_file": "", "verify": True}
    try:
        context = ssl.create_default_context(cafile=tls["ca_file"] or None)
    except OSError as error:
        raise _tls_error(error) from error
    if not tls["verify"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)


def _get(client: http.client.HTTPConnection, parts: SplitResult, login: dict[str, Any]) -> str:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    client.request("GET", target, headers=_credentials(login))
    with client.getresponse() as response:
        if response.status != http.client.OK:
            kind, remedy = STATUS.get(response.status, (ErrorKind.SERVER, URL))
            known = http.client.responses.get(response.status, "")
            raise IrisError(kind, f"HTTP status {response.status} {known}".strip(), remedy)
        if (response.length or 0) > MAX_BYTES:
            raise _too_long()
        # Without a number it reads to the announced end, and notices a body that is cut short.
        body = response.read(MAX_BYTES + 1) if response.length is None else response.read()
    if len(body) > MAX_BYTES:
        raise _too_long()
    return body.decode("utf-8", "replace")


def _too_long() -> IrisError:
    return IrisError(ErrorKind.SERVER, f"more than {MAX_BYTES} bytes", URL)


def _credentials(login: dict[str, Any]) -> dict[str, str]:
    if login["access_token"]:
        return {"Authorization": f"Bearer {login['access_token']}"}
    if login["username"]:
        pair = f"{login['username']}:{login['password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
    return {}


def _tls_error(error: OSError) -> IrisError:
    return IrisError(ErrorKind.TLS, f"no agreement on TLS: {_reason(error)}", CERTIFICATE)


def _reason(error: Exception) -> str:
    """Give what an error says; that of a server's own words is not asked, it may be anything."""
    said = error.strerror if isinstance(error, OSError) else ""
    return one_line(said or type(error).__name__)
