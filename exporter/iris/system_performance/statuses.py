"""What IRIS says of success: %Status values, and the `1` or `0^reason` of ^SystemPerformance."""

from __future__ import annotations

import re

from exporter.iris.access.classify import one_line
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session

_NO_REASON = "refused without a reason"

_PRINTABLE = re.compile(r"[ -~]{4,}")


def check_status(session: Session, status: object, doing: str, remedy: str) -> None:
    """Raise REJECTED unless a %Status says OK."""
    if str(status) == "1":
        return
    try:
        text = session.call("%SYSTEM.Status", "GetErrorText", str(status or ""))
    except IrisError as error:
        if error.connection_lost:
            raise
        text = None
    reason = one_line(str(text)) if text else status_text(status)
    raise IrisError(ErrorKind.REJECTED, f"{doing}: {reason}", remedy)


def status_text(status: object) -> str:
    """Find what can be read in the %Status of an error: "0 ", and a list that holds texts."""
    texts = [text.strip() for text in _PRINTABLE.findall(str(status or "").removeprefix("0 "))]
    return ", ".join(texts) or _NO_REASON


def check_answer(answer: object, doing: str, remedy: str) -> None:
    """Raise REJECTED where a function of ^SystemPerformance says `0^reason`, 0 or nothing."""
    number, _, reason = str("" if answer is None else answer).partition("^")
    if number in {"", "0"} or number.startswith("-"):
        raise IrisError(ErrorKind.REJECTED, f"{doing}: {one_line(reason) or _NO_REASON}", remedy)
