from __future__ import annotations

import os
import resource
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.access.worker import MAX_DATA_BYTES, Worker
from tests.child import REPOSITORY, Child
from tests.engines import LONG
from tests.iris.double.faults import Close, Hang
from tests.iris.double.hooks import ServerError
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double

MAX_RESIDENT_BYTES = 35 << 20


@pytest.fixture(scope="module")
def double() -> Iterator[Double]:
    """One for all tests here."""
    instance = Scripted()
    instance.methods["%SYSTEM.Version", "GetVersion"] = lambda _: instance.version
    with Double(instance) as double:
        yield double


@pytest.fixture(scope="module")
def session(double: Double) -> Iterator[Session]:
    """A worker that no test here ends."""
    with Session(double.connection(timeout_seconds=LONG)) as session:
        yield session


def process_file(session: Session, name: str) -> bytes:
    """A file of the worker's in /proc."""
    return Path(f"/proc/{session.pid}/{name}").read_bytes()


def test_a_worker_shows_no_secret_to_other_processes(session: Session) -> None:
    """Neither its arguments nor its environment hold the password, or the user's name."""
    shown = process_file(session, "cmdline") + process_file(session, "environ")
    assert session.connection.password.reveal().encode() not in shown
    assert session.connection.username.encode() not in shown
    assert b"exporter.iris.access.worker" in shown


def test_a_worker_is_small(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 35 MB, because there is one for each instance."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # coverage has a size too
    with Session(double.connection()) as session:
        status = process_file(session, "status").splitlines()
        (line,) = [line for line in status if line.startswith(b"VmRSS")]
    assert int(line.split()[1]) * 1024 <= MAX_RESIDENT_BYTES


def test_a_worker_leaves_no_core(session: Session) -> None:
    """It would hold the password. With 1 the kernel gives none to a program either."""
    assert session.pid is not None
    assert resource.prlimit(session.pid, resource.RLIMIT_CORE) == (1, 1)


def test_a_worker_takes_no_memory_from_others(session: Session) -> None:
    """What an answer without an end may take is bounded."""
    assert session.pid is not None
    assert resource.prlimit(session.pid, resource.RLIMIT_DATA) == (MAX_DATA_BYTES, MAX_DATA_BYTES)


def test_only_its_daemon_ends_a_worker(session: Session) -> None:
    """Ctrl-C goes to another group; systemd's SIGTERM for all of a service does nothing."""
    assert session.pid is not None
    assert os.getsid(session.pid) == session.pid
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(session.pid, number)
    assert session.get_global("Node") is None


def test_secrets_are_taken_out_of_what_the_driver_says(session: Session, double: Double) -> None:
    """A broken answer makes it tell pieces of its memory."""
    password = session.connection.password.reveal()
    double.faults.next_call(ServerError(f"<SYNTAX> {password} and so on"))
    with pytest.raises(IrisError, match=r"<SYNTAX>.* and so on") as raised:
        session.get_global("Node")
    assert password not in str(raised.value)


DAEMON = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from exporter.iris.access.connection import Connection, Secret
from exporter.iris.access.session import Session

host, port, user, password = sys.argv[1:]
session = Session(Connection(
    name="test", host=host, port=int(port), username=user, password=Secret(password)
))
session.open()
print(session.pid, file=sys.stderr, flush=True)
session.call("Test", "Method", seconds=1000)
print("answered", file=sys.stderr, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("is_hanging", [True, False], ids=["hanging", "idle"])
def test_a_worker_ends_with_its_daemon(double: Double, is_hanging: bool) -> None:
    """However that ends, and also in a call that hangs."""
    instance = double.instance
    assert isinstance(instance, Scripted)
    instance.methods["Test", "Method"] = lambda _: "fine"
    hang = double.faults.next_call(Hang(), "Method") if is_hanging else None
    words = ["127.0.0.1", str(double.port), instance.username, instance.password]
    with Child([sys.executable, "-c", DAEMON, *words]) as daemon:
        number = daemon.wait_for_lines(lambda lines: lines[0] if lines else None, "its worker")
        if hang is None:
            daemon.wait_for_lines(lambda lines: "answered" in lines or None, "answered")
        else:
            assert hang.entered.wait(LONG)
        worker = os.pidfd_open(int(number))
        try:
            daemon.signal(signal.SIGKILL)
            ended = select.poll()
            ended.register(worker, select.POLLIN)
            assert ended.poll(LONG * 1000)
        finally:
            os.close(worker)
    double.faults.clear()


def without_driver(folder: Path, text: str) -> str:
    """Put a package named iris before the driver's; give the path for Python."""
    package = folder / "iris"
    package.mkdir()
    (package / "__init__.py").write_text(text)
    return f"{folder}{os.pathsep}{REPOSITORY}"


@pytest.mark.parametrize(
    ("package", "says"),
    [
        ("raise ModuleNotFoundError(\"No module named 'iris'\")", "No module named 'iris'"),
        ("raise OSError('libssl.so.3: no version information')", "libssl.so.3"),
        ("__version__ = '3.9.0'", "AttributeError"),
    ],
    ids=["missing", "unloadable", "another"],
)
def test_a_driver_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, double: Double, package: str, says: str
) -> None:
    """Nor one that cannot be loaded, or a package of the same name: what to install is said."""
    monkeypatch.setenv("PYTHONPATH", without_driver(tmp_path, package))
    session = Session(double.connection())
    with pytest.raises(IrisError, match="pip install intersystems-irispython") as raised:
        session.open()
    assert raised.value.kind is ErrorKind.DRIVER
    assert says in raised.value.message
    assert session.pid is None


def test_a_driver_that_is_missing_is_told_by_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in this process: a worker that fails so is ended, and what it was is not counted."""
    monkeypatch.setitem(sys.modules, "iris", None)
    with pytest.raises(IrisError, match="cannot be loaded: ModuleNotFoundError") as raised:
        Worker().answer("load")
    assert raised.value.remedy == "pip install intersystems-irispython"


def test_a_worker_that_writes_what_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, double: Double
) -> None:
    """Whatever writes into its pipe: nothing of it is taken."""
    package = (
        "import os\nfor pipe in range(3, 9):\n  try: os.write(pipe, b'x' * 8)\n  except OSError: 0"
    )
    monkeypatch.setenv("PYTHONPATH", without_driver(tmp_path, package))
    session = Session(double.connection())
    with pytest.raises(IrisError, match=r"the worker has sent \d+ bytes, more than") as raised:
        session.open()
    assert raised.value.kind is ErrorKind.PROTOCOL
    assert session.pid is None


def test_a_connection_that_breaks_right_after_the_login(double: Double) -> None:
    """There the version is asked for; that is no missing right."""
    session = Session(double.connection())
    double.faults.next_call(Close(), "GetVersion")
    with pytest.raises(IrisError) as raised:
        session.open()
    assert raised.value.kind is ErrorKind.DROPPED
    assert session.pid is None
