"""Bring the stack up under a real Docker engine, break it, and say what held.

By hand, as root:

    make peers
    .venv/bin/python -m tools.try_compose               # images are pulled and built
    .venv/bin/python -m tools.try_compose --stand-ins   # without a registry: see stand_ins/

It works on a copy of the project with a name, ports and secrets of its own, and takes everything
down again. The images perfwatch:* of this version are built anew. --stand-ins gives other images
the names of the official ones: only in an engine that you throw away. Root is needed to kill the
programs inside. The ports have to be reachable here, at 127.0.0.1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml

from tools.fetch_peers import HOME as PEERS
from tools.try_compose.stack import PERF, STACK, Stack, run
from tools.try_compose.steps import (
    counts_events,
    has_no_rights,
    has_profiles,
    scrapes_and_alerts,
    sees_the_host,
    survives_crashes,
    tells_of_a_stop,
)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def build_stand_ins(folder: Path) -> None:
    """Give the official names to images made of Debian's programs."""
    context = folder / "stand_ins"
    shutil.copytree(HERE / "stand_ins", context)
    shutil.copytree(PEERS / "root" / "usr", context, dirs_exist_ok=True)
    services = yaml.safe_load((ROOT / STACK).read_text())["services"]
    for name, service in services.items():
        if name != "exporter":
            tag = ("--tag", service["image"])
            run("docker", "build", "--quiet", "--network=none", "--target", name, *tag, context)
    print("stand-ins built: Grafana, Loki and Alloy only answer their health checks")


def attempt(folder: Path, arguments: argparse.Namespace) -> None:
    """Do everything in order; what fails ends it."""
    if arguments.stand_ins:
        build_stand_ins(folder)
    project = folder / "project"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "secrets", "tests", "__pycache__")
    shutil.copytree(ROOT, project, ignore=left_out)
    (project / "secrets").mkdir()
    run(sys.executable, project / "tools" / "make_secrets.py")
    stack = Stack(project)
    try:
        if not arguments.no_build:
            stack.compose("build", files=(STACK,))
            stack.compose("build", files=(STACK, PERF))
        began = time.monotonic()
        stack.up()
        print(f"all healthy after {time.monotonic() - began:.0f} s")
        for step in (sees_the_host, has_no_rights, scrapes_and_alerts):
            print(step(stack))
        for line in survives_crashes(stack):
            print(line)
        for step in (tells_of_a_stop, has_profiles, counts_events):
            print(step(stack))
    finally:
        stack.compose("--profile", "*", "down", "--volumes", files=(STACK, PERF))


def main() -> int:
    """Try it, and say what held and what did not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stand-ins", action="store_true", help="make images without a registry")
    parser.add_argument("--no-build", action="store_true", help="the images perfwatch:* are there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            attempt(Path(folder), arguments)
        except RuntimeError as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print("all of it held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
