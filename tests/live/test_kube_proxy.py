"""The real kube-proxy on the nodes of two regions, with a small server in the place of the API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.controllers import kube_proxy, netns
from sandbox.controllers.balancers import LoadBalancers
from sandbox.controllers.network import Internet, PodNetwork, RegionNetwork
from sandbox.controllers.region import API_PORT
from sandbox.layout import Layout
from tests.live.test_region_networks import serve
from tests.support import live, pod_server
from tests.support.pod_server import NODES, SERVICES, SLICES, Objects

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(600)]

PORT = 9898
OTHER_EGRESS = "192.0.2.77"
CLUSTER_ADDRESS = "10.96.0.{}"


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    live.require_programs()
    with live.internet("kp") as found:
        yield found


@pytest.fixture(scope="module")
def other(internet: Internet) -> str:
    """The namespace of a pod in another region."""
    region = RegionNetwork(internet, "us", 45, [OTHER_EGRESS])
    region.create()
    return region.add_pod("caller", "us-a", str(region.addresses.pods_of(0)[0])).namespace


@pytest.fixture(scope="module")
def network(internet: Internet) -> RegionNetwork:
    found = RegionNetwork(internet, "eu", 44)
    found.create()
    return found


@pytest.fixture(scope="module")
def pods(network: RegionNetwork) -> Iterator[dict[str, PodNetwork]]:
    """A pod on each of two nodes; they answer with the address that asks them. A third one only calls."""
    found = {
        node: network.add_pod(f"pod{node[-1]}", node, _address(network, node)) for node in ("eu-a", "eu-b", "eu-c")
    }
    servers = [serve(netns.listen(found[node].namespace, (found[node].address, PORT))) for node in ("eu-a", "eu-b")]
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


def _address(network: RegionNetwork, node: str) -> str:
    return str(network.addresses.pods_of(list(network.nodes).index(node))[5])


@pytest.fixture(scope="module")
def objects(network: RegionNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """What the API server knows, with kube-proxy on every node."""
    folder = tmp_path_factory.mktemp("kube-proxy")
    with pod_server.serving(folder) as (found, kubeconfig):
        for node in network.nodes:
            address = {"type": "InternalIP", "address": "127.0.0.1"}
            found.put(NODES, {"metadata": {"name": node}, "status": {"addresses": [address]}})
        document = yaml.safe_load(kubeconfig.read_text())
        port = int(document["clusters"][0]["cluster"]["server"].rpartition(":")[2])
        network.expose(API_PORT, port)
        path = folder / "through"
        path.write_text(yaml.safe_dump(kube_proxy.kubeconfig_through(document, network.addresses.router, API_PORT)))
        proxies = kube_proxy.start(Layout.from_environment(), network, path, folder)
        try:
            yield found
        finally:
            ended = [_end_of(folder, node) for node, each in zip(network.nodes, proxies, strict=True) if each.poll()]
            for proxy in proxies:
                proxy.kill()
                proxy.wait()
            assert ended == []


def _end_of(folder: Path, node: str) -> str:
    return (folder / f"{node}.log").read_text()[-2000:]


def _publish(objects: Objects, network: RegionNetwork, number: int, *nodes: str, **spec: Any) -> tuple[str, str]:
    """A Service with ready endpoints on these nodes; return its cluster address and its load balancer address."""
    name, address = f"service{number}", str(network.addresses.load_balancers[number])
    metadata = {"name": name, "namespace": live.NAMESPACE}
    port = {"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}
    cluster_address = CLUSTER_ADDRESS.format(number)
    service = {
        "metadata": metadata,
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": cluster_address,
            "clusterIPs": [cluster_address],
            "ipFamilies": ["IPv4"],
            "externalTrafficPolicy": "Cluster",
            "internalTrafficPolicy": "Cluster",
            "sessionAffinity": "None",
            "ports": [port],
            **spec,
        },
        "status": {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}},
    }
    ends = [
        {
            "addresses": [_address(network, node)],
            "nodeName": node,
            "conditions": {"ready": True, "serving": True, "terminating": False},
        }
        for node in nodes
    ]
    labels = {"kubernetes.io/service-name": name}
    slice_ = {
        "metadata": {**metadata, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": PORT, "protocol": "TCP"}],
        "endpoints": ends,
    }
    objects.put(SERVICES, service)
    objects.put(SLICES, slice_)
    LoadBalancers(network).update([service], [slice_])
    return cluster_address, address


def test_a_cluster_address_leads_to_all_endpoints_and_the_caller_is_seen(
    objects: Objects, network: RegionNetwork, pods: dict[str, PodNetwork]
) -> None:
    address, _ = _publish(objects, network, 11, "eu-a", "eu-b")
    caller = pods["eu-c"]
    live.await_true(lambda: live.answers(caller.namespace, address, 80), "the Service answers")
    answers = [live.get(caller.namespace, address, 80) for _ in range(30)]
    assert {each["server"] for each in answers} == {pods["eu-a"].address, pods["eu-b"].address}
    assert {each["client"] for each in answers} == {caller.address}


def test_an_endpoint_that_goes_gets_no_more_requests(
    objects: Objects, network: RegionNetwork, pods: dict[str, PodNetwork]
) -> None:
    address, _ = _publish(objects, network, 12, "eu-a", "eu-b")
    caller = pods["eu-c"].namespace
    live.await_true(lambda: live.answers(caller, address, 80), "the Service answers")
    _publish(objects, network, 12, "eu-b")
    live.await_true(
        lambda: {live.get(caller, address, 80)["server"] for _ in range(10)} == {pods["eu-b"].address}, "one is left"
    )
    _publish(objects, network, 12)
    live.await_true(lambda: not live.answers(caller, address, 80), "nobody answers")


def test_another_region_and_a_client_reach_the_load_balancers_address(
    internet: Internet, objects: Objects, network: RegionNetwork, pods: dict[str, PodNetwork], other: str
) -> None:
    _, address = _publish(objects, network, 13, "eu-a", "eu-b")
    for source in (other, internet.client()):
        live.await_true(lambda s=source: live.answers(s, address, 80), "the load balancer answers")  # type: ignore[misc]
        assert len({live.get(source, address, 80)["server"] for _ in range(40)}) == 2


def test_only_the_sources_in_the_ranges_reach_it(
    internet: Internet, objects: Objects, network: RegionNetwork, pods: dict[str, PodNetwork], other: str
) -> None:
    ranges = [f"{OTHER_EGRESS}/32"]
    _, address = _publish(objects, network, 14, "eu-a", "eu-b", loadBalancerSourceRanges=ranges)
    live.await_true(lambda: live.answers(other, address, 80), "the allowed region gets an answer")
    assert not live.answers(internet.client(), address, 80)


def test_local_traffic_shows_the_callers_egress_address(
    objects: Objects, network: RegionNetwork, pods: dict[str, PodNetwork], other: str
) -> None:
    spec = {"externalTrafficPolicy": "Local", "healthCheckNodePort": 32015}
    _, address = _publish(objects, network, 15, "eu-b", **spec)
    live.await_true(lambda: live.answers(other, address, 80), "the load balancer answers")
    answers = [live.get(other, address, 80) for _ in range(20)]
    assert {each["client"] for each in answers} == {OTHER_EGRESS}
    assert {each["server"] for each in answers} == {pods["eu-b"].address}
