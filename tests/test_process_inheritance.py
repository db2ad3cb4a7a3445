"""Correlation ids go into processes, whichever way these are started."""

from __future__ import annotations

import json
import logging
import multiprocessing
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from monitoring.correlation import correlation_context, correlation_ids, uncorrelated
from monitoring.inheritance import carry_correlation, install
from monitoring.structured_logging import configure

Starting = ForkContext | SpawnContext | ForkServerContext

every_way = pytest.mark.parametrize(
    "context",
    [multiprocessing.get_context(name) for name in ("fork", "spawn", "forkserver")],
    ids=["fork", "spawn", "forkserver"],
)

PATIENCE_SECONDS = 15

pytestmark = pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def _installed() -> None:
    install()


def _ids_of(_: object) -> dict[str, str]:
    return correlation_ids()


@every_way
def test_a_pool_of_processes_has_the_ids_of_each_item(context: Starting) -> None:
    """Its processes keep none, whoever submits first."""
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        with correlation_context("ann") as first:
            assert pool.submit(correlation_ids).result(PATIENCE_SECONDS) == first
        assert pool.submit(correlation_ids).result(PATIENCE_SECONDS) == {}
        with correlation_context("bob") as second:
            assert list(pool.map(_ids_of, [1], timeout=PATIENCE_SECONDS)) == [second]


def _send_ids(sending: Connection) -> None:
    sending.send(correlation_ids())


def ids_in_a_process(context: Starting) -> tuple[dict[str, str], BaseProcess]:
    """Give the ids in force in a new process, and its object."""
    receiving, sending = context.Pipe(duplex=False)
    process: BaseProcess = context.Process(target=_send_ids, args=(sending,))
    process.start()
    assert receiving.poll(PATIENCE_SECONDS)
    found = receiving.recv()
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == 0
    return found, process


@every_way
def test_a_process_has_the_ids_of_its_start(context: Starting) -> None:
    """Outside of a context it has none; the object is as it was."""
    with correlation_context("ann", request_id="r") as ids:
        found, process = ids_in_a_process(context)
        assert found == ids
        assert not [name for name in vars(process) if "correlation" in name]
        with uncorrelated():
            assert ids_in_a_process(context)[0] == {}
    assert ids_in_a_process(context)[0] == {}


@every_way
def test_a_thread_hands_its_ids_to_a_process(context: Starting) -> None:
    """Those of its own context, and so those that it was started with."""
    found: list[dict[str, str]] = []
    with correlation_context("ann") as ids:
        thread = threading.Thread(target=lambda: found.append(ids_in_a_process(context)[0]))
        thread.start()
    thread.join()
    assert found == [ids]


def test_a_process_that_cannot_be_started_is_as_it_was() -> None:
    """The error is Python's own: here, that its target cannot be pickled."""
    process = multiprocessing.get_context("spawn").Process(target=lambda: None)
    before = dict(vars(process))
    with correlation_context(), pytest.raises((AttributeError, pickle.PicklingError)):
        process.start()
    assert vars(process) == before


def test_a_carried_function_goes_to_a_process_pool_of_another_kind() -> None:
    """One whose processes were there before the context."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with correlation_context("ann") as ids:
            result = pool.apply_async(carry_correlation(_ids_of), (1,))
        assert result.get(PATIENCE_SECONDS) == ids
        assert pool.apply_async(_ids_of, (1,)).get(PATIENCE_SECONDS) == {}


def _log_to(path: Path) -> None:
    configure(stream=path.open("a", encoding="utf-8"))


def _work(path: Path, receiving: Connection) -> None:
    _log_to(path)
    while (message := receiving.recv()) is not None:
        ids, work = message
        with correlation_context(**ids):
            logging.getLogger("worker").warning("worked on %s", work)


def lines(path: Path) -> list[dict[str, Any]]:
    """The log of a process."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_worker_logs_with_the_ids_of_each_message(tmp_path: Path) -> None:
    """As a driver that is fed over a pipe does: its lines are those of the poll."""
    path = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(path, receiving))
    process.start()
    sent = []
    for work in ("one", "two"):
        with correlation_context(session_id="poll") as ids:
            sending.send((correlation_ids(), work))
            sent.append(ids)
    sending.send(None)
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == 0
    assert [(line["message"], line["correlation_id"]) for line in lines(path)] == [
        ("worked on one", sent[0]["correlation_id"]),
        ("worked on two", sent[1]["correlation_id"]),
    ]
    assert {line["session_id"] for line in lines(path)} == {"poll"}


def _log_once(path: Path) -> None:
    _log_to(path)
    logging.getLogger("child").warning("here")


@every_way
def test_a_process_logs_with_the_ids_of_its_start(context: Starting, tmp_path: Path) -> None:
    """Its target need not know of them."""
    path = tmp_path / "log"
    with correlation_context("ann") as ids:
        process = context.Process(target=_log_once, args=(path,))
        process.start()
    process.join(PATIENCE_SECONDS)
    [line] = lines(path)
    assert ids.items() <= line.items()
