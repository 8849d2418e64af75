"""Everything that runs for one region: its network, kube-proxy on every node, and the node agent."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import yaml

from sandbox import kubeconfig
from sandbox.controllers import admission, istio_charts, kube_proxy, pods, volumes
from sandbox.controllers.admission import MarkingWebhook
from sandbox.controllers.api import Api, ApiError
from sandbox.controllers.balancers import LoadBalancers
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.names import Names
from sandbox.controllers.network import Internet, RegionNetwork
from sandbox.controllers.pods import NodeAgent
from sandbox.controlplane import Cluster
from sandbox.layout import SandboxError

API_PORT = 6443
"""The port of the router's address at which the region's API server is."""


class RegionControllers:
    """Makes a region's network and runs its pods. `directory` gets all files; `egress` as in `RegionNetwork`."""

    def __init__(
        self,
        internet: Internet,
        cluster: Cluster,
        runners: Sequence[ContainerRunner],
        directory: Path,
        egress: Sequence[str] = (),
    ) -> None:
        self.cluster = cluster
        self.network = RegionNetwork(internet, cluster.plane.name, cluster.plane.slot, egress)
        self.api = Api(cluster.kubeconfig)
        self._directory = directory
        self._balancers = LoadBalancers(self.network)
        self._names = Names(self.api, directory / "names", self._balancers.update)
        self.agent = NodeAgent(self.network, self.api, runners, directory / "pods", self._names)
        self._proxies: list[subprocess.Popen[bytes]] = []

    def start(self, webhook: MarkingWebhook) -> None:
        """Start everything. Raises `SandboxError`, after which `stop` takes away what was started."""
        volumes.prepare(self._directory)
        self.network.create()
        self.network.expose(API_PORT, self.api.port)
        try:
            webhook.register(self.api)
        except (ApiError, OSError) as error:
            raise SandboxError(f"Region {self.network.region}: its API server does not answer: {error}") from error
        self._start_proxies()
        self._names.start()
        self.agent.start()

    def _start_proxies(self) -> None:
        folder = self._directory / "kube-proxy"
        folder.mkdir()
        document = yaml.safe_load(self.cluster.kubeconfig.read_text())
        path = folder / "kubeconfig"
        kubeconfig.write(path, kube_proxy.kubeconfig_through(document, self.network.addresses.router, API_PORT))
        self._proxies = kube_proxy.start(self.cluster.layout, self.network, path, folder)

    @property
    def dead_proxies(self) -> list[int]:
        """The process numbers of kube-proxies that have ended."""
        return [proxy.pid for proxy in self._proxies if proxy.poll() is not None]

    def stop(self) -> None:
        """End everything; the pods go on as simulated ones. Works also if the API server is away."""
        steps: tuple[Callable[[], None], ...] = (
            partial(admission.unregister, self.api),
            self.agent.stop,
            self._names.stop,
        )
        for step in steps:
            with suppress(ApiError, OSError, RuntimeError):
                step()
        self.api.close()
        self.network.remove()
        for proxy in self._proxies:
            proxy.wait()


def forget(kubeconfigs: Sequence[Path]) -> None:
    """Take away what controllers that were killed left in the API servers. Servers that do not answer are skipped."""
    for path in kubeconfigs:
        with suppress(ApiError, OSError, ValueError, KeyError, TypeError):
            api = Api(path)
            try:
                admission.unregister(api)
                istio_charts.forget(api)
                pods.release(api)
            finally:
                api.close()


def environment() -> dict[str, str]:
    """The environment of helpers: what is needed to find programs and modules."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
