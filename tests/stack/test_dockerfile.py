"""What the Dockerfile installs, and what it leaves out."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch

from tests.child import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
INSTRUCTIONS = [
    re.sub(r"\s+", " ", line)
    for line in re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    .replace("\\\n", " ")
    .splitlines()
    if line
]


def stages() -> dict[str, list[str]]:
    """The instructions of each stage, by its name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in INSTRUCTIONS:
        if line.startswith("FROM "):
            name = line.rpartition(" AS ")[2]
        found.setdefault(name, []).append(line)
    return found


def test_everything_is_installed_from_the_locks() -> None:
    """Both locks are installed with their hashes, and nothing but them and the project."""
    installs = [
        part
        for line in INSTRUCTIONS
        for part in line.split("&&")
        if re.search(r"pip.* install", part)
    ]
    from_locks = {
        lock: re.findall(r"-r (\S+)", part)
        for part in installs
        for lock in re.findall(r"-r (\S+)", part)
        if "--require-hashes" in part and "--only-binary :all:" in part
    }
    assert set(from_locks) == {"requirements.lock", "requirements-build.lock"}
    (own,) = [part for part in installs if "--require-hashes" not in part]
    assert "--no-index --no-deps /wheels/*.whl" in own


def test_what_runs_has_no_pip_and_no_user_with_rights() -> None:
    """The last stage is the default: nobody, without anything that installs."""
    names = list(stages())
    assert names == ["", "build", "base", "perf", "runtime"]
    assert stages()["runtime"] == ["FROM base AS runtime", "USER 65534:65534"]
    assert "rm -rf /usr/local/bin/pip*" in stages()["base"][1]
    assert not [line for name in ("base", "runtime") for line in stages()[name] if "apt" in line]
    assert stages()["perf"][-1] == "USER 0:0"


def test_no_shell_is_needed_to_run_it() -> None:
    """The program and its check are started as they are."""
    for word in ("ENTRYPOINT ", "CMD ", "HEALTHCHECK "):
        (line,) = [line for line in INSTRUCTIONS if line.startswith(word)]
        assert json.loads(line[line.index("[") :])


def test_the_base_is_named_with_its_release() -> None:
    """The base is one release of Python on one of Debian, of those that the project supports."""
    named = re.search(r"\nARG PYTHON_IMAGE=python:(3\.[0-9]+)-slim-[a-z]+\n", DOCKERFILE)
    assert named
    classifier = f'"Programming Language :: Python :: {named[1]}"'
    assert classifier in (REPOSITORY / "pyproject.toml").read_text()


def test_the_context_holds_what_is_copied_and_no_secrets() -> None:
    """.dockerignore leaves everything out but what the Dockerfile copies."""
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    lines = [line for line in ignored if line and not line.startswith("#")]
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        word
        for line in stages()["build"]
        if line.startswith("COPY ")
        for word in line.split()[1:-1]
    }
    assert kept == copied
    assert not [name for name in kept if fnmatch(name, "secrets*")]
    assert all((REPOSITORY / name).exists() for name in kept)
