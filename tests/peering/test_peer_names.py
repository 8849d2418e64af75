"""Peer endpoints, and the names of other regions' peer endpoints, on a real API server with its controllers."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.controlplane import Cluster
from tests.support import apiserver
from tests.support.regions import FIVE, MIXED, rendered
from tests.support.rendering import Rendered

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PATIENCE_SECONDS = 60
OURS = ("us-central1-nats-peers-", "us-central1-nats-peer-", "us-central1-nats-namespace")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with apiserver.running(tmp_path_factory.mktemp("peers"), "peers", slot=19) as running:
        yield running


def applied(cluster: Cluster, stack: Rendered) -> None:
    """Apply the program's peer endpoints and names of one region's messaging."""
    objects = [r.inputs for r in stack.objects() if r.name.startswith(OURS)]
    objects.sort(key=lambda one: one["kind"] != "Namespace")
    assert {"Namespace", "Service", "Endpoints"} == {one["kind"] for one in objects}
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    run = cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=listed)
    assert run.returncode == 0, run.stderr


def found(cluster: Cluster, kind: str, *arguments: str) -> Any:
    """Return the JSON of `kubectl get` in the namespace `nats`."""
    run = cluster.kubectl("--namespace=nats", "get", kind, *arguments, "--output=json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def names(cluster: Cluster) -> dict[str, list[str]]:
    """Return the addresses of each host below the Service `peers`, as the cluster's DNS reads them."""
    slices = found(cluster, "endpointslices", "--selector=kubernetes.io/service-name=peers")["items"]
    hosts: dict[str, list[str]] = {}
    for endpoint in (one for part in slices for one in part.get("endpoints") or []):
        hosts.setdefault(endpoint["hostname"], []).extend(endpoint["addresses"])
    return {host: sorted(addresses) for host, addresses in sorted(hosts.items())}


def wanted(stack: Rendered) -> dict[str, list[str]]:
    """Return the addresses of each host, as the program declares them."""
    (subset,) = stack.named("us-central1-nats-peers-endpoints").inputs["subsets"]
    hosts: dict[str, list[str]] = {}
    for address in subset["addresses"]:
        hosts.setdefault(address["hostname"], []).append(address["ip"])
    return {host: sorted(addresses) for host, addresses in sorted(hosts.items())}


def soon(what: Callable[[], Any], expected: Any) -> None:
    """Wait until `what` returns `expected`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while what() != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    assert what() == expected


def test_dns_is_given_the_other_regions_names_as_regions_come_and_go(cluster: Cluster) -> None:
    for regions in (MIXED, FIVE, MIXED):
        stack = rendered(*regions)
        applied(cluster, stack)
        assert len(wanted(stack)) == len(regions) - 1
        # kube-dns reads the Endpoints; all other DNS servers read the slices that Kubernetes derives from them.
        soon(lambda: names(cluster), wanted(stack))


def test_a_peer_endpoint_has_an_address_before_there_is_a_pod(cluster: Cluster) -> None:
    applied(cluster, rendered(*MIXED))
    soon(lambda: bool(found(cluster, "service", "peer-0")["status"]["loadBalancer"].get("ingress")), True)
    assert found(cluster, "pods")["items"] == []
