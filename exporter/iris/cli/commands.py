"""What each command of `perfwatch iris` asks, and how its answer reads."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.iris import control
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.cli.calling import Command, Context, Result
from exporter.iris.cli.checking import check, declare_check
from exporter.iris.cli.output import duration, listing, size, table
from exporter.iris.cli.reporting import (
    declare_fetch,
    fetch_report,
    list_our_reports,
    list_runs,
)
from exporter.iris.system_performance import tasks, wrapper
from exporter.options import parse_age

NOTHING = "nothing to do"
ABSENT = "there is no task of ours; `perfwatch iris configure` creates it"


def status(context: Context) -> Result:
    """Show whether it collects, and what there is of ours."""
    _, document = control.get_monitoring_status(context.session, context.instance.policy())
    is_seen = all(one["grant"] != tasks.GRANT_SELECT for one in document["missing"])
    task = document["task"] or {}
    run = document["last_run"] or {}
    report = document["last_report"] or {}
    active = [one["runid"] for one in document["active_runs"] or ()]
    pairs = {
        "collecting": describe_state(document) if is_seen else "unknown",
        "active runs": ", ".join(active) or ("none" if document["active_runs"] == [] else None),
        "ends in": _remaining(document["active_runs"] or ()),
        "last run ended": run.get("ended"),
        "last report": report.get("path"),
        "size": size(report.get("size_bytes")) if report else None,
        "task": task.get("name"),
        "next start": task.get("next_scheduled"),
        "task's error": task.get("error"),
        "wrapper": document["wrapper"] or "not installed",
        "version": document["version"],
    }
    lines = [listing({name: value for name, value in pairs.items() if value is not None})]
    grants: dict[str, list[str]] = {}
    for one in document["missing"]:
        grants.setdefault(one["grant"], []).append(one["what"])
    lines += [f"  cannot {', '.join(what)}: {grant}" for grant, what in grants.items()]
    return Result(document, "\n".join(lines))


def describe_state(document: Mapping[str, Any]) -> str:
    """Say in words what a mark says."""
    state = document["state"]
    parts = [ABSENT if state == "absent" else state.removeprefix("kept_")]
    if document["by"]:
        parts.append(f"by {document['by']}")
    for name in ("since", "until"):
        if document[name]:
            parts += [name, document[name].replace("+00:00", "Z")]
    text = " ".join(parts)
    return f"{text}: {document['reason']}" if document["reason"] else text


def _remaining(runs: Any) -> str | None:
    left = [run["remaining_seconds"] for run in runs if run["remaining_seconds"] is not None]
    return duration(max(left)) if left else None


def configure(context: Context) -> Result:
    """Make profile and task as they are wanted."""
    context.show("looking at profile, task and runs")
    is_done, text = control.configure_monitoring(
        context.session, context.instance.policy(), force=context.options.force
    )
    return Result({"done": is_done, "message": text}, text, is_done)


def enable(context: Context) -> Result:
    """Resume collecting."""
    context.show("resuming")
    count = control.enable_monitoring(
        context.session, until=_until(context), policy=context.instance.policy()
    )
    return _changed(context, count)


def disable(context: Context) -> Result:
    """Suspend collecting, and stop what runs."""
    context.show("suspending")
    count = control.disable_monitoring(
        context.session,
        until=_until(context),
        reason=context.options.reason,
        policy=context.instance.policy(),
    )
    return _changed(context, count)


def _until(context: Context) -> datetime | None:
    seconds = context.options.duration
    return None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)


def _changed(context: Context, count: int) -> Result:
    _, document = control.get_monitoring_status(context.session, context.instance.policy())
    text = f"collecting: {describe_state(document)}"
    if not count:
        text += f" ({NOTHING})"
    if document["active_runs"] and not document["state"].endswith("on"):
        text += "\nthe active run ends within a minute"
    document = {name: document[name] for name in ("state", "by", "since", "until", "reason")}
    return Result({"changed": count, **document}, text, document["state"] != "absent")


def install(context: Context) -> Result:
    """Show what will be installed, and install it: the command is the consent."""
    script = wrapper_text("sql")
    if not context.options.json:
        print(f"Installing in %SYS of {context.instance.name}:\n\n{script}")
    context.show("installing")
    wrapper.install(context.session)
    installed = wrapper.installed_version(context.session)
    if installed is None:
        raise IrisError(
            ErrorKind.PRIVILEGE,
            "the functions are installed, but this user may not use them",
            "run the lines with GRANT EXECUTE of `perfwatch iris install --print role`",
        )
    return Result({"wrapper": installed, "sql": script}, f"installed: {installed}")


def uninstall(context: Context) -> Result:
    """Remove the wrapper."""
    is_removed = wrapper.uninstall(context.session)
    return Result({"removed": is_removed}, "removed" if is_removed else f"{NOTHING}: no wrapper")


def wrapper_text(form: str) -> str:
    """Give what is installed as SQL or as a class, or the script for a role."""
    if form == "class":
        return wrapper.class_text()
    if form == "role":
        return wrapper.role_script(with_wrapper=True)
    return "".join(f"{wrapper.create_statement(one)}\n" for one in wrapper.FUNCTIONS)


def list_tasks(context: Context) -> Result:
    """List our tasks."""
    found = control.list_monitoring_tasks(context.session)
    rows = [
        (
            task["id"],
            task["name"],
            "suspended" if task["is_suspended"] else "active",
            describe_state(task) if tasks.is_schedule(task["name"]) else None,
            task["last_finished"],
            task["next_scheduled"],
            task["error"],
        )
        for task in found
    ]
    head = ("ID", "NAME", "TASK", "COLLECTING", "LAST ENDED", "NEXT", "ERROR")
    return Result(found, table(head, rows) if rows else "no task of PerfWatch's")


def _on_task(act: Callable[[Any, str], bool], done: str) -> Callable[[Context], Result]:
    """Make a command that does something to one of our tasks."""

    def execute(context: Context) -> Result:
        task_id = context.options.id or _schedule_id(context)
        is_done = act(context.session, task_id)
        return Result({"id": task_id, "done": is_done}, f"task {task_id} is {done}", is_done)

    return execute


def _schedule_id(context: Context) -> str:
    name = tasks.schedule_name(context.instance.policy())
    for task_id in tasks.find_tasks(context.session, name):
        return task_id
    raise IrisError(
        ErrorKind.ABSENT, f"there is no task {name}", "`perfwatch iris configure` creates it"
    )


def _declare_configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="write profile and task also where they look right"
    )


def _declare_for(parser: argparse.ArgumentParser) -> None:
    help_text = "for so long (90m, 2h, 3d), and then as the governor decides"
    parser.add_argument("--for", dest="duration", metavar="TIME", type=_positive, help=help_text)


def _declare_disable(parser: argparse.ArgumentParser) -> None:
    _declare_for(parser)
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="a few words, for whoever looks"
    )


def _declare_install(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--print",
        choices=("class", "sql", "role"),
        help="install nothing, only print: the class, the SQL, or a role's script",
    )


def _declare_task(parser: argparse.ArgumentParser) -> None:
    help_text = "default: the one that starts runs"
    parser.add_argument("id", metavar="ID", nargs="?", type=_task_id, help=help_text)


def _task_id(text: str) -> str:
    """Take an id; an empty one, as of a variable that is not set, must not mean the default."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: leave it out for the task that starts runs")
    return text


def _positive(text: str) -> float:
    """Take a duration above 0, for argparse."""
    try:
        seconds = parse_age(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"expected at least a second, got {text!r}")
    return seconds


COMMANDS: Mapping[str, Command] = {
    "status": Command(status, "Show whether it collects, and by whom that was decided."),
    "configure": Command(
        configure, "Make profile and task as the configuration wants them.", _declare_configure
    ),
    "enable": Command(enable, "Resume collecting.", _declare_for),
    "disable": Command(disable, "Suspend collecting, and stop active runs.", _declare_disable),
    "install": Command(
        install,
        "Install the wrapper: a few SQL functions, shown first.",
        _declare_install,
        for_one=True,
        prints=lambda options: wrapper_text(options.print) if options.print else None,
    ),
    "uninstall": Command(uninstall, "Remove the wrapper.", for_one=True),
    "runs": Command(list_runs, "List our runs."),
    "report list": Command(list_our_reports, "List the reports of our runs."),
    "report fetch": Command(fetch_report, "Copy a report to this machine.", declare_fetch, True),
    "tasks list": Command(list_tasks, "List our tasks."),
    "tasks suspend": Command(
        _on_task(control.suspend_task, "suspended"), "Suspend a task.", _declare_task, True
    ),
    "tasks resume": Command(
        _on_task(control.resume_task, "active"), "Resume a task.", _declare_task, True
    ),
    "tasks delete": Command(
        _on_task(control.delete_task, "gone"), "Delete a task.", _declare_task, True
    ),
    "check": Command(check, "Say what works, and which grants are missing.", declare_check),
}
