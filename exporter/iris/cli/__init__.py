"""`perfwatch iris`: look at instances, and control what is collected on them, by hand.

calling.py     the words of the command line, and which instances they are about
commands.py    what each command asks and prints; the rest does exporter.iris.control
reporting.py   runs and reports
checking.py    `check` and its record
output.py      tables, JSON, progress
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing

from exporter.cli import on_one_line
from exporter.iris.access.errors import DOCUMENTATION, IrisError
from exporter.iris.access.session import Session
from exporter.iris.cli.calling import Call, Context, read_call
from exporter.iris.cli.output import Progress, as_json
from exporter.iris.settings import InstanceSettings
from exporter.settings import SettingsError


def iris(words: Sequence[str]) -> int:
    """Run the command line behind `perfwatch iris`; return the exit code."""
    call = read_call(words)
    if call.text is not None:
        print(call.text, end="")
        return 0
    progress = Progress(verbose=call.options.verbose)
    documents = {}
    failed = False
    try:
        for instance in call.instances:
            document, is_done = _execute(call, instance, progress)
            documents[instance.name] = document
            failed = failed or not is_done
    except KeyboardInterrupt:
        progress.done()
        return 130
    if call.options.json:
        print(as_json(documents))
    return 1 if failed else 0


def _execute(call: Call, instance: InstanceSettings, progress: Progress) -> tuple[object, bool]:
    """Do it on one instance: what JSON says of it, and whether it is done."""

    def show(text: str) -> None:
        progress(f"{instance.name}: {text}")

    try:
        with closing(Session(instance.connection())) as session:
            show("connecting")
            context = Context(session, session.open(), instance, call.options, show)
            result = call.command.execute(context)
    except IrisError as error:
        progress.done()
        print(f"perfwatch: {instance.name}: {on_one_line(str(error))}", file=sys.stderr)
        told = {"kind": error.kind, "message": error.message, "remedy": error.remedy}
        return {"error": told}, False
    except ValueError as error:
        # A policy that cannot be, a file that is there already: the call is wrong.
        text = f"{instance.name}: {error}"
        where = "" if DOCUMENTATION in text else f" (see {DOCUMENTATION})"
        raise SettingsError(text + where) from error
    finally:
        progress.done()
    if not call.options.json and result.text:
        lines = map(on_one_line, result.text.split("\n"))  # names of a server's may be in them
        print(_with_title("\n".join(lines), instance.name, alone=len(call.instances) == 1))
    return result.document, result.is_done


def _with_title(text: str, name: str, *, alone: bool) -> str:
    return text if alone else f"{name}\n{text}\n"
