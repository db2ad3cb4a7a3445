"""Passwords and tokens of IRIS: where they come from, and that nobody else sees them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from exporter.describe_settings import describe_settings
from exporter.iris.access.connection import Secret
from exporter.settings import SettingsError
from tests.iris.reading import only, read

pytestmark = pytest.mark.usefixtures("own_environment")

WORD = "a Secret of 2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its configuration."""
    return tmp_path / "perfwatch.yml"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a secret that its owner alone may read."""
    path = tmp_path / "secret"
    path.write_text(f"{WORD}\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("name", ["password", "access-token"])
def test_no_secret_is_a_flag(name: str) -> None:
    """Whoever tries is told why, and what to do; the secret itself is not repeated."""
    for words in ([f"--iris.{name}={WORD}"], [f"--iris.{name}", WORD]):
        with pytest.raises(SettingsError, match=rf"^--iris\.{name} does not exist") as raised:
            read("--iris.host=h", *words)
        assert "password_file" in str(raised.value)
        assert WORD not in str(raised.value)


@pytest.mark.parametrize("text", ["{password: %s}", "{instances: {a: {access_token: %s}}}"])
def test_no_secret_is_in_the_file(file: Path, text: str) -> None:
    """A configuration is readable by more than the daemon."""
    file.write_text(f"iris: {text % json.dumps(WORD)}")
    with pytest.raises(SettingsError, match="does not exist, as others would see") as raised:
        read(f"--config.file={file}")
    assert WORD not in str(raised.value)


def test_a_secret_comes_from_its_file(secret: Path) -> None:
    """Without the end of its line."""
    instance = only("--iris.username=u", f"--iris.password-file={secret}")
    assert instance.connection().password.reveal() == WORD
    token = only("--iris.username=u", f"--iris.access-token-file={secret}").connection()
    assert (token.access_token.reveal(), token.username) == (WORD, "")


def test_a_secret_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, file: Path, secret: Path
) -> None:
    """For all instances but those that have a way to log in of their own."""
    monkeypatch.setenv("PERFWATCH_IRIS_PASSWORD", "of all")
    file.write_text(
        "iris:\n  username: u\n  instances:\n    a: {host: a}\n"
        f"    b: {{host: b, password_file: {secret}}}\n"
        f"    c: {{host: c, access_token_file: {secret}}}\n"
    )
    a, b, c = (one.connection() for one in read(f"--config.file={file}").iris.values())
    assert [a.password.reveal(), b.password.reveal()] == ["of all", WORD]
    assert (c.password.reveal(), c.access_token.reveal()) == ("", WORD)


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the password does; an empty variable counts as none."""
    monkeypatch.setenv("PERFWATCH_IRIS_ACCESS_TOKEN", WORD)
    monkeypatch.setenv("PERFWATCH_IRIS_PASSWORD", "")
    assert only().access_token == Secret(WORD)


def test_a_secret_of_the_environment_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a file is: the end of a line is no part of it, and two lines are none."""
    monkeypatch.setenv("PERFWATCH_IRIS_ACCESS_TOKEN", f"{WORD}\n")
    assert only().access_token == Secret(WORD)
    monkeypatch.setenv("PERFWATCH_IRIS_ACCESS_TOKEN", f"{WORD}\nmore")
    with pytest.raises(SettingsError, match="ACCESS_TOKEN holds no single line") as raised:
        only()
    assert WORD not in str(raised.value)


def test_another_secret_makes_another_instance(secret: Path) -> None:
    """So that a reload logs in with it, though no setting has changed."""
    words = ("--iris.username=u", f"--iris.password-file={secret}")
    before = only(*words)
    assert only(*words) == before
    secret.write_text("another")
    assert only(*words) != before


def test_a_pipe_is_no_file_with_a_secret(tmp_path: Path) -> None:
    """Nobody waits for who might write into it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SettingsError, match="is no file"):
        only("--iris.username=u", f"--iris.password-file={pipe}")


def test_two_ways_to_log_in_are_one_too_many(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    """Which of them counts should not have to be guessed."""
    files = (f"--iris.password-file={secret}", f"--iris.access-token-file={secret}")
    with pytest.raises(SettingsError, match=r"^iris: iris\.password-file and iris\.access-token"):
        only("--iris.username=u", *files)
    monkeypatch.setenv("PERFWATCH_IRIS_PASSWORD", WORD)
    with pytest.raises(SettingsError, match=r"PERFWATCH_IRIS_PASSWORD and iris\.password-file"):
        only("--iris.username=u", files[0])


def test_a_password_belongs_to_somebody(secret: Path) -> None:
    """IRIS would only say that access is denied, and count it."""
    with pytest.raises(SettingsError, match=r"iris\.username is missing"):
        only(f"--iris.password-file={secret}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"one\ntwo\n", "holds no single line of text"),
        (b"\xff\xfe", "holds no single line of text"),
        (b"x" * 70_000, "holds no single line of text"),
    ],
)
def test_a_file_without_a_secret_is_refused(secret: Path, content: bytes, message: str) -> None:
    """And nothing of it is shown, as it may be a secret all the same."""
    secret.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as raised:
        only("--iris.username=u", f"--iris.password-file={secret}")
    assert "one" not in str(raised.value).replace(str(secret), "").replace("alone", "")


def test_no_secret_is_shown(secret: Path) -> None:
    """Neither by the API nor where somebody prints the settings."""
    settings = read("--iris.host=h", "--iris.username=u", f"--iris.password-file={secret}")
    assert WORD not in repr(settings)
    described = describe_settings(settings)
    assert WORD not in json.dumps(described)
    shown = described["iris"]["instances"]["iris"]
    assert (shown["host"], shown["password_file"]) == ("h", str(secret))
    assert shown["governor"]["cpu_disable"] == 90
