"""What kustomize builds for Kubernetes: valid by the schemas, and its parts fit each other."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from exporter import __version__
from tests.child import REPOSITORY
from tests.kubernetes import (
    DEPLOY,
    VARIANTS,
    Object,
    build,
    container_of,
    name_of,
    of_kind,
    pod_of,
    variants_of,
    workloads,
)
from tests.prometheus import ALERT_RULES, RECORDING_RULES
from tools.generate_kubernetes import LEFT_OUT

OLDEST = "1.25"
"""The oldest Kubernetes whose schema is at hand."""

CUSTOM = {"PodMonitor", "PrometheusRule"}

SELECTOR: Object = {"matchLabels": None}
RELABELLING = dict.fromkeys(["sourceLabels", "targetLabel", "regex", "replacement", "action"])
FIELDS: dict[str, Object] = {
    "PodMonitor": {
        "selector": SELECTOR,
        "podMetricsEndpoints": {
            "port": None,
            "path": None,
            "interval": None,
            "scrapeTimeout": None,
            "relabelings": RELABELLING,
            "metricRelabelings": RELABELLING,
        },
    },
    "PrometheusRule": {
        "groups": {
            "name": None,
            "interval": None,
            "limit": None,
            "labels": None,
            "query_offset": None,
            "rules": dict.fromkeys(
                ["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"]
            ),
        }
    },
}
"""The fields of Prometheus Operator's objects (0.91) that are used here or may well be; what is
below None is not looked at."""

EVERY_VARIANT = pytest.mark.parametrize("variant", VARIANTS)

MIB = 1024 * 1024


def all_objects() -> dict[str, Object]:
    """Each object of any variant once."""
    return {json.dumps(one, sort_keys=True): one for variant in VARIANTS for one in build(variant)}


def unknown_fields(value: Any, known: Object | None, where: str) -> Iterator[str]:
    """List the fields that nobody knows."""
    if known is None:
        return
    if isinstance(value, list):
        for one in value:
            yield from unknown_fields(one, known, where)
        return
    assert isinstance(value, dict), f"{where} is {value!r}"
    for key, inner in value.items():
        path = f"{where}.{key}"
        if key not in known:
            yield path
        else:
            yield from unknown_fields(inner, known[key], path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_kubernetes_accepts_every_object(version: str) -> None:
    """The schemas of the oldest and the newest Kubernetes know each field and its type."""
    for one in all_objects().values():
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


def test_the_schemas_refuse_what_is_wrong() -> None:
    """A misspelt field is found, so the test above can fail."""
    (daemon_set,) = of_kind(build("base"), "DaemonSet")
    wrong = json.loads(json.dumps(daemon_set))
    pod_of(wrong)["hostPid"] = False
    with pytest.raises(kubernetes_validate.ValidationError, match="hostPid"):
        kubernetes_validate.validate(wrong, OLDEST, strict=True)


def test_custom_resources_have_known_fields_only() -> None:
    """A field that the operator does not know would be dropped without a word."""
    found = of_kind(list(all_objects().values()), *CUSTOM)
    assert {one["kind"] for one in found} == CUSTOM
    for one in found:
        assert one["apiVersion"] == "monitoring.coreos.com/v1"
        assert list(unknown_fields(one["spec"], FIELDS[one["kind"]], name_of(one))) == []


@EVERY_VARIANT
def test_no_object_stands_twice(variant: str) -> None:
    """Of two with one name, the cluster would keep the last."""
    names = [name_of(one) for one in build(variant)]
    assert len(names) == len(set(names))


@EVERY_VARIANT
def test_every_namespace_is_there(variant: str) -> None:
    """Each object lies in a namespace of ours, which comes with it."""
    ours = {one["metadata"]["name"] for one in of_kind(build(variant), "Namespace")}
    used = {one["metadata"].get("namespace") for one in build(variant)} - {None}
    # The Secret for Alertmanager belongs where that is.
    assert used == (ours or {"monitoring"})


def matches(selector: Object, labels: Object) -> bool:
    """Whether labels are selected."""
    return selector.items() <= labels.items()


def test_selectors_find_their_pods_and_no_others() -> None:
    """Workloads and the Service select one kind of pods each, PodMonitors a namespace."""
    found: dict[str, set[str]] = {}
    pods = {
        name: (one["metadata"]["namespace"], one["spec"]["template"]["metadata"]["labels"])
        for name, one in workloads().items()
    }
    for one in all_objects().values():
        selector = one["spec"].get("selector") if "spec" in one else None
        if selector:
            labels = selector.get("matchLabels", selector)
            found[name_of(one)] = {
                name
                for name, (namespace, pod) in pods.items()
                if namespace == one["metadata"]["namespace"] and matches(labels, pod)
            }
    assert found == {
        "DaemonSet perfwatch/perfwatch": {"perfwatch"},
        "DaemonSet perfwatch/perfwatch-perf": {"perfwatch-perf"},
        "Deployment perfwatch-iris/perfwatch-iris": {"perfwatch-iris"},
        "Service perfwatch/perfwatch": {"perfwatch"},
        "PodMonitor perfwatch/perfwatch": {"perfwatch", "perfwatch-perf"},
        "PodMonitor perfwatch-iris/perfwatch-iris": {"perfwatch-iris"},
    }


def named_ports(value: Any) -> Iterator[str]:
    """The names of ports that anything refers to."""
    if isinstance(value, list):
        for one in value:
            yield from named_ports(one)
    elif isinstance(value, dict):
        referring = (value[key] for key in ("port", "targetPort") if key in value)
        yield from (port for port in referring if isinstance(port, str))
        for inner in value.values():
            yield from named_ports(inner)


def test_named_ports_exist() -> None:
    """Probes, Service, PodMonitors and policies name the port that each container has."""
    for workload in workloads().values():
        ports = container_of(workload)["ports"]
        assert ports == [{"name": "http", "containerPort": 10100}]
    assert {name for one in all_objects().values() for name in named_ports(one)} == {"http"}


@pytest.mark.parametrize("name", ["perfwatch", "perfwatch-perf", "perfwatch-iris"])
def test_pods_refer_to_what_is_there(name: str) -> None:
    """Account, priority class and configuration come with each variant that has the pods."""
    variants = list(variants_of(name))
    assert variants
    for objects in variants:
        (workload,) = (
            one
            for one in objects
            if one["metadata"]["name"] == name and "template" in one.get("spec", {})
        )
        pod, namespace = pod_of(workload), workload["metadata"]["namespace"]
        there = {name_of(one) for one in objects}
        assert f"ServiceAccount {namespace}/{pod['serviceAccountName']}" in there
        if "priorityClassName" in pod:
            assert f"PriorityClass -/{pod['priorityClassName']}" in there
        (maps,) = (one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one)
        assert f"ConfigMap {namespace}/{maps}" in there


def test_images_are_those_of_this_version() -> None:
    """A release does not install the one before it."""
    images = {name: container_of(one)["image"] for name, one in workloads().items()}
    assert images == {
        "perfwatch": f"perfwatch:{__version__}",
        "perfwatch-perf": f"perfwatch-perf:{__version__}",
        "perfwatch-iris": f"perfwatch:{__version__}",
    }


def test_nothing_is_too_big() -> None:
    """Kubernetes takes objects of data up to 1 MiB."""
    for one in of_kind(list(all_objects().values()), "ConfigMap", "Secret"):
        assert sum(len(text) for text in one["data"].values()) < MIB, name_of(one)


def test_the_rules_are_those_of_prometheus() -> None:
    """Each file of rules, but those left out, is a PrometheusRule with exactly its groups."""
    rules = {
        one["metadata"]["name"]: one["spec"] for one in of_kind(build("base"), "PrometheusRule")
    }
    assert rules == {
        f"perfwatch-{path.stem.replace('_', '-')}": yaml.safe_load(path.read_text())
        for path in (*ALERT_RULES, *RECORDING_RULES)
        if path.name not in LEFT_OUT
    }
    assert LEFT_OUT.keys() <= {path.name for path in ALERT_RULES}


@pytest.mark.parametrize("variant", ["base", "overlays/plain"])
def test_every_dashboard_is_there(variant: str) -> None:
    """Each has a ConfigMap that Grafana's sidecar looks for, with the file as it is."""
    folder = REPOSITORY / "config" / "monitoring" / "grafana" / "dashboards"
    maps = [
        one
        for one in of_kind(build(variant), "ConfigMap")
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    files = {name: text for one in maps for name, text in one["data"].items()}
    assert len(maps) == len(files)
    assert files == {f"perfwatch-{path.name}": path.read_text() for path in folder.glob("*.json")}


def test_without_the_operator_nothing_of_it_is_there() -> None:
    """The variant `plain` needs no custom resources, and says where the metrics are."""
    objects = build("overlays/plain")
    assert of_kind(objects, *CUSTOM) == []
    (daemon_set,) = of_kind(objects, "DaemonSet")
    annotations = daemon_set["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "10100",
        "prometheus.io/path": "/metrics",
    }
    only_there = {name_of(one) for one in build("base")} - {name_of(one) for one in objects}
    assert {name.split()[0] for name in only_there} == CUSTOM


def test_no_file_is_forgotten() -> None:
    """Each file of deploy/kubernetes/ is read by a kustomization, or is the example."""
    found = {path for path in DEPLOY.rglob("*.y*ml") if path.name != "kustomization.yaml"}
    found.remove(DEPLOY / "prometheus-scrape.yml")
    listed = set()
    for path in DEPLOY.rglob("kustomization.yaml"):
        read = yaml.safe_load(path.read_text())
        makers = read.get("configMapGenerator", []) + read.get("secretGenerator", [])
        names = [*read.get("resources", []), *(file for one in makers for file in one["files"])]
        listed |= {path.parent / name for name in names}
    assert found <= listed


def test_alertmanager_gets_its_configuration_and_all_templates() -> None:
    """One Secret has both, and the configuration no path that is not there."""
    (secret,) = build("alertmanager")
    files = {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
    templates = (REPOSITORY / "config" / "monitoring" / "alertmanager").glob("*.tmpl")
    expected = {path.name: path.read_text() for path in templates}
    configuration = files.pop("alertmanager.yaml")
    assert expected
    assert files == expected
    assert "/run/secrets" not in configuration
    assert yaml.safe_load(configuration)["templates"] == ["/etc/alertmanager/config/*.tmpl"]
