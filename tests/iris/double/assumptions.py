"""What the double assumes about real servers, in one place: docs/iris.md lists it.

No real server took part. That the driver accepts what the double sends is proved by the tests of
the double; that a server sends the same is what stands here, each with its evidence:

accepted: the real driver was seen to accept it; what a server sends has not been seen
client: read in the sources of a client, not exercised
recorded: others have published it as seen with the driver and a real server
documented: InterSystems' documentation or class reference says so
guessed: plausible, and without any source
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Evidence = Literal["accepted", "client", "recorded", "documented", "guessed"]


class Assumption(NamedTuple):
    """A sentence about real servers, and what speaks for it."""

    about: str
    evidence: Evidence
    sentence: str


ASSUMPTIONS = (
    Assumption("handshake", "accepted", "The protocol is 65; features say Unicode and no more."),
    Assumption(
        "login", "accepted", "Seven elements: version, then switches, job and row format 0."
    ),
    Assumption("login", "recorded", "A refusal is one text, `Access Denied`, after which it ends."),
    Assumption("login", "guessed", "The status of a refusal is 417; clients look at the text."),
    Assumption("login", "guessed", "A full licence refuses with `License limit exceeded`."),
    Assumption("login", "accepted", "A token comes in the password's place, without a user."),
    Assumption("TLS", "accepted", "It begins before the handshake of the protocol."),
    Assumption("frames", "accepted", "A long reply comes in several frames, marked by bit 31."),
    Assumption("calls", "recorded", "An error is one text, `<PROTECT> *...`; the link stays."),
    Assumption("calls", "documented", "Routines (function, procedure) are refused."),
    Assumption("calls", "guessed", "The text of that refusal is `<FUNCTION> ...`."),
    Assumption("calls", "accepted", "After the value come the arguments by reference, in order."),
    Assumption("calls", "client", "A fraction is a decimal, and arrives as Decimal."),
    Assumption("calls", "guessed", "A $LIST that a method returns is a string of its bytes."),
    Assumption(
        "objects", "accepted", "An object is a number and its class; the number comes back."
    ),
    Assumption("objects", "accepted", "Dropped objects are released by %Net.Remote.Gateway."),
    Assumption("globals", "client", "A node that is not there has the status 1009, no text."),
    Assumption("globals", "accepted", "At the end of $ORDER subscript and value are both null."),
    Assumption("SQL", "accepted", "Errors are a status; the text is asked for with OE."),
    Assumption("SQL", "accepted", "Rows come in pages; the status 100 says which is the last."),
    Assumption("SQL", "client", "A definition (CREATE, GRANT, DROP) answers as an UPDATE does."),
    Assumption(
        "rights",
        "documented",
        "Methods need %Native_ClassExecution, globals %Native_GlobalAccess and %DB_IRISSYS.",
    ),
    Assumption(
        "rights",
        "guessed",
        "%SYS.DatabaseQuery, SYS.Database and SYS.Lock need %Admin_Operate too.",
    ),
    Assumption("licence", "documented", "All connections of a user share one unit."),
    Assumption(
        "profiles",
        "recorded",
        "There is none until the routine is first used; then the shipped ones appear.",
    ),
    Assumption(
        "profiles",
        "recorded",
        "White space in a name is left out, and the answer is 1 all the same.",
    ),
    Assumption(
        "profiles",
        "documented",
        "What exceeds the limits of interval and duration is cut silently.",
    ),
    Assumption(
        "runs",
        "recorded",
        "The waiting time leaves out parts that are 0; it knows no other runids.",
    ),
    Assumption("runs", "guessed", "A second run of a profile within one second is refused with 0."),
    Assumption(
        "runs",
        "guessed",
        "After a restart a run stays listed until Collect or Stop; nothing collects it.",
    ),
    Assumption("runs", "guessed", "Stop says `0^no such runid` of a run that has ended."),
    Assumption("tasks", "recorded", "Tasks that are due run at the next full minute."),
    Assumption(
        "tasks", "recorded", "Names need not be unique; a task without a user runs as who saved it."
    ),
    Assumption(
        "tasks", "recorded", "A repeating task may start today; an earlier day is refused (7432)."
    ),
    Assumption(
        "tasks",
        "guessed",
        "A task whose start is past can be saved again as long as that is not changed.",
    ),
    Assumption(
        "tasks", "guessed", "A task that is resumed after its time runs at the next full minute."
    ),
    Assumption(
        "tasks",
        "documented",
        "A task whose code fails is suspended, whatever its SuspendOnError says.",
    ),
    Assumption(
        "tasks",
        "guessed",
        "Without %Admin_Task a task can be opened; all else gives the error 921.",
    ),
    Assumption(
        "tasks",
        "documented",
        "A member of a mirror never runs a task whose MirrorStatus is left open.",
    ),
    Assumption("tasks", "guessed", "MirrorStatusDisplayToLogical knows the word `Any`."),
    Assumption("SQL", "documented", "Names of tasks are compared without regard to capitals."),
    Assumption("code", "documented", "A lock is of one process, and goes with it."),
    Assumption("code", "recorded", "`run` leaves another device as the current one."),
    Assumption("code", "guessed", "Code that does not go back to its device fails."),
    Assumption("files", "guessed", "A binary stream gives each byte as one character."),
    Assumption("SQL", "documented", "%Library.File_FileSet is for %Development only."),
    Assumption("SQL", "documented", "A function is its owner's; others need EXECUTE on it."),
    Assumption("SQL", "guessed", "No such function is -359, one too many -361, none to drop -362."),
    Assumption(
        "SQL", "guessed", "A function that fails is SQLCODE -149, with the error in its text."
    ),
)
