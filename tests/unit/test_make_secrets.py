"""tools/make_secrets.py: files for containers, and no secret anywhere else."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tools import make_secrets

STACK = {"grafana_admin_password", "smtp_password", "slack_url", "dead_mans_switch_url"}
SECRET = "s3cret=with=signs"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files go; nothing is typed."""
    monkeypatch.setattr(make_secrets, "HOME", tmp_path / "secrets")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    return tmp_path / "secrets"


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put something on stdin, which is no terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def mode(path: Path) -> int:
    """The permissions of a file."""
    return path.stat().st_mode & 0o7777


def test_containers_may_read_and_users_may_not(home: Path) -> None:
    """Every file is readable by every uid, in a directory that only its owner enters."""
    os.umask(os.umask(0o077))
    assert make_secrets.main([]) == 0
    assert {path.name for path in home.iterdir()} == STACK
    assert mode(home) == 0o700
    assert {mode(path) for path in home.iterdir()} == {0o444}


def test_grafanas_password_is_made_up_and_never_the_same(home: Path) -> None:
    """It is long, and another one each time."""
    found = set()
    for _ in range(2):
        assert make_secrets.main([]) == 0
        found.add((home / "grafana_admin_password").read_text())
        (home / "grafana_admin_password").unlink()
    assert len(found) == 2
    assert min(map(len, found)) >= 32


def test_lines_of_stdin_are_taken_and_not_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value may have an equals sign; neither it nor the password that was made up is printed."""
    say(monkeypatch, f"smtp_password={SECRET}\n\nslack_url=https://example.org/x\n")
    assert make_secrets.main([]) == 0
    assert (home / "smtp_password").read_text() == SECRET
    assert (home / "slack_url").read_text() == "https://example.org/x"
    said = "".join(capsys.readouterr())
    assert SECRET not in said
    assert (home / "grafana_admin_password").read_text() not in said
    assert "nobody outside notices" in said


def test_files_are_taken_from_a_directory(home: Path, tmp_path: Path) -> None:
    """The newline that an editor leaves at the end is no part of a secret."""
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "smtp_password").write_text(f"{SECRET}\n")
    (folder / "iris_password").write_text("SYS")
    (folder / "README").write_text("no secret")
    assert make_secrets.main([f"--from={folder}", "--iris"]) == 0
    assert (home / "smtp_password").read_text() == SECRET
    assert (home / "iris_password").read_text() == "SYS"
    assert {path.name for path in home.iterdir()} == STACK | {"iris_password"}


def test_what_is_asked_for_is_not_seen(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal each that is missing is asked for, but not the one that is made up."""
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt.partition(" ")[0])
        return "https://example.org" if "url" in prompt else SECRET

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", answer)
    assert make_secrets.main([]) == 0
    assert asked == ["smtp_password", "slack_url", "dead_mans_switch_url"]
    assert (home / "smtp_password").read_text() == SECRET


def test_what_is_there_is_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run changes no content, and mends the permissions."""
    assert make_secrets.main([]) == 0
    before = {path.name: path.read_text() for path in home.iterdir()}
    (home / "smtp_password").chmod(0o600)
    home.chmod(0o755)
    assert make_secrets.main([]) == 0
    assert {path.name: path.read_text() for path in home.iterdir()} == before
    assert (mode(home), mode(home / "smtp_password")) == (0o700, 0o444)
    assert capsys.readouterr().out.count(": kept\n") == len(STACK)


def test_nothing_is_overwritten(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value for a file that is there is refused; it says what to do."""
    say(monkeypatch, "smtp_password=old\n")
    assert make_secrets.main([]) == 0
    say(monkeypatch, f"smtp_password={SECRET}\n")
    assert make_secrets.main([]) == 2
    assert (home / "smtp_password").read_text() == "old"
    complaint = capsys.readouterr().err
    assert "remove it first" in complaint
    assert "docs/containers.md" in complaint
    assert SECRET not in complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SECRET[:6], "line 1: expected NAME=VALUE"),
        ("other_password=x", "line 1: expected NAME=VALUE"),
        ("smtp_password=a\nsmtp_password=b", "line 2"),
        ("iris_password=x", "line 1"),
        ("slack_url=http://example.org", "slack_url: expected an address"),
        ("smtp_password=a\tb", "control characters"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    complaint: str,
) -> None:
    """It says where the mistake is without repeating it, and writes nothing."""
    say(monkeypatch, text)
    assert make_secrets.main([]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert SECRET[:6] not in said
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("left", [EOFError, KeyboardInterrupt])
def test_who_leaves_at_a_question_is_told_so(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    left: type[BaseException],
) -> None:
    """After Ctrl-D or Ctrl-C there is a sentence, no traceback, and nothing is written."""

    def leave(prompt: str) -> str:
        raise left

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", leave)
    assert make_secrets.main([]) == 2
    assert "come again" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_bytes_that_are_no_text_are_not_shown(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password in another encoding is refused, from a file and from stdin, without its bytes."""
    (tmp_path / "smtp_password").write_bytes(b"caf\xe9")
    assert make_secrets.main([f"--from={tmp_path}"]) == 2
    stdin = io.TextIOWrapper(io.BytesIO(b"smtp_password=caf\xe9\n"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    assert make_secrets.main([]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("expected text in UTF-8") == 2
    assert "e9" not in complaint
    assert list(home.iterdir()) == []


def test_grafana_never_gets_its_default_password(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty file for it, for example of a full disk, is refused: Grafana would take `admin`."""
    home.mkdir()
    (home / "grafana_admin_password").touch()
    assert make_secrets.main([]) == 2
    assert "remove it" in capsys.readouterr().err


def test_a_link_is_not_followed(home: Path, tmp_path: Path) -> None:
    """A link in the place of a file is refused, and what it leads to stays as it is."""
    home.mkdir()
    target = tmp_path / "target"
    target.write_text("mine")
    target.chmod(0o600)
    (home / "smtp_password").symlink_to(target)
    assert make_secrets.main([]) == 2
    assert (target.read_text(), mode(target)) == ("mine", 0o600)


def test_no_secret_can_be_given_on_the_command_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word that looks like one is an error."""
    with pytest.raises(SystemExit) as ended:
        make_secrets.main([f"smtp_password={SECRET}"])
    assert ended.value.code == 2
    assert "unrecognized" in capsys.readouterr().err
    assert not home.exists()
