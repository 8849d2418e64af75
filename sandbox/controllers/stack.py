"""The controllers of all regions of a stack: started together, and ended together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from sandbox import binaries
from sandbox.controllers import netns, pods
from sandbox.controllers.admission import MarkingWebhook
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.janitor import Janitor
from sandbox.controllers.network import Internet, prefix_of
from sandbox.controllers.region import RegionControllers, forget
from sandbox.controllers.sample_runner import SampleRunner
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError

_AT_ONCE = 4


class StackControllers:
    """Runs the regions of a stack whose control planes run. `runners` come before the one for the sample image.

    `egress`: by region, the source addresses of what leaves it; else made-up ones (`sandbox.addresses`).
    """

    def __init__(
        self,
        layout: Layout,
        stack: str,
        clusters: Sequence[Cluster],
        runners: Sequence[ContainerRunner] = (),
        egress: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._layout = layout
        self.prefix = prefix_of(layout, stack)
        self.directory = layout.stacks / f"{stack}.controllers"
        self.runners = (*runners, SampleRunner())
        self.internet = Internet(self.prefix)
        self.regions: dict[str, RegionControllers] = {}
        self._clusters, self._egress = tuple(clusters), dict(egress or {})
        self._webhook = MarkingWebhook(lambda pod: pods.is_run(pod, self.runners))
        self._janitor: Janitor | None = None

    def start(self) -> None:
        """Start everything, after taking away what a killed run left.

        Raises `SandboxError`, with nothing left behind, if this machine cannot, or a region does not start.
        """
        netns.require()
        binaries.ensure(self._layout, binaries.NETWORK)
        if not self._clusters:
            raise SandboxError("No control plane of the stack runs; `make up STACK=...` starts them.")
        self.directory.mkdir(parents=True, exist_ok=True)
        # The pods' Secrets are here. Their processes start inside, and need no way to it.
        self.directory.chmod(0o700)
        kubeconfigs = [cluster.kubeconfig for cluster in self._clusters]
        self._janitor = Janitor(self.prefix, kubeconfigs)
        try:
            self.internet.create()
            forget(kubeconfigs)
            self._webhook.start()
            for cluster in self._clusters:
                self._add(cluster)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda region: region.start(self._webhook), self.regions.values()))
        except BaseException:
            self.stop()
            raise

    def _add(self, cluster: Cluster) -> RegionControllers:
        name = cluster.plane.name
        egress = self._egress.get(name, ())
        region = RegionControllers(self.internet, cluster, self.runners, self.directory / name, egress)
        self.regions[name] = region
        return region

    def add_region(self, cluster: Cluster) -> RegionControllers:
        """Start an added region beside those that run."""
        region = self._add(cluster)
        region.start(self._webhook)
        return region

    def remove_region(self, name: str) -> None:
        """End a region's controllers and network, as if the region had lost its power. The others go on.

        What they send there gets no answer.
        """
        region = self.regions.pop(name)
        region.network.cut()
        region.stop()

    def stop(self) -> None:
        """End everything. Can be repeated."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda region: region.stop(), self.regions.values()))
        self.regions.clear()
        self._webhook.stop()
        self.internet.remove()
        if self._janitor is not None:
            self._janitor.dismiss()
            self._janitor = None


def clean(layout: Layout, stack: str, clusters: Sequence[Cluster]) -> list[str]:
    """Take away what killed controllers of the stack left, also in the API servers that still run.

    Returns the names of the network namespaces that were left.
    """
    left = netns.listed(prefix_of(layout, stack))
    netns.remove(left)
    forget([cluster.kubeconfig for cluster in clusters])
    return left
