"""Clusters of all platforms under mocks, and tests' questions about them."""

from functools import cache
from typing import Any

from tests.support import clouds
from tests.support.rendering import ROOT, Rendered, Resource, render_program

PROGRAM = ROOT / "tests" / "programs" / "clusters.py"
CLOUDS = {"gke": "gcp", "eks": "aws", "aks": "azure"}
CLUSTER_TYPES = {
    "gke": "gcp:container/cluster:Cluster",
    "eks": "aws:eks/cluster:Cluster",
    "aks": "azure-native:containerservice:ManagedCluster",
}
OFFICE = "192.31.196.0/24"
"""A network that clouds accept as public: it is on the internet (RFC 7535), and nobody uses it."""


@cache
def rendered_cluster(
    platform: str, *networks: str, protected: bool = True, **more: str | bool | tuple[str, ...]
) -> Rendered:
    """A cluster with its network; `networks` may reach its API. `more` is configuration of the platform's program."""
    config = {"cluster:platform": platform, "cluster:networks": list(networks), "cluster:protected": protected}
    return render_program("test", config | {f"cluster:{key}": value for key, value in more.items()}, PROGRAM)


def public(platform: str) -> Rendered:
    """A cluster whose API one network may reach."""
    return rendered_cluster(platform, OFFICE)


def only(rendered: Rendered, type_: str) -> Resource:
    """The only resource of a type."""
    (found,) = rendered.of_type(type_)
    return found


def cluster(platform: str, rendered: Rendered | None = None) -> dict[str, Any]:
    """Inputs of the cloud's own cluster resource."""
    return only(rendered or public(platform), CLUSTER_TYPES[platform]).inputs


def made(resource: Resource, output: str) -> Any:
    """An output that the cloud adds to the resource's inputs."""
    return clouds.outputs_of(resource.type, resource.name, resource.inputs)[output]


def offered(platform: str) -> Resource:
    """The cluster's outputs, as the inputs of a resource."""
    return public(platform).named("offered")


def before(rendered: Rendered, resource: Resource) -> set[str]:
    """URNs of everything that exists before the resource: its dependencies, its parents, and theirs."""
    by_urn = {r.urn: r for r in rendered.resources}
    seen: set[str] = set()
    waiting = [resource.urn]
    while waiting:
        urn = waiting.pop()
        if urn in by_urn and urn not in seen:
            seen.add(urn)
            waiting += [*by_urn[urn].dependencies, by_urn[urn].parent]
    return seen
