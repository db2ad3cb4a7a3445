"""Make the secret files that docker-compose.monitoring.yml mounts: `make secrets`.

Grafana's password is made up. The others are asked for, or read as NAME=VALUE lines from stdin
where that is no terminal, or taken from files of their names in a directory (--from). None can be
given on the command line, where every user of the machine could read it. What is there already is
kept. A secret that nobody gives is an empty file: compose mounts every one of them.

A container reads the file under the uid of its own program, and there are several; so the files are
readable by all (0444) in a directory that only its owner may enter (0700).
"""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parent.parent / "secrets"
DOCUMENTATION = "docs/containers.md#secrets"


class Secret(NamedTuple):
    """A secret: its file, what it is, and what happens without it."""

    name: str
    what: str
    without: str = ""
    is_url: bool = False


GRAFANA = Secret("grafana_admin_password", "password of Grafana's user admin")
STACK = (
    Secret("smtp_password", "password of the mail account", "no mail is sent"),
    Secret("slack_url", "address of Slack's incoming webhook", "nothing goes to Slack", True),
    Secret(
        "dead_mans_switch_url",
        "address that is called as long as alerts work",
        "nobody outside notices when alerting has died",
        True,
    ),
)
IRIS = Secret("iris_password", "password of the user of IRIS", "IRIS refuses the login")


class SecretsError(Exception):
    """What is wrong, and how to mend it."""


def check(secret: Secret, value: str) -> str:
    """Give a value without the newline that editors leave; raise SecretsError if it cannot be."""
    value = value.strip("\r\n")
    if any(not character.isprintable() for character in value):
        raise SecretsError(f"{secret.name}: has control characters or more than one line")
    if secret.is_url and value and not value.startswith("https://"):
        raise SecretsError(f"{secret.name}: expected an address that begins with https://")
    return value


def read_lines(lines: Sequence[str], wanted: Sequence[Secret]) -> dict[str, str]:
    """Read NAME=VALUE lines; raise SecretsError for what is none, without showing it."""
    names = {secret.name for secret in wanted}
    given: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, sign, value = line.partition("=")
        if line.strip() and (not sign or name not in names or name in given):
            raise SecretsError(
                f"stdin, line {number}: expected NAME=VALUE, with each of these at most once: "
                f"{', '.join(sorted(names))}"
            )
        if sign:
            given[name] = value
    return given


def read_folder(folder: Path, wanted: Sequence[Secret]) -> dict[str, str]:
    """Read the files of a directory that have the name of a secret."""
    try:
        present = {path.name: path for path in folder.iterdir()}
        return {
            secret.name: present[secret.name].read_text(encoding="utf-8")
            for secret in wanted
            if secret.name in present
        }
    except OSError as error:
        raise SecretsError(f"--from={folder}: {error}") from error


def ask(missing: Sequence[Secret], question: Callable[[str], str]) -> dict[str, str]:
    """Ask somebody at a terminal, who sees nothing of what he types."""
    return {
        secret.name: question(f"{secret.name} ({secret.what}; empty: {secret.without}): ")
        for secret in missing
    }


def write(home: Path, secret: Secret, value: str) -> None:
    """Write a new file, and never over one that is there."""
    path = home / secret.name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    except FileExistsError as error:
        raise SecretsError(f"{path} is there already: remove it first to change it") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o444)
        file.write(value)
    if value:
        print(f"{path}: made")
    else:
        print(f"{path}: empty, so {secret.without}. To change that, remove it and come again.")


def keep(home: Path, present: Sequence[Secret], given: Mapping[str, str]) -> None:
    """Leave what is there, with the modes that containers need."""
    for secret in present:
        path = home / secret.name
        if secret.name in given:
            raise SecretsError(f"{path} is there already: remove it first to change it")
        if path.is_symlink() or not path.is_file():
            raise SecretsError(f"{path} is no file: remove it")
        if secret is GRAFANA and not path.stat().st_size:
            raise SecretsError(f"{path} is empty, and Grafana would take its default: remove it")
        path.chmod(0o444)
        print(f"{path}: kept")


def make(home: Path, arguments: argparse.Namespace) -> None:
    """Make what is missing."""
    wanted = (*STACK, IRIS) if arguments.iris else STACK
    home.mkdir(exist_ok=True)
    home.chmod(0o700)
    everything = (GRAFANA, *wanted)
    present = [secret for secret in everything if os.path.lexists(home / secret.name)]
    missing = [secret for secret in wanted if secret not in present]
    if arguments.folder:
        given = read_folder(arguments.folder, everything)
    elif sys.stdin.isatty():
        given = ask(missing, getpass.getpass)
    else:
        given = read_lines(sys.stdin.read().splitlines(), everything)
    values = {
        secret: check(secret, given.get(secret.name, ""))
        for secret in everything
        if secret not in present
    }
    keep(home, present, given)
    for secret, value in values.items():
        made_up = secrets.token_urlsafe(24) if secret is GRAFANA else ""
        write(home, secret, value or made_up)


def main(words: Sequence[str] | None = None) -> int:
    """Make the files; say what there is, and never a secret."""
    parser = argparse.ArgumentParser(prog="make secrets", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--iris", action="store_true", help="also the password for IRIS")
    parser.add_argument(
        "--from", dest="folder", type=Path, metavar="DIR", help="take them from files in here"
    )
    arguments = parser.parse_args(words)
    try:
        make(HOME, arguments)
    except (SecretsError, OSError) as error:
        complaint = str(error)
    except UnicodeDecodeError:
        # Its own words would show a piece of the secret.
        complaint = "expected text in UTF-8"
    except (EOFError, KeyboardInterrupt):
        complaint = "stopped before everything was asked: come again"
    else:
        return 0
    print(f"make secrets: {complaint} ({DOCUMENTATION})", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
