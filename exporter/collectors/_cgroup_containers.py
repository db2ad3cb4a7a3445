"""Which container a control group is, as the well-known forms of paths tell.

By the drivers `systemd` and `cgroupfs` of docker, containerd (cri), cri-o, podman and Kubernetes:

    /system.slice/docker-<id>.scope                  /docker/<id>
    /machine.slice/libpod-<id>.scope                 /libpod_parent/libpod-<id>
    /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/crio-<id>.scope
    /kubepods/burstable/pod<uid>/<id>
    /system.slice/containerd.service/kubepods-burstable-pod<uid>.slice:cri-containerd:<id>

A guaranteed pod lies directly below kubepods. systemd does not take dashes in the uid: there they
are underscores.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ID = r"(?:(?:docker|cri-containerd|crio|libpod|nerdctl)-|[^/]+:[a-z-]+:)?[0-9a-f]{64}(?:\.scope)?"
"""The last part of a container's path; those of its monitor (crio-conmon-...) are others."""

_ID = re.compile(r"(?:(?P<prefix>[a-z-]+)-|.+:(?P<name>[a-z-]+):)?(?P<id>[0-9a-f]{64})(?:\.scope)?")
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?![0-9a-f])")
_QOS = re.compile(r"kubepods[-/](burstable|besteffort)\b")

RUNTIMES = {"cri-containerd": "containerd", "crio": "cri-o", "libpod": "podman"}
"""As Kubernetes writes them (containerd://...), where that differs from the path."""


class Container(NamedTuple):
    """What a path tells; an empty text is what it does not."""

    runtime: str
    container_id: str
    pod_uid: str
    qos: str


def parse_container(path: str) -> Container | None:
    """Tell the container of a path, when its last part is that of one."""
    parent, _, last = path.rpartition("/")
    found = _ID.fullmatch(last) if re.fullmatch(ID, last) else None
    if found is None:
        return None
    prefix = found["prefix"] or found["name"] or ""
    if not prefix and parent.endswith("/docker"):
        prefix = "docker"
    pod = _POD.search(path)
    qos = _QOS.search(path)
    return Container(
        RUNTIMES.get(prefix, prefix),
        found["id"],
        pod[1].replace("_", "-") if pod else "",
        qos[1] if qos else "guaranteed" if pod else "",
    )
