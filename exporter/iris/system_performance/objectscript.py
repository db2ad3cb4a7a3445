"""The ObjectScript that we run in IRIS: each statement is here once, and nowhere else.

It goes into the tasks with our values in it, and into the wrapper with its arguments instead. Only
values that a policy has validated get in: names of letters, digits and _, and whole numbers.

One line each, as a task's ExecuteCode is executed with XECUTE. No variable is named Status, which
the Task Manager keeps for itself.
"""

from __future__ import annotations

import re

OVERDUE_AFTER_SECONDS = 300
"""A run of ours that is active for so much longer than it takes is collected: a restart of the
instance leaves them like that."""

STALE_AFTER_SECONDS = 3900
"""What could not be collected by then is stopped. More than an hour, as summer time moves the
clock by one."""

MISSED_ENOUGH = 100
"""After so many of our old runs of which nothing is left, those before them are not looked for."""

_TEXT = re.compile(r"[A-Za-z0-9_ ,.:%^-]*\Z")

_NOW = '($piece($horolog,",")*86400)+$piece($horolog,",",2)'

_STARTED = "($zdateh($extract(id,1,8),8)*86400)+($extract(id,10,11)*3600)+($extract(id,12,13)*60)"


def literal(text: str) -> str:
    """Write a text as ObjectScript; only what needs no escapes."""
    if not _TEXT.match(text):
        raise ValueError(f"not a text for ObjectScript: {text!r}")
    return f'"{text}"'


def refuse_unless_name(profile: str) -> str:
    """Statement of a function that refuses what no profile of ours can be called."""
    return f'quit:$match({profile},"[A-Za-z0-9_]+")=0 "0^not a name of a profile"'


def refuse_unless_runid(runid: str) -> str:
    """Statement of a function that refuses what is no runid: the routine makes paths of it."""
    return rf'quit:$match({runid},"\d+_\d+_[A-Za-z0-9_]+")=0 "0^not a runid"'


def _is_ours(profile: str) -> str:
    return rf'$match(id,"\d{{8}}_(\d{{4}}|\d{{6}})_.+")&&($piece(id,"_",3,99)={profile})'


def add_profile(profile: str, text: str, interval: str, count: str) -> str:
    """Call that makes a profile: gives 1, or `0^reason`."""
    return f"$$addprofile^SystemPerformance({profile},{text},{interval},{count})"


def make_profile(profile: str, text: str, interval: str, count: str) -> str:
    """Statement that makes a profile unless there is one of its name."""
    add = add_profile(profile, text, interval, count)
    return f'if $data(^IRIS.SystemPerformance("profile",{profile}))=0 {{ set result={add} }}'


def edit_profile(profile: str, text: str, interval: str, count: str) -> str:
    """Call that changes a profile: gives 1, or `0^reason`."""
    return f"$$editprofile^SystemPerformance({profile},{text},{interval},{count})"


def stop_run(runid: str, keep: str) -> str:
    """Call that ends a run; `keep` of 0 has its logs deleted, else its report is written."""
    return (
        f"$select({keep}:$$Stop^SystemPerformance({runid},0),1:$$Stop^SystemPerformance({runid}))"
    )


def find_active(profile: str, seconds: str) -> str:
    """Statements that set `active` to a run of ours, or "". Those left behind they end."""
    return (
        'set active="",id="" '
        'for  { set id=$order(^IRIS.SystemPerformance("run",id)) quit:id=""  '
        f"if {_is_ours(profile)} {{ "
        f"set age=({_NOW})-({_STARTED}) "
        f"if (age>({seconds}+{OVERDUE_AFTER_SECONDS}))"
        '&&($$Collect^SystemPerformance(id)>0) { set result="collected" } '
        f"elseif age>({seconds}+{STALE_AFTER_SECONDS}) "
        "{ set result=$$Stop^SystemPerformance(id,0) } "
        "else { set active=id } } }"
    )


def purge(profile: str, seconds: str) -> str:
    """Statements that remove what is left of runs of ours that ended so many seconds ago."""
    report = '"*_"_##class(%SYS.System).GetInstanceName()_"_"_id'
    return (
        'set id="",missed=0 '
        'for  { set id=$order(^IRIS.SystemPerformance("history",id),-1) '
        f'quit:(id="")||(missed={MISSED_ENOUGH})  '
        f'if {_is_ours(profile)}&&($data(^IRIS.SystemPerformance("run",id))=0) {{ '
        'set node=^IRIS.SystemPerformance("history",id),ended=$piece(node,"^") '
        'set folder=##class(%Library.File).NormalizeDirectory($piece(node,"^",2,99)) '
        f'if ended[",",(({_NOW})-($piece(ended,",")*86400)-$piece(ended,",",2))>{seconds} {{ '
        "set missed=missed+1 "
        f'for name={report}_".html",{report}_".html.gz",{report}_".html.zip",{report}_"_P*.html",'
        'id_".log",id_".mgst" { '
        "set file=$zsearch(folder_name) "
        "while $length(file) { set missed=0 "
        'do ##class(%Library.File).Delete(file) set file=$zsearch("") } '
        "} } } }"
    )


def start_run(profile: str, os_data: str, seconds: str) -> str:
    """Statements that start a run unless one of ours is active; its runid is in `active`.

    One process at a time, as two could look before either has started one: to the other one
    `active` is 1. A lock goes with its process. In SQL, `:0` would be a parameter to the driver.
    `run` leaves another device as the current one.
    """
    return (
        f"set active=1 lock +^ZPerfWatch({profile}):(0) if $test {{ "
        f'{find_active(profile, seconds)} if active="" {{ set device=$io '
        f"set active=$select({os_data}:$$run^SystemPerformance({profile}),"
        f"1:$$literun^SystemPerformance({profile})) use device }} "
        f"lock -^ZPerfWatch({profile}) }}"
    )
