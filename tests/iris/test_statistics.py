"""Counters and states of an instance: the real driver asks a double for them."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.iris.access.errors import IrisError
from exporter.iris.metrics import statistics
from exporter.iris.metrics.sensors import get_text, performance_metrics
from tests.expositions import meaning
from tests.iris.scripted_statistics import (
    DASHBOARD,
    ECP,
    GLOBAL,
    Talk,
    collect,
    collect_statistics,
    sample,
    sensors,
    states_of,
)


def test_every_head_has_numbers(talk: Talk) -> None:
    """Nothing is described that cannot be had, and nothing is given that is not described."""
    families, failures = collect_statistics(talk.session, sensors())
    assert failures == {}
    described = {head.name: head for head in statistics.heads()}
    missing = {"iris_write_daemon_queued_blocks"}  # the double says "": unknown, so absent
    assert {family.name for family in families} == set(described) - missing
    for family in families:
        head = described[family.name]
        assert family[:4] == (head.name, head.help, head.type, ("iris_instance", *head.labels))
        assert len({values for values, _ in family.samples}) == len(family.samples)


def test_both_formats_take_them(talk: Talk) -> None:
    """Strictly read, and with the same names."""
    families, _ = collect_statistics(talk.session, sensors())
    text = meaning(Renderer(TEXT).render(families))
    strict = meaning(Renderer(OPENMETRICS).render(families) + b"# EOF\n", openmetrics=True)
    assert strict == text


def test_counters_are_raw(talk: Talk) -> None:
    """As IRIS counts them, by where a global is; numbers may come as text."""
    found = collect(talk)
    assert found['iris_global_references_total{scope="local"}'] == GLOBAL["RefLocal"]
    assert found['iris_global_references_total{scope="private"}'] == 300
    assert found['iris_global_updates_total{scope="remote"}'] == 4
    assert found["iris_database_physical_block_reads_total"] == 120
    assert found["iris_routine_commands_total"] == 90_000
    assert found['iris_ecp_client_bytes_total{direction="received"}'] == ECP["ByteRcvd"]
    assert found['iris_ecp_server_locks_total{result="failed"}'] == ECP["LockFail"]


def test_each_write_daemon_is_read(talk: Talk) -> None:
    """Until there is none of the next number."""
    found = collect(talk)
    counted = {key: value for key, value in found.items() if "write_daemon_blocks" in key}
    assert counted == {
        'iris_write_daemon_blocks_total{daemon="1"}': 90,
        'iris_write_daemon_blocks_total{daemon="2"}': 180,
    }


def test_buffers_of_a_size_that_is_not_used_are_absent(talk: Talk) -> None:
    """Only what is configured is shown."""
    found = collect(talk)
    assert {key: value for key, value in found.items() if key.startswith("iris_buffers")} == {
        'iris_buffers{block_size="8192"}': 25_600,
        'iris_buffers{block_size="65536"}': 128,
        'iris_buffers_available{block_size="8192"}': 12_800,
        'iris_buffers_available{block_size="65536"}': 64,
    }


def test_states_are_sets(talk: Talk) -> None:
    """A series for each state that is documented, of which one is 1; an unknown word is other."""
    found = collect(talk)
    for name, state in [
        ("iris_database_space_state", "normal"),
        ("iris_journal_space_state", "warning"),
        ("iris_lock_table_state", "troubled"),
        ("iris_write_daemon_state", "other"),
        ("iris_ecp_client_state", "normal"),
        ("iris_ecp_server_state", "normal"),
        ("iris_health_state", "warning"),
        ("iris_journal_state", "normal"),
        ("iris_mirror_state", "notinit"),
    ]:
        assert states_of(found, name) == [f'{name}{{state="{state}"}}']
    assert sum(key.startswith("iris_mirror_state{") for key in found) == 10


HEALTH = ("%SYSTEM.Monitor", "State")
JOURNAL = ("%SYS.Journal.System", "GetState")
MIRROR = ("%SYSTEM.Mirror", "GetStatus")
STATES = {
    HEALTH: "iris_health_state",
    JOURNAL: "iris_journal_state",
    MIRROR: "iris_mirror_state",
}


@pytest.mark.parametrize(
    ("key", "answer", "states"),
    [
        (HEALTH, -1, ["hung"]),
        (HEALTH, 7, ["other"]),
        (HEALTH, "", []),
        (JOURNAL, 3, ["frozen"]),
        (JOURNAL, -1, ["other"]),
        (JOURNAL, "", []),
        (MIRROR, "Synchronizing", ["synchronizing"]),
        (MIRROR, "", []),
        (MIRROR, " ", []),
    ],
)
def test_a_state_may_be_any(
    talk: Talk, key: tuple[str, str], answer: Any, states: list[str]
) -> None:
    """What is documented by its name, anything else as other, and nothing as nothing."""
    talk.instance.methods[key] = lambda _: answer
    name = STATES[key]
    assert states_of(collect(talk), name) == [f'{name}{{state="{one}"}}' for one in states]


def test_no_series_is_there_twice(talk: Talk) -> None:
    """Of two resources of one name the first is shown."""
    names = ["Global", "Global"]
    talk.instance.methods["SYS.Stats.Resource", "Sample"] = lambda _, number: sample(
        "SYS.Stats.Resource",
        {"Name": "".join(names[number - 1 : number]), "Seize": number, "Nseize": 0, "Aseize": 0},
    )
    families, _ = collect_statistics(talk.session, sensors())
    (seizes,) = [one for one in families if one.name == "iris_resource_seizes_total"]
    assert seizes.samples == [(("prod", "Global"), 1)]


def test_units_are_base_units(talk: Talk) -> None:
    """Bytes, and seconds since 1970."""
    found = collect(talk)
    assert found["iris_uptime_seconds"] == ((23 * 24 + 23) * 60 + 7) * 60
    # 67725 is 4 June 2026: date -d "1840-12-31 +67725 days".
    assert found["iris_license_expiration_timestamp_seconds"] == 1_780_531_200
    assert found["iris_journal_free_bytes"] == 359_769_714_688
    assert found["iris_lock_table_usable_bytes"] == 305_645_056
    assert found["iris_lock_table_used_bytes"] == 6224
    assert found['iris_database_size_bytes{dir="/usr/irissys/mgr/",id="IRISSYS"}'] == 159 * 2**20
    assert found['iris_database_free_bytes{dir="/usr/irissys/mgr/",id="IRISSYS"}'] == 8.25 * 2**20


@pytest.mark.parametrize("text", ["", "soon", "1d 2h", "1 day", "-1d 2h 3m"])
def test_an_uptime_that_is_not_understood_is_absent(talk: Talk, text: str) -> None:
    """It is a text for people."""
    changed = DASHBOARD | {"SystemUpTime": text}
    key = ("SYS.Stats.Dashboard", "Sample")
    talk.instance.methods[key] = lambda _: sample("SYS.Stats.Dashboard", changed)
    assert "iris_uptime_seconds" not in collect(talk)


@pytest.mark.parametrize(
    ("key", "answer", "name"),
    [
        (("SYS.Lock", "GetLockSpaceInfo"), "12", "iris_lock_table_used_bytes"),
        (("SYS.Lock", "GetLockSpaceInfo"), "a,b,c", "iris_lock_table_used_bytes"),
        (("%SYSTEM.License", "KeyExpirationDate"), "", "iris_license_expiration_timestamp_seconds"),
        (("%SYS.Journal.System", "GetFreeSpace"), "", "iris_journal_free_bytes"),
        (("%SYS.Journal.System", "GetFreeSpace"), "nan", "iris_journal_free_bytes"),
        (("%SYS.Journal.System", "GetFreeSpace"), "9" * 400, "iris_journal_free_bytes"),
    ],
)
def test_what_is_no_number_is_absent(
    talk: Talk, key: tuple[str, str], answer: str, name: str
) -> None:
    """It is not 0."""
    talk.instance.methods[key] = lambda _: answer
    assert name not in collect(talk)


def test_a_closed_database_has_no_free_space(talk: Talk) -> None:
    """It has a size, and says that it is not mounted."""
    found = collect(talk)
    closed = {key: value for key, value in found.items() if 'id="CLOSED"' in key}
    assert closed == {
        'iris_database_size_bytes{dir="/data/closed/",id="CLOSED"}': 11 * 2**20,
        'iris_database_mounted{dir="/data/closed/",id="CLOSED"}': 0,
    }


def test_ecp_and_resources_are_asked_only_where_it_pays(talk: Talk) -> None:
    """ECP where it is in use, resources where the sensors lack them."""
    names = collect(talk, "iris_ecp_conn 0\niris_res_seize 1\n")
    assert not [name for name in names if "ecp_client_bytes" in name or "_resource_" in name]
    assert 'iris_statistics_success{part="ecp_client"}' not in names


def test_text_of_the_sensors_is_asked_for(talk: Talk) -> None:
    """In one call, and CPU and memory are taken from it."""
    key = ("SYS.Monitor.SAM.Sensors", "PrometheusMetrics")
    talk.instance.methods[key] = lambda _: "iris_cpu_usage .5\niris_phys_mem_percent_used 96"
    metrics = performance_metrics(talk.session)
    assert (metrics.cpu_percent, metrics.memory_percent, metrics.source) == (0.5, 96.0, "iris")
    talk.instance.methods[key] = lambda _: ""
    with pytest.raises(IrisError, match="gave no text: see whether"):
        get_text(talk.session)
