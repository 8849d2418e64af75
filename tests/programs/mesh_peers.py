"""The meshes of several regions without the rest of the platform, for tests.

Configuration of `mesh`: `regions` (JSON list of names), `hidden` (those whose API endpoint nobody knows) and `closed`
(those that get no traffic).
"""

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import ClusterOutputs, LoadBalancerAnnotations
from components.mesh import (
    Callers,
    EastWestGateway,
    EastWestGatewayArgs,
    RemoteRegions,
    RemoteRegionsArgs,
    ServiceRouting,
    ServiceRoutingArgs,
)
from stacks import geography, topology
from stacks.mesh_peers import EastWest, MeshSite, mesh_east_west
from stacks.topology import RegionPlan, Site

config = pulumi.Config("mesh")
names = config.require_object("regions")
hidden = config.get_object("hidden") or []
closed = config.get_object("closed") or []
catalogued = [geography.lookup(name) for name in names]
places = [Site(name=r.name, cloud=r.cloud, slot=r.slot, place=r.place) for r in catalogued if r is not None]


def plan_of(one: Site) -> RegionPlan:
    """What the region must know of itself and of the others."""
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
        load_balancer_annotations=LoadBalancerAnnotations(public={"example.org/load-balancer": "public"}, internal={}),
        dns_server="coredns",
    )


def build(site: MeshSite, east_west: EastWest | None) -> None:
    """What a region's mesh has besides its control plane and its public gateway."""
    name = site.plan.name
    inside = pulumi.ResourceOptions(parent=site.parent, providers=[site.cluster.provider])
    ServiceRouting(
        f"{name}-routing",
        ServiceRoutingArgs(
            region=name,
            namespace="sacred-council",
            services={"agent-network": 9898, "sacred-messaging": 9898},
            metrics_port=9797,
            domain="example.org",
            gateway="istio-ingress/sacred-council",
            gateway_principal="example.org/ns/istio-ingress/sa/istio-ingressgateway",
            monitoring_namespace="monitoring",
            ready=[],
            mesh_peers=east_west.mesh_peers if east_west else None,
        ),
        inside,
    )
    if east_west is None:
        return
    RemoteRegions(
        f"{name}-remote-regions",
        RemoteRegionsArgs(region=name, namespace="istio-system", kubeconfigs=east_west.kubeconfigs),
        inside,
    )
    EastWestGateway(
        f"{name}-east-west",
        EastWestGatewayArgs(
            region=name,
            namespace="istio-ingress",
            network_name=site.plan.mesh_network,
            service_type="LoadBalancer",
            service_annotations=east_west.service_annotations,
            allowed_sources=east_west.allowed_sources,
            callers=[Callers(name="services", namespace="sacred-council", pods={"is": "service"})],
            upstreams={"sacred-council": [9898]},
            control_plane_namespace="istio-system",
            monitoring_namespace="monitoring",
            ready=[],
        ),
        inside,
    )


sites = [
    MeshSite(
        plan=plan_of(place),
        cluster=cluster(plan_of(place)),
        namespace=pulumi.Output.from_input("istio-system"),
        parent=pulumi.ComponentResource("test:index:Region", place.name),
    )
    for place in places
]
east_wests = mesh_east_west(sites)
for one in sites:
    build(one, east_wests.get(one.plan.name))
