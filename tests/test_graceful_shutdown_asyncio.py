"""Graceful shutdown of an event loop's service: what is async ends where it began."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from monitoring.graceful_shutdown import GracefulShutdown
from monitoring.shutdown_cleanups import FAILED, OK, TIMED_OUT

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine in each of the event loops."""
    loops = pytest.importorskip(request.param, reason="optional: pip install uvloop")

    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
            runner.run(main)

    return run


async def close(shutdown: GracefulShutdown) -> dict[str, str]:
    """Shut down; what became of each cleanup."""
    shutdown.initiate_shutdown("test")
    await shutdown.done()
    return {result.name: result.status for result in shutdown.results}


def test_async_cleanups_run_on_their_loop_and_sync_ones_beside_it(run: Run) -> None:
    """What is awaited belongs to its loop; what blocks must not block it."""

    async def main() -> None:
        shutdown = GracefulShutdown()
        here: list[tuple[str, bool]] = []

        @shutdown.register_cleanup
        def sync() -> None:
            here.append(("sync", threading.current_thread() is threading.main_thread()))

        @shutdown.register_cleanup
        async def on_loop() -> None:
            await asyncio.sleep(0)
            here.append(("async", asyncio.get_running_loop() is loop))

        loop = asyncio.get_running_loop()
        assert await close(shutdown) == {"on_loop": OK, "sync": OK}
        assert here == [("async", True), ("sync", False)]

    run(main())


def test_one_registered_before_the_loop_began_runs_on_the_loop(run: Run) -> None:
    """A module-level shutdown learns of the loop when the shutdown begins there."""
    shutdown = GracefulShutdown()
    loops: list[object] = []

    @shutdown.register_cleanup
    async def early() -> None:
        loops.append(asyncio.get_running_loop())

    async def main() -> None:
        assert await close(shutdown) == {"early": OK}
        assert loops == [asyncio.get_running_loop()]

    run(main())


def test_async_context_managers_are_left_in_reverse(run: Run) -> None:
    """Each after what was built on it."""

    async def main() -> None:
        shutdown = GracefulShutdown()
        left: list[str] = []

        @contextlib.asynccontextmanager
        async def part(name: str) -> AsyncIterator[str]:
            yield name
            await asyncio.sleep(0)
            left.append(name)

        assert await shutdown.aenter(part("pool")) == "pool"
        assert await shutdown.aenter(part("server"), name="server") == "server"
        assert await close(shutdown) == {"server": OK, "part": OK}
        assert left == ["server", "pool"]

    run(main())


def test_one_that_does_not_let_itself_be_cancelled_is_left_behind(run: Run) -> None:
    """The shutdown goes on without it."""

    async def main() -> None:
        shutdown = GracefulShutdown()
        told, release = asyncio.Event(), asyncio.Event()
        shutdown.register_cleanup(lambda: None, name="last")

        @shutdown.register_cleanup(timeout=0.05)
        async def stubborn() -> None:
            while not release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await release.wait()
                told.set()

        assert await close(shutdown) == {"stubborn": TIMED_OUT, "last": OK}
        await told.wait()
        release.set()

    run(main())


def test_one_that_blocks_the_loop_does_not_hold_up_the_others(run: Run) -> None:
    """Those that need no loop run; one that does, and never got its turn, is not run late."""

    async def main() -> None:
        shutdown = GracefulShutdown()
        release = threading.Event()
        called: list[str] = []
        shutdown.register_cleanup(release.set)

        @shutdown.register_cleanup(timeout=0.05)
        async def never() -> None:
            called.append("never")

        @shutdown.register_cleanup(timeout=0.05)
        async def block() -> None:
            release.wait()

        outcomes = await close(shutdown)
        assert outcomes == {"block": TIMED_OUT, "never": TIMED_OUT, "Event.set": OK}
        await asyncio.sleep(0)
        assert called == []

    run(main())


def test_a_coroutine_that_comes_too_late_does_not_begin(run: Run) -> None:
    """Its function took all the time."""

    async def main() -> None:
        shutdown = GracefulShutdown()
        release = threading.Event()
        called: list[str] = []
        threads: list[threading.Thread] = []

        async def work() -> None:
            called.append("late")

        @shutdown.register_cleanup(timeout=0.05)
        def slow() -> Coroutine[Any, Any, None]:
            threads.append(threading.current_thread())
            release.wait()
            return work()

        assert await close(shutdown) == {"slow": TIMED_OUT}
        release.set()
        await asyncio.to_thread(threads[0].join)
        assert called == []

    run(main())


def test_an_async_cleanup_cannot_end_the_loop(run: Run) -> None:
    """A task that raises SystemExit would."""

    async def main() -> None:
        shutdown = GracefulShutdown()
        shutdown.register_cleanup(lambda: None, name="last")

        @shutdown.register_cleanup
        async def leave() -> None:
            raise SystemExit(3)

        assert await close(shutdown) == {"leave": FAILED, "last": OK}
        assert shutdown.results[0].error == "SystemExit: 3"

    run(main())


def test_many_can_wait_for_the_end(run: Run) -> None:
    """Before, during and after the shutdown; one who gave up, or whose loop is gone, is no harm."""
    shutdown = GracefulShutdown()

    async def give_up() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await shutdown.done()

    async def main() -> None:
        waiting = [asyncio.create_task(shutdown.done()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        await close(shutdown)
        await asyncio.gather(*waiting)
        await shutdown.done()

    run(give_up())
    run(main())


def test_leaving_an_async_block_shuts_down(run: Run) -> None:
    """With the loop turning, which the cleanups need; the signal handlers go with it."""

    async def main() -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        async with GracefulShutdown() as shutdown:
            shutdown.install()
            assert signal.getsignal(signal.SIGTERM) == shutdown.signal_handler
            descriptor = signal.set_wakeup_fd(-1)
            assert descriptor != -1  # or a signal just before the loop waits would not wake it
            signal.set_wakeup_fd(descriptor)

            @shutdown.register_cleanup
            async def turn() -> None:
                await asyncio.sleep(0)

        assert [result.status for result in shutdown.results] == [OK]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        with pytest.raises(OSError, match="broken"):
            async with GracefulShutdown():
                raise OSError("broken")

    run(main())


def test_when_the_loop_is_gone_async_cleanups_run_on_another(run: Run) -> None:
    """Better than not at all."""
    shutdown = GracefulShutdown()
    turned = threading.Event()

    async def main() -> None:
        @shutdown.register_cleanup
        async def turn() -> None:
            await asyncio.sleep(0)
            turned.set()

    run(main())
    shutdown.initiate_shutdown()
    assert shutdown.wait()
    assert turned.is_set()
