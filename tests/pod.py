"""A pod without Kubernetes: namespaces, mounts, user and capabilities as its manifest has them.

The files of the image are the interpreter of this machine and this project, below a root of its
own that cannot be written. What is missing is the seccomp profile of an engine, and its limits.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.child import PATIENCE_SECONDS, REPOSITORY
from tests.kubernetes import Object, container_of, pod_of

IMAGE = ("/bin", "/lib", "/lib64", "/usr", sys.base_prefix, str(REPOSITORY))
"""What a program of this project needs, at the place where it is."""

NAMESPACES = ("unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork")

POD_NAME = "perfwatch-x7k2p"


def run_in_pod(workload: Object, folder: Path, configuration: str, *words: str) -> str:
    """Run perfwatch with some words as the only container of a pod; give what it prints.

    Skips the calling test where that takes rights that it does not have, but not as root in CI.
    """
    root = os.geteuid() == 0
    if not root or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        give_up = pytest.fail if root and os.environ.get("CI") == "true" else pytest.skip
        give_up("making a pod by hand takes root, and util-linux")
    (folder / "configuration").mkdir()
    (folder / "configuration" / "perfwatch.yml").write_text(configuration)
    (folder / "root").mkdir()
    script = "\n".join(["set -e", *mounts(workload, folder), *start(workload, folder, words)])
    result = subprocess.run(
        [*NAMESPACES, "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def mounts(workload: Object, folder: Path) -> Iterator[str]:
    """Write the commands that make the container's files, as an engine does."""
    root = folder / "root"
    yield f"mount -t tmpfs -o mode=755 none {root}"
    volumes = {one["name"]: one for one in pod_of(workload)["volumes"]}
    for mount in sorted(container_of(workload)["volumeMounts"], key=lambda one: one["mountPath"]):
        volume = volumes[mount["name"]]
        source = volume["hostPath"]["path"] if "hostPath" in volume else folder / "configuration"
        target = f"{root}{mount['mountPath']}"
        yield f"test -d {target} || mkdir -p {target}"
        yield f"mount --rbind {source} {target}"
        yield f"mount -o remount,bind,ro {target}"
        if mount.get("mountPropagation") == "HostToContainer":
            yield f"mount --make-rslave {target}"
    for path in IMAGE:
        yield f"mkdir -p {root}{path} && mount --bind {path} {root}{path}"
    yield f"mkdir -p {root}/proc {root}/sys {root}/dev && touch {root}/dev/null"
    yield f"mount --bind /dev/null {root}/dev/null"
    yield f"mount -t proc none {root}/proc && mount -t sysfs -o ro none {root}/sys"
    yield f"mount -o remount,ro {root}"


def start(workload: Object, folder: Path, words: tuple[str, ...]) -> Iterator[str]:
    """Write the command that becomes the container's process."""
    security = pod_of(workload)["securityContext"] | container_of(workload)["securityContext"]
    capabilities = ",".join(
        ["-all", *(f"+{name.lower()}" for name in security["capabilities"].get("add", []))]
    )
    become = [
        "chroot",
        str(folder / "root"),
        "setpriv",
        f"--reuid={security['runAsUser']}",
        f"--regid={security['runAsGroup']}",
        "--clear-groups",
        f"--inh-caps={capabilities}",
        f"--bounding-set={capabilities}",
    ]
    if security["allowPrivilegeEscalation"] is False:
        become.append("--no-new-privs")
    program = [sys.executable, "-m", "exporter", *words]
    yield f"hostname {POD_NAME}"
    yield "exec " + shlex.join([*become, *program])
