"""When Services and Ingresses are ready."""

from __future__ import annotations

import time
from typing import Final

from sandbox.providers.kubernetes.awaits import pods
from sandbox.providers.kubernetes.awaits.subject import Goal, Subject, Verdict
from sandbox.providers.kubernetes.objects import Kind, Obj, get, items, mapping, name, namespace, text

_SLICES: Final = Kind("discovery.k8s.io", "v1", "EndpointSlice")
_SETTLE_SECONDS: Final = 1.0
_BACKEND_SECONDS: Final = 60.0
_NO_ADDRESS: Final = (
    "The cluster needs something that hands out addresses (a cloud's load balancer controller, MetalLB, ...). Without "
    "one use another service type, or the annotation pulumi.com/skipAwait."
)


class Service:
    """Ready when it has its address (LoadBalancer) and its endpoints have settled with none still starting.

    No endpoints at all are fine: the pods may come later. Headless and external services and those without a selector
    need only exist.
    """

    goal = Goal("it did not get an address or its pods did not get ready", _NO_ADDRESS)

    def __init__(self) -> None:
        self._endpoints: list[tuple[str, bool]] | None = None
        self._since = 0.0

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        has_address = bool(items(live, "status", "loadBalancer", "ingress"))
        if text(live, "spec", "type") == "LoadBalancer" and not has_address:
            return Verdict(False, "Waiting for the load balancer's address")
        if not _selects_pods(live):
            return Verdict(True)
        slices = await _slices(subject, live)
        endpoints = sorted(_endpoints(slices))
        if endpoints != self._endpoints:
            self._endpoints, self._since = endpoints, time.monotonic()
        starting = sum(not ready for _, ready in endpoints)
        settled = bool(slices) and time.monotonic() - self._since >= _SETTLE_SECONDS
        if subject.live is live and subject.last is None:  # the only look of a refresh, or the first of a creation
            settled = bool(slices)
        what = f"{starting} of {len(endpoints)} endpoints are not ready" if starting else "the endpoints to settle"
        return Verdict(settled and not starting, f"Waiting: {what}" if starting else f"Waiting for {what}")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        seen = []
        if text(live, "spec", "type") == "LoadBalancer" and not items(live, "status", "loadBalancer", "ingress"):
            seen.append("no address was assigned to the load balancer")
        starting = [address for address, ready in self._endpoints or [] if not ready]
        if starting:
            seen.append(f"endpoints that are not ready: {', '.join(starting)}")
        return [*seen, *await pods.warning_events(subject, live)]


def _selects_pods(service: Obj) -> bool:
    is_external = text(service, "spec", "type") == "ExternalName"
    is_headless = text(service, "spec", "clusterIP") == "None"
    return bool(mapping(service, "spec", "selector")) and not is_external and not is_headless


async def _slices(subject: Subject, service: Obj) -> list[Obj]:
    query = {"labelSelector": f"kubernetes.io/service-name={name(service)}"}
    return await subject.session.listing(_SLICES, namespace(service), **query)


def _endpoints(slices: list[Obj]) -> list[tuple[str, bool]]:
    """Addresses and whether each takes traffic; those of ending pods do not count."""
    return [
        (str(get(endpoint, "addresses", 0, default="")), get(endpoint, "conditions", "ready") is not False)
        for part in slices
        for endpoint in items(part, "endpoints")
        if get(endpoint, "conditions", "terminating") is not True
    ]


class Ingress:
    """Ready when it has an address and every service it routes to exists."""

    goal = Goal(
        "it did not get an address or a service it routes to is missing",
        "The cluster needs an ingress controller for this class. Without one use the annotation pulumi.com/skipAwait.",
    )

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._missing: list[str] = []

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        self._missing = [service for service in _backends(live) if not await self._exists(subject, live, service)]
        patient = subject.live is not live and time.monotonic() - self._begin < _BACKEND_SECONDS
        if self._missing and patient:
            return Verdict(False, f"Waiting for the services {', '.join(self._missing)}")
        has_address = bool(items(live, "status", "loadBalancer", "ingress"))
        return Verdict(has_address, "Waiting for the ingress's address")

    async def _exists(self, subject: Subject, live: Obj, service: str) -> bool:
        metadata = {"name": service, "namespace": namespace(live)}
        found = await subject.session.live({"apiVersion": "v1", "kind": "Service", "metadata": metadata})
        return found is not None

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        seen = [f"there is no service {service!r} in its namespace" for service in self._missing]
        if not items(live, "status", "loadBalancer", "ingress"):
            seen.append("no address was assigned")
        return [*seen, *await pods.warning_events(subject, live)]


def _backends(ingress: Obj) -> list[str]:
    found = [
        text(path, "backend", "service", "name")
        for rule in items(ingress, "spec", "rules")
        for path in items(rule, "http", "paths")
    ]
    return sorted(set(found) - {""})
