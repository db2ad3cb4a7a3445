"""%Status: 1, or `0 ` and a $LIST of errors, each a $LIST of a number and what it is about."""

from __future__ import annotations

from tests.iris.double import wire

OK = 1

TEXTS = {
    921: "Operation requires {0} privilege",
    5001: "{0}",
    5019: "Invalid directory or directory does not exist: '{0}'",
    5659: "Property '{0}' required",
    5809: "Object to Load not found, class '%SYS.Task', ID '{0}'",
    7201: "Datatype value '{0}' length longer than MAXLEN allowed of {1}",
    7404: "Name must start with a letter: '{0}'",
    7405: "Running as user '{0}' requires %Admin_Secure:USE privilege",
    7432: "Start Date and Time must be in the future",
    7434: "Executing code requires %Admin_Manage:USE privilege",
}
"""The words are ours; numbers up to 7201 and what they mean are documented, the others measured."""


def error_status(number: int, *about: str | int) -> str:
    """Make a %Status that is an error."""
    return "0 " + wire.encode_all([(number, *map(str, about))]).decode("latin-1")


def status_text(status: str | int | None) -> str:
    """Do as $SYSTEM.Status.GetErrorText()."""
    text = str(status)
    if not text.startswith("0 "):
        return ""
    errors = wire.read_list(text[2:])
    found = []
    for error in errors:
        number, *about = wire.read_list(str(error))
        found.append(f"ERROR #{number}: {TEXTS[int(number)].format(*about)}")
    return "; ".join(found)
