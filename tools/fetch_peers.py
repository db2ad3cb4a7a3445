"""Fetch the newest obtainable Prometheus, promtool and node_exporter that Debian has built.

The tests run the real programs, newer than the stable Debian has. They are downloaded with this
machine's own apt (its mirror, its proxy, its keys) into a state directory of their own, checked
against Debian's signatures, unpacked below build/peers/root and never installed: no root is
needed, no daemon starts, nothing of the system changes. See docs/decisions/.

Where that cannot be done the reason is printed; it is an error only when CI=true.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Peer(NamedTuple):
    """A program: its name in Debian, that elsewhere, and the packages that may hold it."""

    program: str
    elsewhere: str
    packages: tuple[str, ...]


PEERS = {
    peer.elsewhere: peer
    for peer in (
        Peer("prometheus", "prometheus", ("prometheus",)),
        # In a package of its own since Prometheus 3.
        Peer("promtool", "promtool", ("promtool", "prometheus")),
        Peer("prometheus-node-exporter", "node_exporter", ("prometheus-node-exporter",)),
    )
}

SUITES = ("sid", "trixie", "bookworm")
"""Newest first. The builds of all of them need no newer C library than bookworm's."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
HOME = Path(__file__).resolve().parent.parent / "build" / "peers"
PROGRAMS = HOME / "root" / "usr" / "bin"

PRIVATE_APT = """
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::Etc::SourceList "{home}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{home}/state";
Dir::State::Status "{home}/status";
Dir::Cache "{home}/cache";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
"""
"""Follows a copy of the machine's own Acquire settings (proxies, certificates). Its hooks are left
out, since they act on the system. The sandbox user could not write below a private directory."""


class UnobtainableError(Exception):
    """Why a suite or a package cannot be had, in a few plain words."""


def locate(name: str) -> Path | None:
    """Give the path of a peer: the fetched one, else what PATH has, else None."""
    peer = PEERS[name]
    fetched = PROGRAMS / peer.program
    if os.access(fetched, os.X_OK):
        return fetched
    found = shutil.which(peer.program) or shutil.which(peer.elsewhere)
    return Path(found) if found else None


def version(program: Path) -> str | None:
    """Give what a program says it is, or None when it does not run here."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        return None
    return (answer.stdout or answer.stderr).partition(" (")[0].strip()


def run(*command: str | Path, cwd: Path | None = None, config: Path | None = None) -> str:
    """Run a program of apt and give its output; raise UnobtainableError with its complaint."""
    environment = {**os.environ, "LC_ALL": "C"}
    if config:
        environment["APT_CONFIG"] = str(config)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnobtainableError(str(error)) from error
    if done.returncode:
        raise UnobtainableError(explain(done.stderr) or f"{command[0]} failed")
    return done.stdout


def explain(complaints: str) -> str:
    """Shorten what apt wrote to its first error, and say what helps where that is known."""
    errors = [line[3:] for line in complaints.splitlines() if line.startswith(("E: ", "W: "))]
    if any("NO_PUBKEY" in line or "is not signed" in line for line in errors):
        return (
            "the keys of this machine do not verify its signature, so it is not used; "
            "a newer package debian-archive-keyring has the keys"
        )
    return errors[0] if errors else complaints.strip().partition("\n")[0]


def find_mirror() -> str:
    """Give the address from which this machine gets Debian's packages."""
    if not shutil.which("apt-get"):
        raise UnobtainableError("this machine has no apt-get: install the programs by hand")
    fields = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    listing = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    for line in listing.splitlines():
        origin, label, address = line.split(" ", 2)
        if origin == label == "Debian":  # its security archive is labelled Debian-Security
            return address
    raise UnobtainableError(
        "apt knows no package lists of Debian here: on Debian, run apt-get update; "
        "elsewhere, install the programs by hand"
    )


class Apt:
    """An apt with state, cache and sources of its own, of one suite at a time."""

    def __init__(self, mirror: str, home: Path) -> None:
        self._mirror = mirror
        self._home = home
        self._config = home / "apt.conf"
        self._downloads = home / "downloads"
        for folder in ("state/lists/partial", "cache/archives/partial", "downloads"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "status").touch()
        self._config.touch(mode=0o600)  # a proxy's address may hold a password
        own = run("apt-config", "dump", "Acquire")
        self._config.write_text(own + PRIVATE_APT.format(home=home))

    def use_suite(self, suite: str) -> None:
        """Fetch the package lists of a suite."""
        architecture = run("dpkg", "--print-architecture").strip()
        signed = f" signed-by={KEYRING}" if KEYRING.exists() else ""
        source = f"deb [arch={architecture}{signed}] {self._mirror} {suite} main\n"
        (self._home / "sources.list").write_text(source)
        run("apt-get", "update", config=self._config)

    def unpack(self, package: str, into: Path) -> None:
        """Download a package, checked against the lists, and unpack it."""
        run("apt-get", "download", package, cwd=self._downloads, config=self._config)
        newest = max(self._downloads.glob(f"{package}_*.deb"), key=lambda deb: deb.stat().st_mtime)
        run("dpkg-deb", "-x", newest, into)


def fetch(names: Iterable[str]) -> None:
    """Fetch each peer from the newest suite whose build runs here."""
    mirror = find_mirror()
    missing = list(names)
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        apt = Apt(mirror, Path(folder))
        for suite in SUITES:
            if missing:
                missing = fetch_from(suite, apt, missing)


def fetch_from(suite: str, apt: Apt, names: Iterable[str]) -> list[str]:
    """Fetch peers from one suite; give those that it does not have, or that do not run."""
    try:
        apt.use_suite(suite)
    except UnobtainableError as reason:
        print(f"peers: {suite}: {reason}")
        return list(names)
    return [name for name in names if not fetch_one(apt, name, suite)]


def fetch_one(apt: Apt, name: str, suite: str) -> bool:
    """Fetch one peer; tell whether it is there now and runs."""
    peer = PEERS[name]
    reasons = []
    for package in peer.packages:
        with tempfile.TemporaryDirectory(dir=HOME) as folder:
            program = Path(folder, "usr", "bin", peer.program)
            try:
                apt.unpack(package, Path(folder))
            except UnobtainableError as reason:
                reasons.append(str(reason))
                continue
            if version(program):
                program.replace(PROGRAMS / peer.program)
                return True
            reasons.append(f"the program in the package {package} does not run here")
    print(f"peers: {suite}: {name}: {'; '.join(reasons)}")
    return False


def main() -> int:
    """Fetch what is not there, say what there is, and fail under CI=true when one is missing."""
    wanted = [name for name, peer in PEERS.items() if not version(PROGRAMS / peer.program)]
    if wanted:
        try:
            fetch(wanted)
        except UnobtainableError as reason:
            print(f"peers: nothing fetched: {reason}")
    in_ci = os.environ.get("CI") == "true"
    absent = f"missing: its tests {'fail' if in_ci else 'are skipped'}"
    found = {name: locate(name) for name in PEERS}
    for name, path in found.items():
        print(f"peers: {name}: {(path and version(path)) or absent}")
    return int(in_ci and None in found.values())


if __name__ == "__main__":
    sys.exit(main())
