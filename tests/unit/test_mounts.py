"""statvfs in threads of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from exporter.mounts import StatWorkers, Target

ANSWER = os.statvfs_result((4096, 4096, 100, 50, 40, 10, 5, 5, 0, 255))
LOCAL = Target(1, "/", local=True)
REMOTE = Target(2, "/nfs", local=False)
OTHER = Target(3, "/smb", local=False)
THIRD = Target(4, "/sshfs", local=False)


class Mounts:
    """A statvfs that hangs on some paths until it is told to answer."""

    def __init__(self) -> None:
        self.hanging: dict[str, threading.Event] = {}
        self.calls: list[str] = []
        self.threads: set[int] = set()

    def hang(self, *paths: str) -> None:
        """Do not answer for these from now on."""
        self.hanging.update({path: threading.Event() for path in paths})

    def heal(self, *paths: str) -> None:
        """Answer again, also the calls that hang."""
        for path in paths:
            self.hanging.pop(path).set()

    def statvfs(self, path: str) -> os.statvfs_result:
        """Answer, or wait."""
        self.calls.append(path)
        self.threads.add(threading.get_ident())
        if path in self.hanging:
            self.hanging[path].wait()
        return ANSWER


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """Mounts in order, healed at the end so that no thread stays behind."""
    mounts = Mounts()
    yield mounts
    mounts.heal(*tuple(mounts.hanging))


def ask(workers: StatWorkers, *targets: Target) -> tuple[dict[int, object], set[int]]:
    """Ask, and give answers and hanging mounts in plain types."""
    answers, hanging = workers.ask(targets)
    return dict(answers), set(hanging)


def wait_until_none_hangs(workers: StatWorkers) -> None:
    """Wait for the calls to return (bounded by the timeout of a test)."""
    while workers.ask([])[1]:
        pass


def test_answers_and_errors_come_by_mount(mounts: Mounts) -> None:
    """An error is an answer too, and costs no other mount its own."""

    def statvfs(path: str) -> os.statvfs_result:
        if path == "/nfs":
            raise PermissionError
        return mounts.statvfs(path)

    answers, hanging = StatWorkers(5, 4, statvfs).ask([REMOTE, LOCAL])
    assert answers[LOCAL.mount_id] == ANSWER
    assert isinstance(answers[REMOTE.mount_id], PermissionError)
    assert not hanging


def test_one_thread_serves_all_mounts_of_all_scrapes(mounts: Mounts) -> None:
    """While nothing hangs, a scrape costs one hand-over."""
    workers = StatWorkers(5, 4, mounts.statvfs)
    for _ in range(3):
        assert len(workers.ask([LOCAL, REMOTE, OTHER])[0]) == 3
    assert len(mounts.threads) == 1


def test_local_mounts_are_asked_first(mounts: Mounts) -> None:
    """What can hang comes last."""
    StatWorkers(5, 4, mounts.statvfs).ask([REMOTE, LOCAL])
    assert mounts.calls == ["/", "/nfs"]


def test_a_hanging_mount_costs_no_other_its_answer(mounts: Mounts) -> None:
    """Another thread takes over what the hanging one has left."""
    mounts.hang("/nfs")
    answers, hanging = StatWorkers(0.3, 4, mounts.statvfs).ask([REMOTE, OTHER, LOCAL])
    assert set(answers) == {OTHER.mount_id, LOCAL.mount_id}
    assert hanging == {REMOTE.mount_id}


def test_a_mount_whose_call_is_pending_is_not_asked_again(mounts: Mounts) -> None:
    """Later scrapes skip it, and tell that it hangs."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    for _ in range(3):
        assert ask(workers, REMOTE, LOCAL) == ({LOCAL.mount_id: ANSWER}, {REMOTE.mount_id})
    assert mounts.calls.count("/nfs") == 1
    assert len(mounts.threads) == 2


def test_a_mount_that_answers_late_is_used_again(mounts: Mounts) -> None:
    """The late answer is dropped; the next scrape asks as ever."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    workers.ask([REMOTE])
    mounts.heal("/nfs")
    wait_until_none_hangs(workers)
    assert ask(workers, REMOTE) == ({REMOTE.mount_id: ANSWER}, set())


def test_a_slow_mount_is_waited_for(mounts: Mounts) -> None:
    """A mount that answers within the timeout is not a hanging one, even if others overtake it."""

    def statvfs(path: str) -> os.statvfs_result:
        if path == "/smb":
            mounts.heal("/nfs")
        return mounts.statvfs(path)

    mounts.hang("/nfs")
    answers, hanging = StatWorkers(10, 4, statvfs).ask([REMOTE, OTHER])
    assert set(answers) == {REMOTE.mount_id, OTHER.mount_id}
    assert not hanging


def test_a_new_mount_on_the_path_of_a_hanging_one_is_asked(mounts: Mounts) -> None:
    """After `umount -l` and a new mount, the old call says nothing about the new one."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    workers.ask([REMOTE])
    stuck = mounts.hanging.pop("/nfs")
    new = REMOTE._replace(mount_id=99)
    assert ask(workers, new) == ({99: ANSWER}, {REMOTE.mount_id})
    stuck.set()


def test_hanging_mounts_leave_a_thread_for_local_ones(mounts: Mounts) -> None:
    """When as many hang as may, others of their kind are not asked, but local ones are."""
    mounts.hang("/nfs", "/smb", "/sshfs")
    workers = StatWorkers(0.3, 2, mounts.statvfs)
    for _ in range(2):
        answers, hanging = workers.ask([REMOTE, OTHER, THIRD, LOCAL])
        assert answers == {LOCAL.mount_id: ANSWER}
        assert hanging == {REMOTE.mount_id, OTHER.mount_id}
    assert "/sshfs" not in mounts.calls


def test_a_mount_that_was_not_asked_gets_its_turn(mounts: Mounts) -> None:
    """As soon as a hanging call has returned, the next scrape asks the others."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 1, mounts.statvfs)
    workers.ask([REMOTE, OTHER])
    mounts.heal("/nfs")
    wait_until_none_hangs(workers)
    assert len(workers.ask([REMOTE, OTHER])[0]) == 2


def test_threads_are_bounded_whatever_hangs(mounts: Mounts) -> None:
    """When local mounts hang too, scrapes get no answers, and no more threads start."""
    mounts.hang("/nfs", "/")
    workers = StatWorkers(0.3, 1, mounts.statvfs)
    workers.ask([REMOTE])
    workers.ask([LOCAL])
    more = LOCAL._replace(mount_id=9, path="/data")
    assert ask(workers, more) == ({}, {LOCAL.mount_id, REMOTE.mount_id})
    assert len(mounts.threads) == 2


def test_a_hanging_call_does_not_keep_the_process() -> None:
    """The interpreter exits at once while a thread is in statvfs."""
    program = (
        "import threading\n"
        "from exporter.mounts import StatWorkers, Target\n"
        "workers = StatWorkers(0.01, 4, lambda path: threading.Event().wait())\n"
        "print(workers.ask([Target(1, '/', True)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=15, check=True
    )
    assert done.stdout == "({}, frozenset({1}))\n"
