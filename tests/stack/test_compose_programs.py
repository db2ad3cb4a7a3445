"""The command lines and health checks of the compose file, given to the real programs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.child import REPOSITORY
from tests.daemon import start_daemon
from tests.peers import find_peer
from tests.ports import free_port
from tests.prometheus import Prometheus, promtool, wait_until
from tests.stack.alertmanager import Alertmanager, run_with_own_share
from tests.stack.compose import Service, lay_out, moved, services

pytestmark = pytest.mark.timeout(60)


def is_healthy(service: Service, program: str, port: int) -> bool:
    """Run the health check of a service here, with the program of its image."""
    check = service["healthcheck"]["test"]
    words = [re.sub(r"127\.0\.0\.1:[0-9]+", f"127.0.0.1:{port}", word) for word in check[2:]]
    assert any(str(port) in word for word in words)
    done = subprocess.run([find_peer(program), *words], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("program", ["promtool", "stable/promtool"])
def test_prometheus_accepts_what_it_finds_in_the_container(tmp_path: Path, program: str) -> None:
    """The configuration as it is mounted, with the targets and jobs of compose, is valid."""
    lay_out(services()["prometheus"], tmp_path)
    folder = tmp_path / "etc" / "prometheus"
    promtool("check", "config", folder / "prometheus.yml", program=program)
    targets = (folder / "targets" / "perfwatch.yml").read_text()
    assert "exporter:10100" in targets
    assert (folder / "scrape_configs" / "optional.yml").is_file()


def test_prometheus_accepts_its_command_line(tmp_path: Path) -> None:
    """It starts with every flag of the compose file; the check sees that, and that it has ended."""
    service = services()["prometheus"]
    lay_out(service, tmp_path)
    # The targets have names that only mean something between containers.
    (tmp_path / "etc" / "prometheus" / "prometheus.yml").write_text("global: {}\n")
    port = free_port()
    listen = f"--web.listen-address=127.0.0.1:{port}"
    command = [str(find_peer("prometheus")), *moved(service["command"], tmp_path), listen]
    with Prometheus(command) as prometheus:
        prometheus.learn_address()
        wait_until(lambda: is_healthy(service, "promtool", port), "the check says healthy")
        flags = prometheus.api("status/flags")
        assert flags["storage.tsdb.retention.size"] != "0B"
        assert flags["web.enable-lifecycle"] == flags["web.enable-admin-api"] == "false"
    assert not is_healthy(service, "promtool", port)


def test_alertmanager_accepts_its_command_line(tmp_path: Path) -> None:
    """It starts with every flag and the shipped configuration, and the check sees it."""
    service = services()["alertmanager"]
    lay_out(service, tmp_path)
    port = free_port()
    command = [
        *run_with_own_share(find_peer("alertmanager")),
        *moved(service["command"], tmp_path),
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with Alertmanager(command) as alertmanager:
        alertmanager.learn_address()
        assert is_healthy(service, "amtool", port)
    assert not is_healthy(service, "amtool", port)


def test_the_exporter_accepts_its_variables_and_flags() -> None:
    """The daemon starts with what the compose file sets; its own check knows where it listens."""
    service = services()["exporter"]
    port = free_port()
    env = {"PERFWATCH_WEB_LISTEN_ADDRESS": f"0.0.0.0:{port}"}
    assert set(env) == set(service["environment"])
    flags = [re.sub(r"=/host/?", "=/", word) for word in service["command"][1:]]
    address = f"--web.listen-address=127.0.0.1:{port}"
    with start_daemon(*flags, address):
        done = subprocess.run(
            [sys.executable, "-m", "exporter", "healthcheck"],
            cwd=REPOSITORY,
            env=env,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
