"""A stand-in for Kubernetes' API that knows pods, for a Prometheus that looks for them.

It answers what client-go asks about one namespace: a list, or, from newer releases, a watch that
begins with what is there. A watch says nothing more until it ends.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from tests.kubernetes import Object

PODS = re.compile(r"/api/v1/namespaces/([^/]+)/pods\?(.*)")


def running_pod(workload: Object, node: str, port: int, phase: str = "Running") -> Object:
    """A pod of a workload that runs at a port of this machine."""
    template, name = workload["spec"]["template"], f"{workload['metadata']['name']}-{node}"
    (container,) = template["spec"]["containers"]
    return {
        "metadata": {
            "name": name,
            "namespace": workload["metadata"]["namespace"],
            "uid": name,
            "resourceVersion": "1",
            "labels": template["metadata"]["labels"],
        },
        "spec": {
            "nodeName": node,
            "containers": [
                {
                    "name": container["name"],
                    "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
                }
            ],
        },
        "status": {
            "phase": phase,
            "podIP": "127.0.0.1",
            "hostIP": "127.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


@contextlib.contextmanager
def serve_pods(pods: Sequence[Object]) -> Iterator[str]:
    """Answer until the end of the block; gives the address."""
    ending = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the list, or say nothing for as long as somebody watches."""
            asked = PODS.fullmatch(self.path)
            self.send_response(200 if asked else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if asked and "watch=" not in asked[2]:
                self.wfile.write(json.dumps(pod_list(pods, asked[1])).encode())
            elif asked:
                if "sendInitialEvents=true" in asked[2]:
                    self.wfile.write(initial_events(pod_list(pods, asked[1])["items"]))
                ending.wait()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            ending.set()
            server.shutdown()


def pod_list(pods: Sequence[Object], namespace: str) -> dict[str, Any]:
    """The pods of a namespace as the API lists them."""
    return {
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": [pod for pod in pods if pod["metadata"]["namespace"] == namespace],
    }


def initial_events(pods: Sequence[Object]) -> bytes:
    """The beginning of a watch that is to tell what is there, and that this was all."""
    kind = {"kind": "Pod", "apiVersion": "v1"}
    end = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
    events = [{"type": "ADDED", "object": kind | pod} for pod in pods]
    events.append({"type": "BOOKMARK", "object": kind | {"metadata": end}})
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)
