"""Graceful shutdown and the process around it: PID 1, forks, stalled pipes, and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading

import psutil
import pytest

from monitoring.graceful_shutdown import GracefulShutdown
from tests.stopping import Service

OWN_PID_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child")

FULL_PIPE = """
reading, full = os.pipe()
os.set_blocking(full, False)
try:
    while True:
        os.write(full, bytes(4096))
except BlockingIOError:
    os.set_blocking(full, True)

"""


def own_pid_namespace() -> bool:
    """Whether this user may make one."""
    tool = shutil.which(OWN_PID_NAMESPACE[0])
    command = [*OWN_PID_NAMESPACE, "true"]
    return tool is not None and subprocess.run(command, check=False, timeout=20).returncode == 0


@pytest.mark.parametrize("second", [False, True], ids=["first signal", "second signal"])
def test_it_works_as_the_first_process_of_a_container(second: bool) -> None:
    """There, a signal without a handler is ignored: ending by one's own signal would be as well."""
    if not own_pid_namespace():
        required = bool(os.environ.get("CI")) and os.geteuid() == 0
        assert not required, "unshare does not work, although this is root in CI"
        pytest.skip("making a PID namespace takes root, and util-linux")
    with Service(
        """
        shutdown = GracefulShutdown()
        shutdown.install()

        @shutdown.register_cleanup
        def hang():
            say("hanging")
            release.wait()

        release = threading.Event()
        if sys.argv[1] == "False":
            release.set()
        say(f"process {os.getpid()}")
        threading.Event().wait()
        """,
        str(second),
        under=OWN_PID_NAMESPACE,
    ) as service:
        service.wait_for("process 1")
        [first] = psutil.Process(service.pid).children()
        first.send_signal(signal.SIGTERM)
        service.wait_for("hanging")
        if second:
            first.send_signal(signal.SIGTERM)
        assert service.wait() == (143 if second else 0)


@pytest.mark.parametrize("loop", [False, True], ids=["no loop", "asyncio"])
def test_a_forked_child_is_none_of_its_business(loop: bool) -> None:
    """A signal to the child ends the child, and is not taken for one to the parent."""
    with Service(
        """
        shutdown = GracefulShutdown()

        def fork():
            shutdown.install()
            shutdown.register_cleanup(lambda: say("closed"))
            if (child := os.fork()) == 0:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            _, status = os.waitpid(child, 0)
            say(f"child ended by {status}")
            os.kill(os.getpid(), signal.SIGTERM)

        async def main():
            fork()
            await shutdown.done()

        if sys.argv[1] == "True":
            asyncio.run(main())
        else:
            fork()
            shutdown.wait()
        """,
        str(loop),
    ) as service:
        assert service.wait() == 0
        # Since 3.12 Python warns about forks beside threads.
        assert service.said[-2:] == ["child ended by 15", "closed"]


@pytest.mark.parametrize("uninstalled", [False, True])
def test_a_forked_child_has_the_handlers_of_before(uninstalled: bool) -> None:
    """Those that were set after uninstalling are left alone."""
    with Service(
        """
        shutdown = GracefulShutdown()
        shutdown.install()
        expected = signal.SIG_DFL
        if sys.argv[1] == "True":
            shutdown.uninstall()
            expected = signal.SIG_IGN
            signal.signal(signal.SIGTERM, expected)
        if (child := os.fork()) == 0:
            os._exit(5 if signal.getsignal(signal.SIGTERM) == expected else 6)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        str(uninstalled),
    ) as service:
        assert service.wait() == 5


@pytest.mark.parametrize("descriptor", [1, 2], ids=["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_does_not_keep_the_process(descriptor: int) -> None:
    """Neither what was printed and not yet written, nor the log, has to get out."""
    with Service(
        FULL_PIPE
        + """
before = os.dup(2)
shutdown = GracefulShutdown()
shutdown.install()

@shutdown.register_cleanup
def fail():
    os.write(before, b"closed\\n")
    raise OSError("logged, but to whom")

say("ready")
os.dup2(full, int(sys.argv[1]))
print("buffered")
threading.Event().wait()
""",
        str(descriptor),
    ) as service:
        assert service.stop() == 0
        assert service.said == ["ready", "closed"]


def test_what_was_printed_is_not_lost() -> None:
    """Buffers are written before the end; a service without standard streams ends as well."""
    with Service("""
        shutdown = GracefulShutdown()
        shutdown.install()
        sys.stdout = os.fdopen(os.dup(2), "w", buffering=4096)
        sys.stderr = None
        print("printed")
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait()
        """) as service:
        assert service.wait() == 0
        assert service.said == ["printed"]


def test_the_end_can_be_the_callers() -> None:
    """Who waits for the cleanups goes on after them as long as he likes."""
    with Service("""
        shutdown = GracefulShutdown(grace_seconds=0.1)
        shutdown.install([signal.SIGUSR1, signal.SIGRTMIN + 1], exit_process=False)
        os.kill(os.getpid(), signal.SIGRTMIN + 1)
        shutdown.wait()
        shutdown.uninstall()
        say([thread.name for thread in threading.enumerate() if "shutdown:" in thread.name])
        sys.exit(5)
        """) as service:
        assert service.wait() == 5
        assert service.said == ["[]"]
        assert service.records("stopping")[0]["reason"] == f"signal {signal.SIGRTMIN + 1}"


@pytest.mark.parametrize("way", ["block left", "loop closed"])
def test_a_process_that_goes_on_after_a_regular_end_is_let_go_on(way: str) -> None:
    """The threads that would have ended it end themselves."""
    with Service(
        """
        def join_all():
            for name in ("graceful shutdown", "shutdown:"):  # the first one starts others
                for thread in threading.enumerate():
                    if thread.name.startswith(name):
                        thread.join()

        async def main():
            shutdown = GracefulShutdown(grace_seconds=0.1)
            shutdown.install()
            shutdown.initiate_shutdown()
            await shutdown.done()

        if sys.argv[1] == "block left":
            with GracefulShutdown(grace_seconds=0.1) as shutdown:
                shutdown.install()
        else:
            asyncio.run(main())
        join_all()
        sys.exit(5)
        """,
        way,
    ) as service:
        assert service.wait() == 5


def test_a_thread_that_hangs_after_the_main_thread_has_ended_does_not_keep_the_process() -> None:
    """Python would wait for it for ever: the end comes with the grace period's, code 1."""
    with Service("""
        shutdown = GracefulShutdown(grace_seconds=0.1)
        shutdown.install()
        threading.Thread(target=threading.Event().wait).start()
        shutdown.initiate_shutdown()
        """) as service:
        assert service.wait() == 1
        assert service.outcomes == {}


def test_uninstalling_puts_back_what_was_there() -> None:
    """Handlers, and the wakeup descriptor; then it can be installed anew."""
    numbers = (signal.SIGUSR1, signal.SIGUSR2)
    former = [signal.signal(number, lambda *_: None) for number in numbers]
    handlers = [signal.getsignal(number) for number in numbers]
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    outer = signal.set_wakeup_fd(writing)
    shutdown = GracefulShutdown()
    try:
        for _ in range(2):
            shutdown.install(numbers)
            with pytest.raises(RuntimeError, match=r"call uninstall\(\) first"):
                shutdown.install(numbers)
            assert signal.getsignal(signal.SIGUSR1) == shutdown.signal_handler
            shutdown.uninstall()
            assert [signal.getsignal(number) for number in numbers] == handlers
        shutdown.uninstall()
    finally:
        inner = signal.set_wakeup_fd(outer)
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
    assert inner == writing


def test_a_wakeup_descriptor_that_was_set_since_is_left_alone() -> None:
    """It belongs to an event loop that still runs."""
    shutdown = GracefulShutdown()
    shutdown.install([signal.SIGUSR1])
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    shutdown.uninstall()
    assert signal.set_wakeup_fd(-1) == writing
    os.close(reading)
    os.close(writing)


def test_signals_belong_to_the_main_thread() -> None:
    """The error says so, for installing and for uninstalling."""
    shutdown = GracefulShutdown()
    errors: list[str] = []

    def call(what: object) -> None:
        assert callable(what)
        try:
            what()
        except RuntimeError as error:
            errors.append(str(error))

    def in_thread(what: object) -> None:
        thread = threading.Thread(target=call, args=(what,))
        thread.start()
        thread.join()

    in_thread(shutdown.install)
    shutdown.install([signal.SIGUSR1])
    in_thread(shutdown.uninstall)
    shutdown.uninstall()
    assert errors == [
        "signals belong to the main thread: call install() there",
        "signals belong to the main thread: call uninstall() there",
    ]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, 0, 1000])
def test_a_signal_that_cannot_be_caught_is_refused(number: int) -> None:
    """Before anything is changed."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match=f"signals that cannot be caught: .{number}"):
        GracefulShutdown().install([signal.SIGTERM, number])
    assert signal.getsignal(signal.SIGTERM) == before
