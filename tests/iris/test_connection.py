from __future__ import annotations

from dataclasses import replace

from exporter.iris.access.connection import NO_SECRET, Connection, Secret


def test_a_secret_shows_itself_to_nobody() -> None:
    """Neither alone nor in what holds it, unless it is asked for."""
    connection = Connection(name="a", host="b", password=Secret("hidden"))
    assert "hidden" not in f"{connection!r} {connection} {connection.password}"
    assert connection.password.reveal() == "hidden"


def test_secrets_are_compared() -> None:
    """A reload looks whether one has changed."""
    connection = Connection(name="a", host="b", password=Secret("hidden"))
    assert connection == replace(connection, password=Secret("hidden"))
    assert connection != replace(connection, password=Secret("other"))
    assert hash(connection) == hash(replace(connection, password=Secret("hidden")))
    assert Secret("hidden") != "hidden"
    assert (bool(NO_SECRET), bool(Secret("hidden"))) == (False, True)
