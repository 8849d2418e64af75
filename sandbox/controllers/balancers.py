"""The part of a cloud's load balancer that chooses nodes; kube-proxy on the node does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox import progress
from sandbox.controllers.api import SERVICE_LABEL
from sandbox.controllers.network import RegionNetwork
from sandbox.layout import SandboxError


def local_routes(
    services: Iterable[Mapping[str, Any]], slices: Iterable[Mapping[str, Any]]
) -> dict[str, tuple[str, ...]]:
    """For each load balancer address that only goes to nodes with endpoints: the names of these nodes, sorted.

    That is what `externalTrafficPolicy: Local` asks for; all others go to every node.
    """
    nodes: dict[tuple[str, str], set[str]] = {}
    for each in slices:
        metadata = each["metadata"]
        name = (metadata.get("labels") or {}).get(SERVICE_LABEL, "")
        ready = [end for end in each.get("endpoints") or [] if (end.get("conditions") or {}).get("ready") is not False]
        nodes.setdefault((metadata["namespace"], name), set()).update(end.get("nodeName", "") for end in ready)
    routes = {}
    for service in services:
        metadata, spec = service["metadata"], service["spec"]
        if spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            chosen = nodes.get((metadata["namespace"], metadata["name"]), set())
            routes.update({address: tuple(sorted(chosen)) for address in addresses(service)})
    return routes


def addresses(service: Mapping[str, Any]) -> list[str]:
    """The load balancer addresses of a Service."""
    entries = (service.get("status", {}).get("loadBalancer") or {}).get("ingress") or []
    return [entry["ip"] for entry in entries if "ip" in entry]


class LoadBalancers:
    """Keeps the routes of a region's router in step with its Services."""

    def __init__(self, network: RegionNetwork) -> None:
        self._network = network
        self._routes: dict[str, tuple[str, ...]] = {}

    def update(self, services: Iterable[Mapping[str, Any]], slices: Iterable[Mapping[str, Any]]) -> None:
        """Route to the nodes that have endpoints now."""
        wanted = local_routes(services, slices)
        for address in {**self._routes, **wanted}:
            nodes = wanted.get(address)
            if nodes != self._routes.get(address):
                try:
                    self._network.route(address, nodes)
                except SandboxError as error:
                    progress.say(f"Region {self._network.region}: {error}")
        self._routes = wanted
