"""The edge of a stack: keys and addresses that its regions need early, and the CDN. Empty without `edge.cdn`."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import assert_never

import pulumi

from components.cdn import Edge, EdgeArgs, EdgeKeys, EdgePolicy, Origin, RegionEdge, ServerHost
from components.cdn.names import asked_hosts, origin_host
from components.cdn.settings import CREATE_ZONE
from components.cluster import PublicAddress
from components.cluster.settings import ExistingRegion
from stacks import geography
from stacks.clouds import RegionCloud
from stacks.settings import Settings
from stacks.topology import RegionPlan, Site


def region_edges(
    settings: Settings, plans: Sequence[RegionPlan], clouds: Mapping[str, RegionCloud], opts: pulumi.ResourceOptions
) -> dict[str, RegionEdge]:
    """Make the edge's keys and reserve the gateways' addresses, before the clusters. Without a CDN, return {}."""
    if settings.edge.cdn == "none":
        return {}
    keys = EdgeKeys("edge-keys", settings.edge.domain, settings.edge.signing_key, opts)
    return {
        plan.name: RegionEdge(
            hosts=asked_hosts(plan.name, settings.edge.domain, settings.edge.cdn),
            keys=keys,
            # The gateways of edge sites have the addresses of their machines.
            address=clouds[plan.name].public_address(f"{plan.name}-gateway") if plan.name in clouds else None,
        )
        for plan in plans
    }


def region_host(settings: Settings, region: str) -> str:
    """The host at which browsers reach the region's gateway, and no other region. Pure.

    Behind a CDN each region has such a host in DNS. Without one there is one region, which has the domain.
    """
    domain = settings.edge.domain
    return origin_host(region, domain) if settings.edge.cdn != "none" else domain


def build_edge(
    settings: Settings,
    plans: Sequence[RegionPlan],
    edges: Mapping[str, RegionEdge],
    servers: Sequence[ServerHost],
    opts: pulumi.ResourceOptions,
) -> Edge | None:
    """Build the CDN in front of all regions; None without one. It waits for reserved addresses, not for clusters.

    `servers` are those of regions that users reach without it.
    """
    if not edges:
        return None
    args = edge_args(settings, plans, edges, servers)
    # A cloud's SDK takes seconds and hundreds of megabytes: only stacks that use the cloud load it.
    match settings.edge.cdn:
        case "gcp":
            from components.cdn import gcp

            google = gcp.edge_provider(settings.edge.project or settings.clouds.gcp.project, opts)
            locations = {plan.name: nearest_region("gcp", plan) for plan in plans}
            return gcp.GcpEdge("edge", args, locations=locations, opts=_made_by(google, opts))
        case "aws":
            from components.cdn import aws

            return aws.AwsEdge("edge", args, _made_by(aws.edge_provider(opts), opts))
        case "azure":
            from components.cdn import azure

            location = settings.edge.location
            subscription = settings.edge.subscription or settings.clouds.azure.subscription
            microsoft = azure.edge_provider(subscription, location, opts)
            return azure.AzureEdge("edge", args, location=location, opts=_made_by(microsoft, opts))
        case "none":
            return None
        case _:
            assert_never(settings.edge.cdn)


def edge_args(
    settings: Settings,
    plans: Sequence[RegionPlan],
    edges: Mapping[str, RegionEdge],
    servers: Sequence[ServerHost] = (),
) -> EdgeArgs:
    """The arguments of the CDN, the same for every cloud."""
    return EdgeArgs(
        domain=settings.edge.domain,
        origins=[_origin(settings, plan, edges[plan.name].address) for plan in plans],
        policy=EdgePolicy(
            rate_limit=settings.edge.rate_limit, waf=settings.edge.waf, cached_paths=cached_paths(settings)
        ),
        languages=sorted(set(chain.from_iterable(plan.place.languages for plan in plans))),
        token=next(iter(edges.values())).keys.token,
        servers=servers,
        zone=None if settings.edge.zone == CREATE_ZONE else settings.edge.zone,
    )


def cached_paths(settings: Settings) -> Sequence[str]:
    """Prefixes of paths whose responses the CDN caches: the configured ones, else each service's `static` folder."""
    given = settings.edge.cached_paths
    return (
        given
        if given is not None
        else [f"/{service}/static/" for service in sorted(settings.running_services.by_name())]
    )


def nearest_region(cloud: str, site: Site) -> str:
    """The cloud's region that is nearest to a site: the site itself, if it is a region of that cloud."""
    known = geography.lookup(site.name)
    if known is not None and known.cloud == cloud:
        return known.name
    candidates = [region for region in geography.CATALOGUE if region.cloud == cloud]
    return min(candidates, key=lambda one: (geography.distance_km(site.place, one.place), one.name)).name


def _origin(settings: Settings, plan: RegionPlan, address: PublicAddress | None) -> Origin:
    given = _given_address(settings, plan.name)
    addresses: Sequence[pulumi.Input[str]] = address.addresses if address is not None else ()
    is_address = given is not None and given.replace(".", "").isdigit()
    return Origin(
        region=plan.name,
        latitude=plan.place.latitude,
        longitude=plan.place.longitude,
        addresses=[given] if given is not None and is_address else addresses,
        host_name=None if is_address else given,
        open=plan.traffic,
    )


def _made_by(provider: pulumi.ProviderResource, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[provider]))


def _given_address(settings: Settings, name: str) -> str | None:
    """The address or host name that the settings have for the gateway of a region or an edge site."""
    sites = {site.name: site.gateway_address for site in settings.edge_sites}
    if name in sites:
        return sites[name]
    region = settings.region(name)
    return region.gateway_address if isinstance(region, ExistingRegion) else None
