"""Graceful shutdown by real signals: whatever the main thread does, the process ends in order."""

from __future__ import annotations

import signal
from textwrap import indent

import pytest

from tests.stopping import Service

BLOCKED = {
    "lock": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "sleep": "time.sleep(1000)",
    "C code that waits on when interrupted": """
libc, semaphore = ctypes.CDLL(None), ctypes.create_string_buffer(64)
libc.sem_init(semaphore, 0, 0)
while True:
    libc.sem_wait(semaphore)
""",
    "C code that is not interrupted": """
reading, writing = os.pipe()
ctypes.CDLL(None).read(reading, ctypes.create_string_buffer(1), 1)
say("interrupted")
""",
}
"""What the main thread can do that keeps Python from calling signal handlers, or does not end."""

INSTALLED = """
shutdown = GracefulShutdown()
shutdown.install()

@shutdown.register_cleanup
def close():
    say("closed")

"""

HANGING = """
@shutdown.register_cleanup
def hang():
    say("hanging")
    threading.Event().wait()

"""

LOOPS = {"asyncio": "asyncio.run(main())", "uvloop": "__import__('uvloop').run(main())"}

READY = "say('ready')\n"


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> str:
    """Runs main() in each of the event loops."""
    pytest.importorskip(request.param, reason="optional: pip install uvloop")
    return LOOPS[request.param]


def in_loop(body: str, run: str) -> str:
    """A program whose main coroutine has this body."""
    return "async def main():\n" + indent(body, "    ") + "\n\n" + run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("blocked", BLOCKED.values(), ids=BLOCKED)
def test_a_blocked_main_thread_holds_up_nothing(blocked: str, number: signal.Signals) -> None:
    """The cleanups run, and the process ends with code 0."""
    with Service(INSTALLED + READY + blocked) as service:
        assert service.stop(number) == 0
        assert service.said == ["ready", "closed"]
        [stopping] = service.records("stopping")
        assert stopping == {"reason": number.name, "grace_seconds": 30.0}
        assert service.outcomes == {"close": "ok"}


def test_a_main_thread_that_a_cleanup_releases_ends_the_process_itself() -> None:
    """With its own exit code, but not before the other cleanups are over."""
    with Service("""
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        shutdown = GracefulShutdown()
        shutdown.install()
        server = shutdown.enter(ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler))
        shutdown.register_cleanup(server.shutdown, priority=10)

        @shutdown.register_cleanup
        async def close_slowly():
            threading.main_thread().join()
            await asyncio.sleep(0)

        say("ready")
        server.serve_forever()
        sys.exit(3)
        """) as service:
        assert service.stop() == 3
        assert service.outcomes == {
            "BaseServer.shutdown": "ok",
            "close_slowly": "ok",
            "ThreadingHTTPServer": "ok",
        }


SERVICE = """
shutdown = GracefulShutdown(grace_seconds=20)
shutdown.install()
told, served = asyncio.Event(), asyncio.Event()

@shutdown.register_cleanup(priority=0)
def not_ready():
    say("not ready")

@shutdown.register_cleanup(priority=10)
async def stop_serving():
    told.set()
    await served.wait()

shutdown.register_cleanup(lambda: say("closed"))
try:
    say("ready")
    await told.wait()
    say("served")
    served.set()
finally:
    shutdown.initiate_shutdown("server ended")
    await shutdown.done()
return 7
"""


def test_a_signal_ends_a_service_in_an_event_loop(run: str) -> None:
    """A server that a cleanup stops, parts that are closed after it, an exit code of its own."""
    with Service(in_loop(SERVICE, f"sys.exit({run})")) as service:
        assert service.stop() == 7
        assert service.said == ["ready", "not ready", "served", "closed"]
        assert service.records("stopping") == [{"reason": "SIGTERM", "grace_seconds": 20}]


def test_an_event_loop_that_is_started_later_does_not_hide_the_signals(run: str) -> None:
    """It takes the wakeup descriptor for itself, and gives the loop's end another way."""
    body = """
asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, tuple)
say("ready")
await shutdown.done()
say("done")
"""
    with Service(INSTALLED + in_loop(body, run)) as service:
        assert service.stop() == 0
        assert service.said == ["ready", "closed", "done"]


@pytest.mark.parametrize("begin", ["by a signal", "by a thread"])
def test_a_blocked_event_loop_does_not_keep_the_process(begin: str) -> None:
    """Cleanups that need no loop run; two seconds after the grace period it is ended, code 1."""
    body = f"""
shutdown = GracefulShutdown(grace_seconds=0.5)
shutdown.install()
shutdown.register_cleanup(lambda: say("closed"))

@shutdown.register_cleanup
async def never():
    say("never")

say("ready")
if {begin == "by a thread"}:
    threading.Timer(0, shutdown.initiate_shutdown).start()
threading.Event().wait()
"""
    with Service(in_loop(body, LOOPS["asyncio"])) as service:
        service.wait_for("ready")
        if begin == "by a signal":
            service.signal()
        assert service.wait() == 1
        assert service.said == ["ready", "closed"]
        assert service.outcomes["never"] == "timed out"
        assert service.records("process ended by force") == [{"after_seconds": 2.5}]


@pytest.mark.parametrize(
    ("blocked", "number"),
    [("sleep", signal.SIGTERM), ("C code that is not interrupted", signal.SIGINT)],
)
def test_the_second_signal_ends_the_process_at_once(blocked: str, number: signal.Signals) -> None:
    """Whatever hangs, with the exit code that a shell gives for the signal."""
    with Service(INSTALLED + HANGING + READY + BLOCKED[blocked]) as service:
        service.wait_for("ready")
        service.signal()
        assert service.stop(number, after="hanging") == 128 + number
        assert service.records("stopped") == []


def test_the_second_signal_ends_an_event_loop_at_once(run: str) -> None:
    """Also while the first one's cleanups go on."""
    body = INSTALLED + HANGING + READY + "await shutdown.done()"
    with Service(in_loop(body, run)) as service:
        service.wait_for("ready")
        service.signal()
        assert service.stop(after="hanging") == 143


def test_a_burst_of_signals_ends_the_process() -> None:
    """Signals on signals, until it is gone."""
    with Service(INSTALLED + HANGING + READY + BLOCKED["lock"]) as service:
        service.wait_for("ready")
        while service.process.poll() is None:
            for _ in range(50):
                service.signal()
        assert service.wait() == 143


def test_other_signals_keep_their_handlers() -> None:
    """They pass through the same descriptor, and count for nothing."""
    with Service(
        INSTALLED
        + READY
        + """
signal.signal(signal.SIGUSR1, lambda *_: say("reloaded"))
os.kill(os.getpid(), signal.SIGUSR1)
say("going on")
threading.Event().wait()
"""
    ) as service:
        assert service.stop(after="going on") == 0
        assert service.said == ["ready", "reloaded", "going on", "closed"]


def test_a_signal_during_a_shutdown_that_the_service_began_is_the_first_one() -> None:
    """It is the supervisor's order to stop, which is being followed; the next one is impatience."""
    with Service("""
        shutdown = GracefulShutdown()
        shutdown.initiate_shutdown("own decision")
        shutdown.wait()
        shutdown.signal_handler(signal.SIGTERM)
        say("alive")
        shutdown.signal_handler(signal.SIGTERM)
        say("still alive")
        """) as service:
        assert service.wait() == 143
        assert service.said == ["alive"]
        assert service.records("stopping")[0]["reason"] == "own decision"


def test_the_handler_waits_for_nothing_that_it_may_have_interrupted() -> None:
    """The main thread holds the locks of the log, of the shutdown and of threading meanwhile."""
    with Service("""
        shutdown = GracefulShutdown()
        signal.signal(signal.SIGTERM, shutdown.signal_handler)
        log = logging.getLogger().handlers[0].lock
        with log, shutdown._run._lock, threading._active_limbo_lock, shutdown._run.over._cond:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(100):
                pass
            say("not blocked")
        shutdown.wait()
        sys.exit(5)
        """) as service:
        assert service.wait() == 5
        assert service.said == ["not blocked"]
        assert service.records("stopping")[0]["reason"] == "SIGTERM"


def test_a_handler_that_gets_no_thread_ends_the_process() -> None:
    """Cleanups cannot run inside the handler; a signal to end must not be without effect."""
    with Service("""
        shutdown = GracefulShutdown()
        threading.stack_size(1 << 50)
        shutdown.signal_handler(signal.SIGINT)
        """) as service:
        assert service.wait() == 130


def test_a_thread_that_asyncio_waits_for_does_not_keep_the_process() -> None:
    """The block is left, but the loop is not closed: the end comes with the grace period's."""
    with Service("""
        async def main():
            async with GracefulShutdown(grace_seconds=0.1) as shutdown:
                shutdown.install()
                asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)

        asyncio.run(main())
        """) as service:
        assert service.wait() == 1
        assert service.records("process ended by force")
