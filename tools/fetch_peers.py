"""Fetch the programs that the tests run for real, as Debian has built them.

Each in the newest build that can be had (below build/peers/root), and those that people run for
years also as the stable Debian has them (below build/peers/stable). They are downloaded with this
machine's own apt (its mirror, its proxy, its keys) into a state directory of its own, checked
against Debian's signatures, unpacked and never installed: no root is needed, no daemon starts,
nothing of the system changes. See docs/decisions/.

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

SUITES = ("sid", "trixie", "bookworm")
"""Newest first. The builds of all of them need no newer C library than bookworm's."""

STABLE = ("trixie",)

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
HOME = Path(__file__).resolve().parent.parent / "build" / "peers"


class Peer(NamedTuple):
    """A program: its name in Debian, and where and how to get it."""

    program: str
    packages: tuple[str, ...]
    """Those that may hold it: the first that does is taken."""
    suites: tuple[str, ...] = SUITES
    question: str = "--version"
    """What it answers at once, with success."""
    answer: str = ""
    """How its answer begins, where another program has the same name."""
    files: str = ""
    """What Debian's build does not start without, below /usr."""

    @property
    def room(self) -> Path:
        """Where its package is unpacked to, as far as it is needed: /usr to it."""
        return HOME / ("stable" if self.suites is STABLE else "root") / "usr"

    @property
    def fetched(self) -> Path:
        """Where it is once it was fetched."""
        return self.room / "bin" / self.program

    def is_here(self) -> bool:
        """Whether it was fetched and runs."""
        return (self.room / self.files).exists() and version(self, self.fetched) is not None


ALERTMANAGER = "prometheus-alertmanager"
# Elsewhere they are in the program.
TEMPLATES = "share/prometheus/alertmanager"

PEERS = {
    "prometheus": Peer("prometheus", ("prometheus",)),
    # In a package of its own since Prometheus 3.
    "promtool": Peer("promtool", ("promtool", "prometheus")),
    "node_exporter": Peer("prometheus-node-exporter", ("prometheus-node-exporter",)),
    "alertmanager": Peer(ALERTMANAGER, (ALERTMANAGER,), files=TEMPLATES),
    "amtool": Peer("amtool", (ALERTMANAGER,)),
    # Version 1 was another program, in Python, which calls itself docker-compose.
    "docker-compose": Peer("docker-compose", ("docker-compose",), answer="Docker Compose version"),
    # The checker of the specification's own library.
    "compose-spec": Peer("compose-spec", ("compose-spec",), question="--help"),
    "kustomize": Peer("kustomize", ("kustomize",), question="version"),
    "victoria-metrics": Peer("victoria-metrics", ("victoria-metrics",)),
    "stable/prometheus": Peer("prometheus", ("prometheus",), STABLE),
    "stable/promtool": Peer("promtool", ("promtool", "prometheus"), STABLE),
    "stable/alertmanager": Peer(ALERTMANAGER, (ALERTMANAGER,), STABLE, files=TEMPLATES),
}
"""By the names that they have elsewhere."""

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
    """Give the path of a peer: the fetched one, else what PATH has, else None.

    PATH does not count where it has to be the stable Debian's.
    """
    peer = PEERS[name]
    if os.access(peer.fetched, os.X_OK):
        return peer.fetched
    if peer.suites is STABLE:
        return None
    candidates = (shutil.which(program) for program in (peer.program, name))
    found = (Path(path) for path in candidates if path)
    return next((path for path in found if version(peer, path) is not None), None)


def version(peer: Peer, program: Path) -> str | None:
    """Give what a program says it is, or None when it does not run here or is another.

    Some run without a word.
    """
    try:
        result = subprocess.run(
            [program, peer.question], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = result.stdout or result.stderr
    if result.returncode or not answer.startswith(peer.answer):
        return None
    if peer.question == "--help":
        return ""
    return answer.partition("\n")[0].partition(" (")[0].strip()


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
        for folder in ("state/lists/partial", "cache/archives/partial"):
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

    def unpack(self, package: str, suite: str) -> Path:
        """Download a package, checked against the lists, and unpack it, once; give the folder."""
        folder = self._home / suite / package
        if folder.exists():
            return folder
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._home) as downloads:
            run("apt-get", "download", package, cwd=Path(downloads), config=self._config)
            (archive,) = Path(downloads).glob("*.deb")
            run("dpkg-deb", "-x", archive, folder)
        return folder


def fetch(names: Iterable[str]) -> None:
    """Fetch each peer from the newest of its suites whose build runs here."""
    mirror = find_mirror()
    missing = list(names)
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        apt = Apt(mirror, Path(folder))
        for suite in SUITES:
            if wanted := [name for name in missing if suite in PEERS[name].suites]:
                there = fetch_from(suite, apt, wanted)
                missing = [name for name in missing if name not in there]


def fetch_from(suite: str, apt: Apt, names: Iterable[str]) -> list[str]:
    """Fetch peers from one suite; give those that it has and that run."""
    try:
        apt.use_suite(suite)
    except UnobtainableError as reason:
        print(f"peers: {suite}: {reason}")
        return []
    return [name for name in names if fetch_one(apt, name, suite)]


def fetch_one(apt: Apt, name: str, suite: str) -> bool:
    """Fetch one peer; tell whether it is there now and runs."""
    peer = PEERS[name]
    reasons = []
    for package in peer.packages:
        try:
            unpacked = apt.unpack(package, suite) / "usr"
        except UnobtainableError as reason:
            reasons.append(str(reason))
            continue
        if version(peer, unpacked / "bin" / peer.program) is not None:
            put(unpacked, peer)
            return True
        reasons.append(f"the program in the package {package} does not run here")
    print(f"peers: {suite}: {name}: {'; '.join(reasons)}")
    return False


def put(unpacked: Path, peer: Peer) -> None:
    """Copy a program, or what it is a link to, and its files; never is half of a program there."""
    peer.fetched.parent.mkdir(parents=True, exist_ok=True)
    (peer.room / peer.files).mkdir(parents=True, exist_ok=True)
    if peer.files and (unpacked / peer.files).exists():
        shutil.copytree(unpacked / peer.files, peer.room / peer.files, dirs_exist_ok=True)
    whole = peer.fetched.with_name(f".{peer.program}")
    shutil.copy2(unpacked / "bin" / peer.program, whole)
    whole.replace(peer.fetched)


def main() -> int:
    """Fetch what is not there, say what there is, and fail under CI=true when one is missing."""
    wanted = [name for name, peer in PEERS.items() if not peer.is_here()]
    if wanted:
        try:
            fetch(wanted)
        except UnobtainableError as reason:
            print(f"peers: nothing fetched: {reason}")
    in_ci = os.environ.get("CI") == "true"
    absent = f"missing: its tests {'fail' if in_ci else 'are skipped'}"
    found = {name: locate(name) for name in PEERS}
    for name, path in found.items():
        said = path and version(PEERS[name], path)
        print(f"peers: {name}: {absent if said is None else said or 'runs, and says no version'}")
    return int(in_ci and None in found.values())


if __name__ == "__main__":
    sys.exit(main())
