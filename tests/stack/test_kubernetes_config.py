"""The configuration of the pods, as the real daemon takes it."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.child import REPOSITORY
from tests.daemon import start_daemon
from tests.expositions import values
from tests.kubernetes import (
    Object,
    build,
    configuration_of,
    container_of,
    pod_of,
    variants_of,
    workloads,
)
from tests.peers import find_peer

PASSWORD = "/run/secrets/perfwatch/password"

EVERY = pytest.mark.parametrize("name", ["perfwatch", "perfwatch-perf", "perfwatch-iris"])


def configuration(name: str) -> str:
    """The configuration file of a workload's pods."""
    return configuration_of(workloads()[name], next(variants_of(name)))


def mount_secret(folder: Path) -> Path:
    """Put a password where a kubelet puts it: behind two links, readable by its group."""
    version = folder / "..2026_11_22"
    version.mkdir()
    (version / "password").write_text("correct horse\n")
    (version / "password").chmod(0o440)
    (folder / "..data").symlink_to(version.name)
    (folder / "password").symlink_to("..data/password")
    return folder / "password"


def perfwatch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    command = [sys.executable, "-m", "exporter", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)


@EVERY
def test_the_daemon_accepts_its_configuration(name: str, tmp_path: Path) -> None:
    """Whether it is that of all nodes, of perf, or of IRIS with its password."""
    path = tmp_path / "perfwatch.yml"
    path.write_text(configuration(name).replace(PASSWORD, str(mount_secret(tmp_path))))
    result = perfwatch("check-config", path)
    assert result.returncode == 0, result.stderr
    assert "is valid" in result.stdout


@EVERY
def test_the_file_is_where_the_command_line_says(name: str) -> None:
    """The image's program is told of the file that the ConfigMap becomes."""
    container = container_of(workloads()[name])
    assert container["args"] == ["run", "--config.file=/etc/perfwatch/perfwatch.yml"]
    assert "command" not in container
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "configuration")
    assert mount["mountPath"] == "/etc/perfwatch"
    entry = 'ENTRYPOINT ["/opt/perfwatch/bin/perfwatch"]'
    assert entry in (REPOSITORY / "Dockerfile").read_text()


@EVERY
def test_it_listens_where_the_port_is(name: str) -> None:
    """All addresses of the pod, on the port that the container has."""
    (port,) = container_of(workloads()[name])["ports"]
    settings = yaml.safe_load(configuration(name))
    assert settings["web"]["listen_address"] == f":{port['containerPort']}"


def test_it_looks_where_the_node_is_mounted() -> None:
    """Each of the three paths is a mount of what it stands for."""
    workload = workloads()["perfwatch"]
    mounts = {one["name"]: one["mountPath"] for one in container_of(workload)["volumeMounts"]}
    node = {
        volume["hostPath"]["path"]: mounts[volume["name"]]
        for volume in pod_of(workload)["volumes"]
        if "hostPath" in volume
    }
    paths = yaml.safe_load(configuration("perfwatch"))["path"]
    assert node == {"/proc": paths["procfs"], "/sys": paths["sysfs"], "/": paths["rootfs"]}


def test_the_password_is_where_the_daemon_looks() -> None:
    """The Secret that people create has the key that the configuration names."""
    workload = workloads()["perfwatch-iris"]
    (volume,) = (one for one in pod_of(workload)["volumes"] if "secret" in one)
    assert volume["secret"] == {"secretName": "perfwatch-iris", "defaultMode": 0o440}
    (mount,) = (
        one for one in container_of(workload)["volumeMounts"] if one["name"] == volume["name"]
    )
    settings = yaml.safe_load(configuration("perfwatch-iris"))["iris"]
    assert settings["password_file"] == f"{mount['mountPath']}/password" == PASSWORD
    create = "kubectl create secret generic perfwatch-iris --namespace perfwatch-iris"
    assert create in (REPOSITORY / "docs" / "kubernetes.md").read_text()


def test_the_node_is_shown_without_its_pods(tmp_path: Path) -> None:
    """Interfaces and mounts of pods are left out, the node's own stay."""
    settings = yaml.safe_load(configuration("perfwatch"))
    settings["path"] = {"procfs": str(make_node(tmp_path)), "sysfs": str(tmp_path)}
    path = tmp_path / "perfwatch.yml"
    path.write_text(yaml.safe_dump(settings))
    with start_daemon(f"--config.file={path}", "--web.listen-address=127.0.0.1:0") as daemon:
        page = values(daemon.get("/metrics").body)
    assert label_values(page, "node_network_receive_bytes_total", "device") == {
        "lo",
        "eth0",
        "ens5",
        "cni0",
    }
    assert label_values(page, "node_filesystem_device_error", "mountpoint") == {
        "/",
        "/data",
        "/var/lib/kubelet",
    }


def label_values(
    page: Iterable[tuple[str, frozenset[tuple[str, str]]]], metric: str, label: str
) -> set[str]:
    """The values of a label in the series of a metric."""
    return {dict(labels)[label] for name, labels in page if name == metric}


def make_node(folder: Path) -> Path:
    """A procfs with interfaces and mounts as a node has them."""
    process = folder / "proc" / "1"
    (process / "net").mkdir(parents=True)
    (folder / "proc" / "self").symlink_to("1")
    (folder / "proc" / "net").symlink_to("1/net")
    devices = ("lo", "eth0", "ens5", "cni0", "veth1a2b", "cali0123", "lxc_health", "eni0a1b2c3d4e5")
    lines = [f"{name}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0" for name in devices]
    counters = "bytes packets errs drop fifo frame compressed multicast"
    lines[:0] = ["Inter-|   Receive  |  Transmit", f" face |{counters}|{counters}"]
    (process / "net" / "dev").write_text("\n".join(lines) + "\n")
    mounts = (
        "/",
        "/data",
        "/var/lib/kubelet",
        "/var/lib/kubelet/pods/1/volumes/kubernetes.io~csi/pv/mount",
        "/run/containerd/io.containerd.runtime.v2.task/k8s.io/1/rootfs",
        "/run/netns/cni-1",
    )
    table = [
        f"{number} 1 8:{number} / {mount} rw - ext4 /dev/sd{number} rw"
        for number, mount in enumerate(mounts, 20)
    ]
    (process / "mountinfo").write_text("\n".join(table) + "\n")
    return folder / "proc"


def test_alertmanager_accepts_its_configuration(tmp_path: Path) -> None:
    """What the Secret holds is valid, once its paths are those of this machine."""
    (secret,) = build("alertmanager")
    files = unpack(secret, tmp_path)
    text = files["alertmanager.yaml"].read_text()
    text = text.replace("/etc/alertmanager/config/", f"{tmp_path}/")
    files["alertmanager.yaml"].write_text(text)
    result = subprocess.run(
        [find_peer("amtool"), "check-config", files["alertmanager.yaml"]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 templates\n  SUCCESS" in result.stdout


def unpack(secret: Object, folder: Path) -> dict[str, Path]:
    """Write a Secret's files as they are mounted."""
    paths = {name: folder / name for name in secret["data"]}
    for name, text in secret["data"].items():
        paths[name].write_bytes(base64.b64decode(text))
    return paths
