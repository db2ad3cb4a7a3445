"""statvfs in threads of its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from exporter.mounts import NOT_ASKED, TIMED_OUT, StatWorkers, Target

ANSWER = os.statvfs_result((4096, 4096, 100, 50, 40, 10, 5, 5, 0, 255))
NFS = Target(2, "/nfs")
SMB = Target(3, "/smb")
SSHFS = Target(4, "/sshfs")


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


def wait_until_it_answers(workers: StatWorkers, target: Target) -> None:
    """Wait for a call to return (bounded by the timeout of a test)."""
    while workers.ask([target]) == [TIMED_OUT]:
        pass


def test_answers_and_errors_come_in_the_order_of_the_mounts(mounts: Mounts) -> None:
    """An error is an answer too, and costs no other mount its own."""

    def statvfs(path: str) -> os.statvfs_result:
        if path == "/nfs":
            raise PermissionError(errno.EACCES, "x")
        return mounts.statvfs(path)

    workers = StatWorkers(5, 4, statvfs)
    assert workers.ask([SMB, NFS, SSHFS]) == [ANSWER, "permission denied", ANSWER]


def test_one_thread_serves_all_mounts_of_all_scrapes(mounts: Mounts) -> None:
    """While nothing hangs, a scrape costs one hand-over."""
    workers = StatWorkers(5, 4, mounts.statvfs)
    for _ in range(3):
        assert workers.ask([NFS, SMB, SSHFS]) == [ANSWER] * 3
    assert len(mounts.threads) == 1


def test_a_hanging_mount_costs_no_other_its_answer(mounts: Mounts) -> None:
    """Another thread takes over what the hanging one has left."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    assert workers.ask([NFS, SMB, SSHFS]) == [TIMED_OUT, ANSWER, ANSWER]


def test_a_mount_whose_call_is_pending_is_not_asked_again(mounts: Mounts) -> None:
    """Later scrapes skip it, and tell that it hangs."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    for _ in range(3):
        assert workers.ask([NFS, SMB]) == [TIMED_OUT, ANSWER]
    assert mounts.calls.count("/nfs") == 1
    assert len(mounts.threads) == 2


def test_a_mount_that_answers_late_is_used_again(mounts: Mounts) -> None:
    """The late answer is dropped; the next scrape asks as ever."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    workers.ask([NFS])
    mounts.heal("/nfs")
    wait_until_it_answers(workers, NFS)
    assert workers.ask([NFS]) == [ANSWER]


def test_a_slow_mount_is_waited_for(mounts: Mounts) -> None:
    """A mount that answers within the timeout is not a hanging one, even if others overtake it."""

    def statvfs(path: str) -> os.statvfs_result:
        if path == "/smb":
            mounts.heal("/nfs")
        return mounts.statvfs(path)

    mounts.hang("/nfs")
    assert StatWorkers(10, 4, statvfs).ask([NFS, SMB]) == [ANSWER, ANSWER]


def test_a_new_mount_on_the_path_of_a_hanging_one_is_asked(mounts: Mounts) -> None:
    """After `umount -l` and a new mount, the old call says nothing about the new one."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 4, mounts.statvfs)
    workers.ask([NFS])
    stuck = mounts.hanging.pop("/nfs")
    assert workers.ask([NFS._replace(mount_id=99)]) == [ANSWER]
    stuck.set()


def test_threads_are_bounded_whatever_hangs(mounts: Mounts) -> None:
    """When as many mounts hang as may, the others are not asked, and no more threads start."""
    mounts.hang("/nfs", "/smb")
    workers = StatWorkers(0.3, 2, mounts.statvfs)
    for _ in range(2):
        assert workers.ask([NFS, SMB, SSHFS]) == [TIMED_OUT, TIMED_OUT, NOT_ASKED]
    assert "/sshfs" not in mounts.calls
    assert len(mounts.threads) == 2


def test_a_mount_that_was_not_asked_gets_its_turn(mounts: Mounts) -> None:
    """As soon as a hanging call has returned, its thread serves the next scrape."""
    mounts.hang("/nfs")
    workers = StatWorkers(0.3, 1, mounts.statvfs)
    assert workers.ask([NFS, SMB]) == [TIMED_OUT, NOT_ASKED]
    mounts.heal("/nfs")
    wait_until_it_answers(workers, NFS)
    assert workers.ask([NFS, SMB]) == [ANSWER, ANSWER]


def test_a_hanging_call_does_not_keep_the_process() -> None:
    """The interpreter exits at once while a thread is in statvfs."""
    program = (
        "import threading\n"
        "from exporter.mounts import StatWorkers, Target\n"
        "workers = StatWorkers(0.01, 4, lambda path: threading.Event().wait())\n"
        "print(workers.ask([Target(1, '/nfs')]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=15, check=True
    )
    assert done.stdout == "['mountpoint timeout']\n"
