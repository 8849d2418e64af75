"""What joins the meshes of several regions: only names, and values of early resources, never of workloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import pulumi

from components.cluster import ClusterOutputs
from components.mesh import MeshPeers, RemoteSecretAccess, RemoteSecretAccessArgs
from stacks.languages import language_routes
from stacks.topology import RegionPlan


@dataclass(frozen=True, kw_only=True)
class MeshSite:
    """A region: `plan`, `cluster`, the control plane's `namespace`, and the `parent` of its early resources."""

    plan: RegionPlan
    cluster: ClusterOutputs
    namespace: pulumi.Output[str]
    parent: pulumi.Resource


@dataclass(frozen=True, kw_only=True)
class EastWest:
    """What one region must know to send requests to the others, and to let theirs in.

    `mesh_peers` is None while there are no others. `kubeconfigs` are those of the others by name that get requests
    (None where the API's endpoint is not known); `allowed_sources`, the addresses that they are seen with;
    `service_annotations` of the load balancer for them.
    """

    mesh_peers: MeshPeers | None
    kubeconfigs: Mapping[str, pulumi.Output[str] | None]
    allowed_sources: Sequence[pulumi.Output[str]]
    service_annotations: Mapping[str, str]


def mesh_east_west(sites: Sequence[MeshSite]) -> dict[str, EastWest]:
    """What every region knows of the others' meshes, by name. Creates each region's remote-secret access; nothing
    where no others are expected."""
    if not any(site.plan.peering_enabled for site in sites):
        return {}
    kubeconfigs = {site.plan.name: _remote_secret_access(site).kubeconfig for site in sites}
    closed = frozenset(site.plan.name for site in sites if not site.plan.traffic)
    unreachable = closed | {name for name, kubeconfig in kubeconfigs.items() if kubeconfig is None}
    return {
        site.plan.name: EastWest(
            mesh_peers=_mesh_peers(site.plan, sites, unreachable),
            kubeconfigs={name: kubeconfigs[name] for name in site.plan.peers if name not in closed},
            allowed_sources=allowed_source_addresses(
                {other.plan.name: other.cluster.egress_addresses for other in sites}, site.plan
            ),
            service_annotations=site.cluster.load_balancer_annotations.public,
        )
        for site in sites
    }


def _mesh_peers(plan: RegionPlan, sites: Sequence[MeshSite], unreachable: frozenset[str]) -> MeshPeers | None:
    if not plan.failover:
        return None
    serving = [site.plan for site in sites if site.plan.name == plan.name or site.plan.name not in unreachable]
    return MeshPeers(
        region=plan.name,
        failover=plan.failover,
        languages=language_routes(plan, serving),
        unreachable=unreachable,
    )


def allowed_source_addresses(
    addresses: Mapping[str, Sequence[pulumi.Output[str]]], plan: RegionPlan
) -> tuple[pulumi.Output[str], ...]:
    """The other regions' addresses, by region. While there are no others, the region's own: none would be anyone."""
    return tuple(chain.from_iterable(addresses[name] for name in plan.peers or (plan.name,)))


def _remote_secret_access(site: MeshSite) -> RemoteSecretAccess:
    return RemoteSecretAccess(
        f"{site.plan.name}-remote-secret-access",
        RemoteSecretAccessArgs(
            region=site.plan.name,
            namespace=site.namespace,
            api_endpoint=site.cluster.api_endpoint,
            api_certificate_authority=site.cluster.api_certificate_authority,
        ),
        pulumi.ResourceOptions(parent=site.parent, providers=[site.cluster.provider]),
    )
