"""Names of Services for pods, and the nodes to which load balancers send."""

from typing import Any

import pytest

from sandbox.controllers.balancers import local_routes
from sandbox.controllers.names import lines

pytestmark = pytest.mark.unit


def _service(name: str, namespace: str, address: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"metadata": metadata, "spec": {"clusterIP": address, **spec}, "status": {}}


def _slice(service: str, namespace: str, *endpoints: dict[str, Any]) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": service}
    return {"metadata": {"name": f"{service}-1", "namespace": namespace, "labels": labels}, "endpoints": [*endpoints]}


def _end(address: str, node: str = "eu-a", *, ready: bool = True, hostname: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"addresses": [address], "conditions": {"ready": ready}, "nodeName": node}
    return {**found, "hostname": hostname} if hostname else found


def test_a_service_has_its_four_names_in_its_own_namespace_and_three_elsewhere() -> None:
    services = [_service("agent", "council", "10.96.0.7")]
    names = "agent.council.svc.cluster.local agent.council.svc agent.council"
    assert f"10.96.0.7 {names} agent" in lines(services, [], "council")
    assert f"10.96.0.7 {names}" in lines(services, [], "other")


def test_a_headless_service_has_the_addresses_of_its_ready_pods() -> None:
    services = [_service("nats", "nats", "None")]
    slices = [_slice("nats", "nats", _end("10.128.0.1", hostname="nats-0"), _end("10.128.0.2", ready=False))]
    found = lines(services, slices, "nats")
    assert "10.128.0.1 nats.nats.svc.cluster.local nats.nats.svc nats.nats nats" in found
    names = "nats-0.nats.nats.svc.cluster.local nats-0.nats.nats.svc nats-0.nats.nats nats-0.nats"
    assert f"10.128.0.1 {names}" in found
    assert not any("10.128.0.2" in line for line in found)


LOCAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
EVERYWHERE = {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}


def _balanced(name: str, spec: dict[str, Any], address: str = "198.18.0.9") -> dict[str, Any]:
    service = _service(name, "data", "10.96.0.9", **spec)
    return {**service, "status": {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}}


def test_local_traffic_goes_to_the_nodes_that_have_ready_pods() -> None:
    slices = [_slice("peer", "data", _end("10.128.0.1", "eu-c"), _end("10.128.0.2", "eu-b", ready=False))]
    assert local_routes([_balanced("peer", LOCAL)], slices) == {"198.18.0.9": ("eu-c",)}


def test_local_traffic_without_pods_goes_nowhere() -> None:
    assert local_routes([_balanced("peer", LOCAL)], []) == {"198.18.0.9": ()}


def test_other_traffic_needs_no_route_of_its_own() -> None:
    assert local_routes([_balanced("gateway", EVERYWHERE)], []) == {}
