"""Marks new pods that the node agent will run, so that KWOK does not call them ready before their processes are.

A webhook on this machine's loopback interface, which every region's API server asks. Without it, or when it does not
answer, pods are created all the same, and count as ready until the node agent sees them.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sandbox import manifests
from sandbox.certificates import Authority
from sandbox.controllers.api import Api

NAME = "sandbox-node-agent"
_PATH = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"

Wanted = Callable[[Mapping[str, Any]], bool]


class MarkingWebhook:
    """Answers the API servers. `wanted` says of a new pod whether the node agent will run it."""

    def __init__(self, wanted: Wanted) -> None:
        self._authority = Authority()
        handler = type("Handler", (_Handler,), {"wanted": staticmethod(wanted)})
        self._server = http.server.ThreadingHTTPServer((manifests.LOOPBACK, 0), handler)
        self._server.daemon_threads = True
        context = self._authority.context(manifests.LOOPBACK)
        # The handshake is made in the thread of the connection: one that says nothing must not hold up the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, name="webhook", daemon=True)

    def start(self) -> None:
        """Start to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to answer. Can be repeated."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def register(self, api: Api) -> None:
        """Let the API server ask about new pods."""
        port = self._server.server_address[1]
        webhook = {
            "name": f"{NAME}.sandbox.sacred-council.love",
            "clientConfig": {
                "url": f"https://{manifests.LOOPBACK}:{port}/",
                "caBundle": base64.b64encode(self._authority.pem.encode()).decode(),
            },
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "failurePolicy": "Ignore",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 5,
            # A sidecar that another webhook puts in afterwards may need a program that is not known here.
            "reinvocationPolicy": "IfNeeded",
        }
        unregister(api)
        api.create(
            _PATH,
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": NAME},
                "webhooks": [webhook],
            },
        )


def unregister(api: Api) -> None:
    """Let the API server ask no more."""
    api.delete(f"{_PATH}/{NAME}")


def review(request: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The answer to an AdmissionReview: always allowed, with a change if the pod's mark is not what it should be."""
    asked = request["request"]
    response: dict[str, Any] = {"uid": asked["uid"], "allowed": True}
    pod = asked["object"]
    annotations = dict(pod["metadata"].get("annotations") or {})
    marked = {**annotations, manifests.RUN_ANNOTATION: "true"}
    if not wanted(pod):
        marked.pop(manifests.RUN_ANNOTATION)
    if marked != annotations:
        patch = [{"op": "add", "path": "/metadata/annotations", "value": marked}]
        response.update(patchType="JSONPatch", patch=base64.b64encode(json.dumps(patch).encode()).decode())
    return {"apiVersion": request["apiVersion"], "kind": "AdmissionReview", "response": response}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    wanted: Wanted

    def do_POST(self) -> None:
        """Answer one review."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(review(request, self.wanted)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def handle(self) -> None:
        """Serve one connection. Connections that break off are ignored."""
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *arguments: object) -> None:
        """Write no line for a request."""
