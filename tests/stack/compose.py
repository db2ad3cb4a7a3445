"""What docker-compose makes of the compose files, for tests of it. No engine is needed."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.child import REPOSITORY
from tests.peers import find_peer

STACK = "docker-compose.monitoring.yml"
OVERLAYS = ("docker-compose.perf.yml", "docker-compose.iris.yml")

COMBINATIONS = [
    (STACK,),
    (STACK, OVERLAYS[0]),
    (STACK, OVERLAYS[1]),
    (STACK, *OVERLAYS),
]
"""What can be started together, with all profiles."""

FILLED_IN = {"IRIS_HOST": "db1", "IRIS_USERNAME": "perfwatch"}
"""What the overlays ask for."""

Service = dict[str, Any]

ALL = [
    (files, name)
    for files in COMBINATIONS
    for name in {
        name: None
        for file in files
        for name in yaml.safe_load((REPOSITORY / file).read_text())["services"]
    }
]
"""Every service of every combination."""


def compose(
    *words: str, files: tuple[str, ...] = (STACK,), variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run docker-compose with some of the project's files, and nothing of this machine's."""
    chosen = [word for name in files for word in ("--file", str(REPOSITORY / name))]
    return subprocess.run(
        [find_peer("docker-compose"), *chosen, "--env-file", os.devnull, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "HOME": "/nonexistent"} | (variables or {}),
    )


@functools.cache
def model(files: tuple[str, ...]) -> dict[str, Any]:
    """The whole model of a combination, once for all tests: they only look at it."""
    done = compose("--profile", "*", "config", "--format", "json", files=files, variables=FILLED_IN)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "docker-compose warns"
    whole: dict[str, Any] = json.loads(done.stdout)
    return whole


def services(files: tuple[str, ...] = (STACK,)) -> dict[str, Service]:
    """The services of a combination, by name."""
    found: dict[str, Service] = model(files)["services"]
    return found


def lay_out(service: Service, folder: Path) -> None:
    """Put below a folder what a service has mounted, later mounts over earlier ones."""
    for mount in service["volumes"]:
        place = folder / mount["target"].lstrip("/")
        if mount["type"] == "volume":
            place.mkdir(parents=True)
        elif Path(mount["source"]).is_relative_to(REPOSITORY):
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(mount["source"], place)


def moved(words: list[str], folder: Path) -> list[str]:
    """A command line with the paths of a container put below a folder."""
    return [
        word.replace("=/", f"={folder}/", 1) if "=/" in word and "://" not in word else word
        for word in words
    ]
