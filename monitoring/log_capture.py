"""What Python itself writes to stderr, over several lines and with secrets, as records.

Uncaught exceptions of the main thread and of others, exceptions that are ignored (as in
`__del__`), and warnings. A hook that somebody else has replaced, such as a debugger or an error
tracker, is left to them.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TextIO

from monitoring.log_lines import STRUCTURED

_log = logging.getLogger("python")


def install() -> None:
    """Take Python's hooks; those of others stay."""
    for owner, name, python, own in _HOOKS:
        if getattr(owner, name) is python:
            setattr(owner, name, own)


def put_back() -> None:
    """Give Python its hooks back, where nobody else has replaced them since."""
    for owner, name, python, own in _HOOKS:
        if getattr(owner, name) is own:
            setattr(owner, name, python)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.error("uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:
        return  # a thread's way to end, as Python sees it
    _log.error(
        "uncaught exception",
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),  # type: ignore[arg-type]
        extra=_fields(thread=args.thread.name if args.thread else None),
    )


def _ignored(args: "sys.UnraisableHookArgs") -> None:  # noqa: UP037 -- exists only for type checkers
    _log.error(
        "exception ignored",
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),  # type: ignore[arg-type]
        extra=_fields(where=_shown(args.object)),
    )


def _warned(  # noqa: PLR0913, PLR0917 -- Python's signature
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if file is None:
        fields = _fields(warning=message, file=filename, line=lineno)
        _log.warning("warning", extra=fields)
    else:
        _PYTHONS_WARNED(message, category, filename, lineno, file, line)


def _fields(**fields: object) -> dict[str, Any]:
    return {STRUCTURED: {"data": fields}}


def _shown(thing: object) -> str:
    """Show it as Python would, now: a record that keeps a dying object would revive it."""
    try:
        return repr(thing)
    except Exception:  # noqa: BLE001 -- the object's own code may raise anything
        return f"<{type(thing).__name__}>"


_PYTHONS_WARNED: Final[Callable[..., None]] = warnings._showwarning_orig  # type: ignore[attr-defined] # noqa: SLF001 -- by no public name

_HOOKS: Final[tuple[tuple[Any, str, Any, Any], ...]] = (
    (sys, "excepthook", sys.__excepthook__, _uncaught),
    (threading, "excepthook", threading.__excepthook__, _uncaught_in_thread),
    (sys, "unraisablehook", sys.__unraisablehook__, _ignored),
    (warnings, "showwarning", _PYTHONS_WARNED, _warned),
)
