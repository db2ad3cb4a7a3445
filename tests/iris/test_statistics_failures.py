"""What an instance withholds costs its part alone; what is costly is asked for rarely."""

from __future__ import annotations

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.metrics.statistics import Statistics
from tests.iris.double.faults import Close
from tests.iris.double.hooks import WithOutputs
from tests.iris.scripted_statistics import (
    SENSORS,
    Talk,
    collect,
    collect_statistics,
    refuse,
    sensors,
    short,
    states_of,
)


def test_what_is_missing_or_refused_is_absent_alone(talk: Talk) -> None:
    """Its part is named with its reason, and the others go on."""
    del talk.instance.methods["SYS.Stats.Routine", "Sample"]
    talk.instance.methods["%SYS.Journal.System", "GetFreeSpace"] = refuse
    families, failures = collect_statistics(talk.session, sensors())
    found = short(families)
    assert {name: error.kind for name, error in failures.items()} == {
        "routines": ErrorKind.ABSENT,
        "journal": ErrorKind.PRIVILEGE,
    }
    assert "iris_routine_commands_total" not in found
    assert "iris_journal_free_bytes" not in found
    assert states_of(found, "iris_journal_state")  # what came before the refusal
    assert found["iris_uptime_seconds"] > 0
    failed = {key for key, value in found.items() if "_success{" in key and value == 0}
    assert failed == {
        'iris_statistics_success{part="journal"}',
        'iris_statistics_success{part="routines"}',
    }


def test_what_was_refused_is_asked_for_again_later(talk: Talk) -> None:
    """Not at each poll; and once the right is there, it is read at each."""
    allowed = talk.instance.methods["SYS.Stats.Routine", "Sample"]
    talk.instance.methods["SYS.Stats.Routine", "Sample"] = refuse
    reader = Statistics("prod", slow_seconds=600)
    reader.collect(talk.session, sensors(), 1000)
    talk.instance.methods["SYS.Stats.Routine", "Sample"] = allowed
    for now, present in [(1500, False), (1600, True), (1601, True)]:
        found = short(reader.collect(talk.session, sensors(), now))
        assert ("iris_routine_commands_total" in found) is present
        assert found['iris_statistics_success{part="routines"}'] == present


def test_an_instance_that_answers_slowly_is_not_asked_for_everything(talk: Talk) -> None:
    """The parts behind are left out, and said to be; the next time there may be time for them."""
    elapsed = 0.0
    quick = talk.instance.methods["SYS.Stats.Routine", "Sample"]

    def slowly(given: object) -> object:
        nonlocal elapsed
        elapsed += 31
        return quick(given)

    talk.instance.methods["SYS.Stats.Routine", "Sample"] = slowly
    reader = Statistics("prod", clock=lambda: elapsed)
    found = short(reader.collect(talk.session, sensors(), 1000))
    assert "iris_routine_commands_total" in found
    assert "iris_uptime_seconds" not in found
    assert found['iris_statistics_success{part="dashboard"}'] == 0
    assert reader.failures["dashboard"].kind is ErrorKind.TIMEOUT
    talk.instance.methods["SYS.Stats.Routine", "Sample"] = quick
    found = short(reader.collect(talk.session, sensors(), 1010))
    assert found["iris_uptime_seconds"] > 0
    assert found['iris_statistics_success{part="dashboard"}'] == 1
    assert not reader.failures


def test_what_is_costly_is_kept_for_a_while(talk: Talk) -> None:
    """The same numbers until its time has come; the others are new at each poll."""
    reader = Statistics("prod", slow_seconds=600)
    licence = "iris_license_expiration_timestamp_seconds"
    first = short(reader.collect(talk.session, sensors(), 1000))
    talk.instance.methods["%SYSTEM.License", "KeyExpirationDate"] = lambda _: 67_726
    talk.instance.methods["%SYSTEM.Monitor", "Alerts"] = lambda _: 4
    kept = short(reader.collect(talk.session, sensors(), 1599))
    assert (kept["iris_alerts_total"], kept[licence]) == (4, first[licence])
    assert kept.keys() == first.keys()
    again = short(reader.collect(talk.session, sensors(), 1600))
    assert again[licence] == first[licence] + 86_400


def test_what_is_no_longer_wanted_is_forgotten(talk: Talk) -> None:
    """Without the sensor that names databases there are none; they come back with it."""
    reader = Statistics("prod", slow_seconds=600)
    for now, text, present in [(0, SENSORS, True), (1, "iris_a 1\n", False), (2, SENSORS, True)]:
        found = short(reader.collect(talk.session, sensors(text), now))
        assert any("database_size" in key for key in found) is present


def test_one_database_does_not_keep_the_others_back(talk: Talk) -> None:
    """One that is gone makes the part a failure, and the others are read."""
    more = SENSORS.replace("iris_ecp_conn 2\n", 'iris_db_size_mb{id="GONE",dir="/gone/"} 1\n')
    families, failures = collect_statistics(talk.session, sensors(more))
    assert failures["databases"].kind is ErrorKind.ABSENT
    assert sum("database_size" in key for key in short(families)) == 2


def test_databases_that_are_not_permitted_are_asked_once(talk: Talk) -> None:
    """All others would be refused as well."""
    asked = []

    def count(_: object, directory: str, *__: object) -> None:
        asked.append(directory)
        refuse()

    talk.instance.methods["%SYS.DatabaseQuery", "GetDatabaseFreeSpace"] = count
    more = SENSORS + 'iris_db_size_mb{id="TWICE",dir="/usr/irissys/mgr/"} 1\n'
    _, failures = collect_statistics(talk.session, sensors(more))
    assert failures["databases"].kind is ErrorKind.PRIVILEGE
    assert asked == ["/usr/irissys/mgr/"]


def test_a_free_space_that_failed_is_absent(talk: Talk) -> None:
    """Its status says so; what stands in the output then is no number to show."""
    key = ("%SYS.DatabaseQuery", "GetDatabaseFreeSpace")
    talk.instance.methods[key] = lambda *_: WithOutputs(0, [1])
    assert not [key for key in collect(talk) if "database_free" in key]


def test_a_lost_connection_is_no_failure_of_a_part(talk: Talk) -> None:
    """It ends the reading, and whoever reads opens the session again."""
    talk.double.faults.next_call(Close())
    with pytest.raises(IrisError) as caught:
        collect_statistics(talk.session, sensors())
    assert caught.value.connection_lost
    talk.session.open()
    collect(talk)
