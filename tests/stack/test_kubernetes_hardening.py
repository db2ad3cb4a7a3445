"""What the pods may do: nothing that they do not need, by the rules of Pod Security and by ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kubernetes import (
    VARIANTS,
    Object,
    build,
    container_of,
    name_of,
    of_kind,
    pod_of,
    workloads,
)

EVERY = pytest.mark.parametrize("name", ["perfwatch", "perfwatch-perf", "perfwatch-iris"])

HARMLESS_VOLUMES = {"configMap", "emptyDir", "projected", "secret"}


def violations(pod: Object) -> Iterator[str]:
    """List what the profile `restricted` of Pod Security forbids a pod; `baseline` is part of it.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    for volume in pod["volumes"]:
        yield from volume.keys() - {"name"} - HARMLESS_VOLUMES
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        if any("hostPort" in port for port in container["ports"]):
            yield "hostPort"
        # What the container does not say, the pod says for it.
        yield from violations_of_process(pod["securityContext"] | container["securityContext"])


def violations_of_process(security: Object) -> Iterator[str]:
    """List what a container's process may do that it must not."""
    capabilities = security["capabilities"]
    rules = {
        "privileged": not security.get("privileged"),
        "allowPrivilegeEscalation": security.get("allowPrivilegeEscalation") is False,
        "may be root": security.get("runAsNonRoot") is True,
        "is root": security["runAsUser"] != 0,
        "keeps capabilities": capabilities["drop"] == ["ALL"],
        "seccomp": security["seccompProfile"]["type"] == "RuntimeDefault",
    }
    yield from (rule for rule, obeyed in rules.items() if not obeyed)
    yield from set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("perfwatch", {"hostPath"}),
        ("perfwatch-perf", {"is root", "may be root", "PERFMON"}),
        ("perfwatch-iris", set()),
    ],
)
def test_pods_break_no_rule_of_pod_security_but_these(name: str, expected: set[str]) -> None:
    """Each exception is what the pod is for, and its namespace says whether there is one."""
    workload = workloads()[name]
    assert set(violations(pod_of(workload))) == expected
    namespaces = {
        one["metadata"]["name"]: one["metadata"]["labels"]
        for one in of_kind(build("overlays/iris"), "Namespace")
    }
    labels = namespaces[workload["metadata"]["namespace"]]
    profile = "privileged" if expected else "restricted"
    prefix = "pod-security.kubernetes.io"
    assert {labels[f"{prefix}/{mode}"] for mode in ("enforce", "warn", "audit")} == {profile}


@EVERY
def test_who_is_root_does_not_see_the_node(name: str) -> None:
    """Root with the node's files would own the node: read-only mounts keep no socket closed."""
    pod = pod_of(workloads()[name])
    is_root = "is root" in set(violations(pod))
    sees_the_node = any("hostPath" in volume for volume in pod["volumes"])
    assert not (is_root and sees_the_node)


@EVERY
def test_nothing_can_be_written(name: str) -> None:
    """The container's own files and all that is mounted are read-only."""
    container = container_of(workloads()[name])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount.get("readOnly") for mount in container["volumeMounts"]} == {True}


def test_mounts_of_the_node_follow_it() -> None:
    """What the node mounts later is seen, where something is mounted later."""
    workload = workloads()["perfwatch"]
    paths = {
        volume["name"]: volume["hostPath"]["path"]
        for volume in pod_of(workload)["volumes"]
        if "hostPath" in volume
    }
    mounts = {
        paths[mount["name"]]: (mount["mountPath"], mount.get("mountPropagation"))
        for mount in container_of(workload)["volumeMounts"]
        if mount["name"] in paths
    }
    assert mounts == {
        "/proc": ("/host/proc", None),
        "/sys": ("/host/sys", "HostToContainer"),
        "/": ("/host", "HostToContainer"),
    }


@EVERY
def test_a_pod_is_bounded_and_alone(name: str) -> None:
    """It cannot take the node's memory or CPU, and is told nothing about the cluster."""
    pod = pod_of(workloads()[name])
    resources = container_of(workloads()[name])["resources"]
    assert resources["limits"].keys() == resources["requests"].keys() == {"cpu", "memory"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert "env" not in container_of(workloads()[name])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_daemons_have_no_rights_in_the_cluster(variant: str) -> None:
    """Only Prometheus is given something: to find the pods."""
    for account in of_kind(build(variant), "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    assert of_kind(build(variant), "ClusterRole", "ClusterRoleBinding") == []
    for role in of_kind(build(variant), "Role"):
        (rule,) = role["rules"]
        assert rule == {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    for binding in of_kind(build(variant), "RoleBinding"):
        (subject,) = binding["subjects"]
        assert subject["namespace"] == "monitoring"


def test_the_network_lets_in_prometheus_alone() -> None:
    """One policy for all pods of each namespace; only that for IRIS lets out anything."""
    policies = {
        name_of(one): one["spec"] for one in of_kind(build("overlays/iris"), "NetworkPolicy")
    }
    let_out = {
        name: {str(port["port"]) for rule in spec["egress"] for port in rule["ports"]}
        for name, spec in policies.items()
    }
    assert let_out == {
        "NetworkPolicy perfwatch/perfwatch": set(),
        "NetworkPolicy perfwatch-iris/perfwatch-iris": {"53", "1972"},
    }
    for spec in policies.values():
        assert spec["podSelector"] == {}
        assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
        (rule,) = spec["ingress"]
        (source,) = rule["from"]
        assert source.keys() == {"namespaceSelector", "podSelector"}
        assert rule["ports"] == [{"port": "http"}]


def test_two_daemons_never_control_one_instance() -> None:
    """The daemon for IRIS is one, and the old one ends first."""
    spec = workloads()["perfwatch-iris"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_secret_is_built(variant: str) -> None:
    """Passwords come with `kubectl create secret`; the one Secret that is built holds none."""
    names = {one["metadata"]["name"] for one in of_kind(build(variant), "Secret")}
    assert names == ({"perfwatch-alertmanager"} if variant == "alertmanager" else set())
