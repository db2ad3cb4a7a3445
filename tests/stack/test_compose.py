"""The compose files as docker-compose and the specification's own checker see them."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import exporter
from exporter.life import CLOSING_SECONDS, GRACE_SECONDS
from monitoring.correlation import correlation_context
from monitoring.structured_logging import StructuredLogger, configure
from tests.child import REPOSITORY
from tests.logs import records
from tests.peers import find_peer
from tests.stack.compose import COMBINATIONS, FILLED_IN, OVERLAYS, STACK, compose, model, services
from tools.make_secrets import GRAFANA, HOME, IRIS
from tools.make_secrets import STACK as OF_STACK

ALWAYS = {"exporter", "prometheus", "alertmanager", "grafana"}
PROFILES = {"compare": {"node-exporter"}, "logs": {"loki", "alloy"}}


@pytest.mark.parametrize("profile", ["", *PROFILES, "*"])
@pytest.mark.parametrize("files", COMBINATIONS, ids="+".join)
def test_compose_accepts_every_combination(files: tuple[str, ...], profile: str) -> None:
    """docker-compose finds nothing wrong, and nothing to warn of."""
    chosen = ("--profile", profile) if profile else ()
    done = compose(*chosen, "config", "--quiet", files=files, variables=FILLED_IN)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("files", COMBINATIONS, ids="+".join)
def test_the_specification_accepts_every_combination(files: tuple[str, ...]) -> None:
    """The checker of the compose specification accepts the files, one over the other."""
    done = subprocess.run(
        [find_peer("compose-spec"), "-no-interpolation", *files],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_profile_adds_its_services_and_nothing_else() -> None:
    """Without a profile the four services run that everybody needs."""
    for profile, added in {"": set[str](), **PROFILES}.items():
        chosen = ("--profile", profile) if profile else ()
        done = compose(*chosen, "config", "--services")
        assert set(done.stdout.split()) == ALWAYS | added


def test_what_iris_needs_is_asked_for() -> None:
    """Without the instance's host and user the overlay says what is missing, and where to read."""
    for missing, what in {"IRIS_HOST": "the host", "IRIS_USERNAME": "the user"}.items():
        given = {name: value for name, value in FILLED_IN.items() if name != missing}
        done = compose("config", "--quiet", files=(STACK, OVERLAYS[1]), variables=given)
        assert done.returncode != 0
        assert missing in done.stderr
        assert what in done.stderr
        assert "docs/containers.md" in done.stderr


def test_the_image_is_that_of_this_version() -> None:
    """Name and label of the image say which version is in it."""
    both = services((STACK, OVERLAYS[0]))
    for name, suffix, target in (("exporter", "", "runtime"), ("perf", "-perf", "perf")):
        assert both[name]["image"] == f"perfwatch:{exporter.__version__}{suffix}"
        assert both[name]["build"]["args"]["VERSION"] == exporter.__version__
        assert both[name]["build"]["target"] == target


def test_every_mounted_file_is_in_the_repository() -> None:
    """Compose would put an empty directory where a file is missing."""
    for files in COMBINATIONS:
        for name, service in services(files).items():
            for mount in service.get("volumes", []):
                source = Path(mount["source"])
                if mount["type"] == "bind" and source.is_relative_to(REPOSITORY):
                    assert source.is_dir(), f"{name}: {source}"


def test_every_declaration_is_used_and_every_use_declared() -> None:
    """Networks, volumes and secrets: what is declared is mounted, and the other way round."""
    for files in COMBINATIONS:
        whole = model(files)
        mounts = [
            (service, mount)
            for service in services(files).values()
            for mount in service.get("volumes", [])
        ]
        used = {
            "volumes": {mount["source"] for _, mount in mounts if mount["type"] == "volume"},
            "networks": {name for s in services(files).values() for name in s["networks"]},
            "secrets": {
                one["source"] for s in services(files).values() for one in s.get("secrets", [])
            },
        }
        for kind, names in used.items():
            assert set(whole[kind]) == names, kind


def test_secrets_come_from_files_that_make_secrets_makes() -> None:
    """Each is a file below secrets/, which git does not see, and is in no variable."""
    made = {secret.name for secret in (GRAFANA, *OF_STACK)}
    for files in COMBINATIONS:
        declared = model(files)["secrets"]
        expected = made | ({IRIS.name} if OVERLAYS[1] in files else set())
        assert {name: one["file"] for name, one in declared.items()} == {
            name: str(HOME / name) for name in expected
        }
    assert "/secrets/" in (REPOSITORY / ".gitignore").read_text().splitlines()
    texts = [json.dumps(service.get("environment", {})) for service in services().values()]
    named = re.findall(r"[^\"]*(?:PASSWORD|SECRET|TOKEN)[^\"]*\": \"([^\"]*)", " ".join(texts))
    assert all(value.startswith("/run/secrets/") for value in named)


def test_secrets_that_alertmanager_reads_are_mounted() -> None:
    """Each file below /run/secrets that its configuration names is one of its secrets."""
    text = (REPOSITORY / "config" / "monitoring" / "alertmanager.yml").read_text()
    read = set(re.findall(r"/run/secrets/(\w+)", text))
    mounted = {one["source"] for one in services()["alertmanager"]["secrets"]}
    assert read == mounted


def test_a_daemon_has_time_to_stop() -> None:
    """Docker waits for longer than the daemon takes with scrapes in flight, and then kills it."""
    for files in COMBINATIONS:
        for service in services(files).values():
            if service["image"].startswith("perfwatch:"):
                seconds = float(service["stop_grace_period"].removesuffix("s"))
                assert seconds > GRACE_SECONDS + CLOSING_SECONDS


def test_one_daemon_tells_about_itself() -> None:
    """Two under one name would be joined many to many, and drawn as one."""
    silent = "--web.disable-exporter-metrics"
    both = services((STACK, OVERLAYS[0]))
    assert {name for name in ("exporter", "perf") if silent in both[name]["command"]} == {"perf"}


def test_every_variable_of_the_daemon_is_a_setting() -> None:
    """What the files set by PERFWATCH_* stands in the documentation of the settings."""
    known = (REPOSITORY / "docs" / "configuration.md").read_text()
    variables = {
        name
        for service in services(COMBINATIONS[-1]).values()
        for name in service.get("environment", {})
        if name.startswith("PERFWATCH_")
    }
    assert len(variables) > 5
    assert {name for name in variables if f"`{name}`" not in known} == set()


def test_ids_in_the_log_are_no_labels() -> None:
    """Each service has a tag that is the name of its job, from which Alloy makes a label."""
    config = (REPOSITORY / "config" / "monitoring" / "alloy" / "config.alloy").read_text()
    (pattern,) = re.findall(r'expression = "(.+)"', config)
    jobs = [
        re.fullmatch(pattern, service["logging"]["options"]["tag"])
        for service in services().values()
    ]
    assert {job["job"] for job in jobs if job} == {
        "perfwatch", "prometheus", "alertmanager", "grafana", "node", "loki", "alloy",
    }  # fmt: skip
    labels = re.findall(r"stage\.labels \{\s+values = \{(\w+) = \"\"\}", config)
    assert labels == ["job", "level"]
    assert "structured_metadata" in config


def test_alloy_finds_what_the_daemon_writes(stream: io.StringIO) -> None:
    """The keys that are taken out of the daemon's lines stand at the top of them."""
    config = (REPOSITORY / "config" / "monitoring" / "alloy" / "config.alloy").read_text()
    (taken,) = re.findall(r"expressions = \{(level .+)\}", config)
    keys = set(re.findall(r"(\w+) = ", taken))
    configure(stream=stream)
    with correlation_context(correlation_id="c", request_id="r"):
        StructuredLogger("perfwatch").warning("something")
    (line,) = records(stream.getvalue())
    assert keys == {"level", "logger", "correlation_id", "request_id"}
    assert {key: line[key] for key in keys} == {
        "level": "warning", "logger": "perfwatch", "correlation_id": "c", "request_id": "r",
    }  # fmt: skip


def test_the_host_has_one_name() -> None:
    """Prometheus and Loki call this host the same, so that a panel can lead to its lines."""
    folder = REPOSITORY / "config" / "monitoring"
    (target,) = yaml.safe_load((folder / "compose/targets/perfwatch.yml").read_text())
    (name,) = re.findall(
        r'external_labels = \{instance = "(.+)"\}', (folder / "alloy/config.alloy").read_text()
    )
    jobs = yaml.safe_load((folder / "compose/scrape_configs/optional.yml").read_text())
    (node,) = [job for job in jobs["scrape_configs"] if job["job_name"] == "node"]
    assert target["labels"]["instance"] == name == node["relabel_configs"][0]["replacement"]
