"""The meshes of several regions without the rest of the platform, for tests.

Configuration of `mesh`: `regions` (JSON list of names), `hidden` (those whose API endpoint nobody knows) and `closed`
(those that get no traffic).
"""

from collections.abc import Mapping
from typing import cast

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import ClusterOutputs
from components.mesh import EastWest, EastWestGateway, RemoteRegions, ServiceRouting
from components.mesh.settings import MeshSettings
from components.namespaces import INGRESS, ISTIO, SERVICES
from stacks import geography, topology
from stacks.mesh_peers import mesh_east_west
from stacks.region_base import RegionBase
from stacks.topology import RegionPlan, Site
from tests.programs.contexts import context_of

config = pulumi.Config("mesh")
names = config.require_object("regions")
hidden = config.get_object("hidden") or []
closed = config.get_object("closed") or []
catalogued = [geography.lookup(name) for name in names]
places = [Site(name=r.name, cloud=r.cloud, slot=r.slot, place=r.place) for r in catalogued if r is not None]


def plan_of(one: Site) -> RegionPlan:
    """The region's plan, with the other regions as its peers."""
    return RegionPlan(
        name=one.name,
        cloud=one.cloud,
        slot=one.slot,
        place=one.place,
        addresses=topology.address_plan(one.slot),
        peers=topology.peers(one.name, places),
        failover=topology.failover_order(one, places),
        mesh_network=topology.mesh_network(one.name),
        peering_enabled=len(places) > 1,
        traffic=one.name not in closed,
    )


def cluster(plan: RegionPlan) -> ClusterOutputs:
    """The cluster of a region, with two egress addresses made from its slot."""
    addresses = [f"203.0.113.{plan.slot}", f"198.51.100.{plan.slot}"]
    return ClusterOutputs(
        provider=k8s.Provider(f"{plan.name}-kubernetes", context=plan.name),
        api_endpoint=None if plan.name in hidden else pulumi.Output.from_input(f"{plan.name}.example.org"),
        egress_addresses=[pulumi.Output.from_input(address) for address in addresses],
        load_balancer_annotations={"example.org/load-balancer": "public"},
        dns_server="coredns",
        zone_labels=False,
        gpus=False,
    )


class FakeBase(pulumi.ComponentResource):
    """A region base that offers what the mesh asks for."""

    def __init__(self, plan: RegionPlan) -> None:
        super().__init__("test:index:Region", plan.name)
        self.cluster = cluster(plan)
        self.provider = self.cluster.provider
        self.namespaces = {ISTIO: pulumi.Output.from_input(ISTIO)}


def build(plan: RegionPlan, base: FakeBase, east_west: EastWest | None) -> None:
    """Create a region's mesh except for its control plane and its public gateway."""
    name = plan.name
    child = pulumi.ResourceOptions(parent=base, providers=[base.provider])
    context = context_of(name, [ISTIO, INGRESS, SERVICES], child)
    ServiceRouting(
        f"{name}-routing",
        context,
        ("agent-network", "sacred-messaging"),
        gateway="istio-ingress/sacred-council",
        gateway_principal="example.org/ns/istio-ingress/sa/istio-ingressgateway",
        ready=[],
        mesh_peers=east_west.mesh_peers if east_west else None,
    )
    if east_west is None:
        return
    RemoteRegions(f"{name}-remote-regions", context, east_west.kubeconfigs)
    EastWestGateway(
        f"{name}-east-west",
        context,
        MeshSettings(),
        network_name=plan.mesh_network,
        service_type="LoadBalancer",
        service_annotations=base.cluster.load_balancer_annotations,
        allowed_sources=east_west.allowed_sources,
        ready=[],
    )


plans = [plan_of(place) for place in places]
bases = {plan.name: FakeBase(plan) for plan in plans}
east_wests = mesh_east_west(plans, cast(Mapping[str, RegionBase], bases))
for one in plans:
    build(one, bases[one.name], east_wests.get(one.name))
