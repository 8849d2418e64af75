"""The meshes of a stack's regions: an istiod for each region, and proxies in the pods that should have them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from components.namespaces import ISTIO
from sandbox import binaries, control_planes
from sandbox.controllers import istio, istio_charts
from sandbox.controllers.api import ApiError, Informer, Object
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.istio import Istiod
from sandbox.controllers.istio_proxy import IstioProxy
from sandbox.controllers.region import RegionControllers
from sandbox.controllers.stack import StackControllers
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError

PORTS: Final = (istio.XDS_PORT, istio.WEBHOOK_PORT, istio.MONITORING_PORT, istio.PLAIN_PORT)
"""Ports of the Service istiod's pods."""
_PROGRAMS: Final = (*binaries.ISTIO, binaries.HELM)
_FAILURES = (OSError, ApiError, KeyError, http.client.HTTPException)
_AT_ONCE = 2
_DEPLOYED_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.5


def programs(clusters: Iterable[Cluster]) -> Sequence[binaries.Binary]:
    """The programs that these regions need for their mesh. Empty if none has one."""
    return _PROGRAMS if any(map(istio_charts.has_mesh, clusters)) else ()


class RegionIstiod:
    """A region's istiod with its Service, and what it reads, kept as the region has it."""

    def __init__(self, region: RegionControllers, directory: Path) -> None:
        self.istiod = Istiod(region.cluster, directory)
        self._region = region
        collections = {"configmaps": self._configured, "secrets": self._configured, "pods": self._replaced}
        self._informers = [
            Informer(region.api, f"/api/v1/namespaces/{ISTIO}/{kind}", changed) for kind, changed in collections.items()
        ]

    def open(self) -> None:
        """Wait until it is ready, and replace the pods that lack a proxy. Raises `SandboxError`."""
        self.istiod.open()
        for port in PORTS:
            self._region.network.expose(port, port, self.istiod.loopback)
        for informer in self._informers:
            informer.start()
        self.istiod.publish(self._region.network.addresses.router)
        self.istiod.inject()

    def stop(self) -> None:
        """End it. Works also if the API server is away."""
        for informer in self._informers:
            with suppress(RuntimeError):
                informer.stop()
        with suppress(*_FAILURES):
            self.istiod.stop()

    def _configured(self, item: Object) -> None:
        if item["metadata"]["name"] in istio.READ:
            with suppress(*_FAILURES):
                self.istiod.refresh()

    def _replaced(self, _pod: Object) -> None:
        with suppress(*_FAILURES):
            self.istiod.publish(self._region.network.addresses.router)


class Mesh:
    """The extension of a stack's controllers that runs its mesh."""

    def __init__(self, layout: Layout, stack: str) -> None:
        self._layout, self._stack = layout, stack
        self.regions: dict[str, RegionIstiod] = {}

    def runners(self) -> Sequence[ContainerRunner]:
        """The runner of Istio's proxies, if a region has a mesh. Builds them if necessary."""
        needed = programs(_running(self._layout, self._stack))
        binaries.ensure(self._layout, needed)
        return [IstioProxy.of(self._layout)] if needed else []

    def start(self, stack: StackControllers) -> None:
        """Start an istiod for each region that has a mesh. Raises `SandboxError`."""
        meshed = [name for name, region in stack.regions.items() if programs([region.cluster])]
        added = [self._add(stack, name) for name in meshed]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda mesh: mesh.open(), added))

    def add_region(self, stack: StackControllers, name: str) -> None:
        """Start the istiod of an added region as soon as the program deploys it; until then wait.

        Until istiod is ready, the region gets no pods that should have a proxy, as on a real cluster.
        Raises `SandboxError` if no mesh is deployed for a long time.
        """
        cluster = stack.regions[name].cluster
        istio_charts.hold_pods(cluster)
        deadline = time.monotonic() + _DEPLOYED_SECONDS
        while not istio_charts.is_deployed(cluster):
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"Region {name}: no mesh is deployed. Write mesh: {{enabled: true}}, and run `make up`."
                )
            time.sleep(_POLL_SECONDS)
        self._add(stack, name).open()

    def remove_region(self, name: str) -> None:
        """End the region's istiod."""
        self.regions.pop(name).stop()

    def _add(self, stack: StackControllers, name: str) -> RegionIstiod:
        self.regions[name] = mesh = RegionIstiod(stack.regions[name], stack.directory / name / "istiod")
        mesh.istiod.launch()
        return mesh

    def stop(self) -> None:
        """End everything. Can be repeated."""
        for mesh in self.regions.values():
            mesh.stop()
        self.regions.clear()


def _running(layout: Layout, stack: str) -> list[Cluster]:
    return [cluster for cluster in control_planes.clusters(layout, stack) if cluster.servers]
