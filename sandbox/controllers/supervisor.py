"""The process that holds a stack's controllers: `python -m sandbox.controllers.supervisor STACK`.

It writes what runs into a file, and ends with everything that it started on SIGTERM or SIGINT.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sandbox import control_planes
from sandbox.controllers.api import ApiError
from sandbox.controllers.balancers import addresses
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.egress import egress_addresses
from sandbox.controllers.mesh import Mesh
from sandbox.controllers.stack import StackControllers
from sandbox.layout import Layout, SandboxError

_EVERY_SECONDS = 2.0


class Extension(Protocol):
    """Something else that runs for a stack."""

    def runners(self) -> Sequence[ContainerRunner]:
        """Its runners of containers."""

    def start(self, stack: StackControllers) -> None:
        """Start, when networks and agents run. Raises `SandboxError`."""

    def stop(self) -> None:
        """End everything that it started, before the networks go. Called also if `start` failed."""


EXTENSIONS: tuple[Callable[[Layout, str], Extension], ...] = (Mesh,)
"""Each gets the layout and the stack's name."""


def record_of(layout: Layout, stack: str) -> Path:
    """The file that says what runs."""
    return layout.stacks / f"{stack}.controllers.json"


def main(stack: str) -> int:
    """Run the controllers until a signal asks for the end; return the exit status."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    layout = Layout.from_environment()
    try:
        _run(layout, stack, asked)
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(layout: Layout, stack: str, asked: threading.Event) -> None:
    extensions = [make(layout, stack) for make in EXTENSIONS]
    clusters = [cluster for cluster in control_planes.clusters(layout, stack) if cluster.servers]
    runners = [runner for extension in extensions for runner in extension.runners()]
    controllers = StackControllers(layout, stack, clusters, runners, egress_addresses(layout, stack))
    record = record_of(layout, stack)
    _write(record, {"pid": os.getpid(), "ready": False})
    try:
        controllers.start()
        for extension in extensions:
            extension.start(controllers)
        published = Published(controllers)
        while not asked.is_set():
            _write(record, {"pid": os.getpid(), "ready": True, "regions": _regions(controllers, published)})
            asked.wait(_EVERY_SECONDS)
    finally:
        for extension in reversed(extensions):
            extension.stop()
        controllers.stop()
        record.unlink(missing_ok=True)


def _write(record: Path, content: dict[str, Any]) -> None:
    temporary = record.with_suffix(".new")
    record.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(json.dumps(content, indent=2))
    temporary.replace(record)


def _regions(controllers: StackControllers, published: Published) -> dict[str, Any]:
    return {
        name: {"pods": region.agent.running, "ended": region.dead_proxies, "urls": published.urls(name)}
        for name, region in controllers.regions.items()
    }


class Published:
    """Ports of this machine's loopback interface for the load balancers that have no source ranges."""

    def __init__(self, controllers: StackControllers) -> None:
        self._controllers = controllers
        self._ports: dict[tuple[str, int], int] = {}
        self._urls: dict[str, list[str]] = {}

    def urls(self, region: str) -> list[str]:
        """What to try in the region, such as `istio-ingress/istio-ingressgateway http2: http://127.0.0.1:4711`."""
        with suppress(ApiError, OSError):
            services = self._controllers.regions[region].api.get("/api/v1/services")["items"]
            self._urls[region] = [line for service in services for line in self._lines(service)]
        return self._urls.get(region, [])

    def _lines(self, service: dict[str, Any]) -> list[str]:
        metadata, spec = service["metadata"], service["spec"]
        if spec.get("type") != "LoadBalancer" or spec.get("loadBalancerSourceRanges"):
            return []
        return [
            f"{metadata['namespace']}/{metadata['name']} {port.get('name', '')}: {self._url(address, port['port'])}"
            for address in addresses(service)
            for port in spec["ports"]
            if port.get("protocol", "TCP") == "TCP"
        ]

    def _url(self, address: str, port: int) -> str:
        target = (address, port)
        if target not in self._ports:
            self._ports[target] = self._controllers.internet.publish(target)
        scheme = "https" if port in {443, 8443} else "http"
        return f"{scheme}://127.0.0.1:{self._ports[target]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
