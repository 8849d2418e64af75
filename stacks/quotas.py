"""Cloud quotas that a stack of many regions may exceed, and the warnings about them. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from components import offers
from components.circles.endpoints import ServerAddresses, tcp_ports, udp_ports
from components.cluster.settings import (
    CLOUD_NAMES,
    AwsRegion,
    AzureRegion,
    ExistingRegion,
    RegionSettings,
    aks_system_nodes,
)
from stacks.peering import addresses_of_sites, peer_endpoint_specs, site_endpoint_specs
from stacks.settings import Settings
from stacks.settings.rules.clouds import egress_address_count, zone_count

USUAL_RULES: Final = 60
"""Default limit of rules in a security group on AWS."""

RULES_QUOTA: Final = "L-0EA8095F"
"""AWS's code of this quota ("Inbound or outbound rules per security group", service vpc)."""

_EAST_WEST_PORTS: Final = 2
_GATEWAY_PORTS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A cloud's quota in a region."""

    usual: int
    """What new accounts often have."""
    name: str
    """The cloud's name of the quota."""


ADDRESSES: Final[Mapping[str, Quota]] = {
    # https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
    "aws": Quota(usual=5, name="L-0263D0A3 (service ec2, EC2-VPC Elastic IPs)"),
    "gcp": Quota(usual=8, name="IN-USE-ADDRESSES-per-project-region and STATIC-ADDRESSES-per-project-region"),
    # 10 to 1,000, depending on the subscription; most paid ones begin with 20.
    "azure": Quota(usual=20, name="Public IP Addresses - Standard (provider Microsoft.Network)"),
}

PROCESSORS: Final[Mapping[str, Quota]] = {
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
    "aws": Quota(usual=5, name="L-1216C47A (service ec2, Running On-Demand Standard instances)"),
    "gcp": Quota(usual=24, name="CPUS-per-project-region, or that of the machine's series such as N2-CPUS"),
    # https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
    "azure": Quota(usual=20, name="Total Regional vCPUs and that of the machine's family (provider Microsoft.Compute)"),
}
_AWS_STANDARD: Final = "acdhimrtz"
"""First letters of AWS's machine types that this quota counts."""


def exceeded(settings: Settings) -> Iterator[str]:
    """A warning for each region that needs more than its cloud allows by default."""
    for region in settings.regions:
        yield from _few_addresses(settings, region)
        needed = security_group_rules(settings, region.name) if isinstance(region, AwsRegion) else 0
        if needed > USUAL_RULES:
            yield (
                f"{region.name}: the security group of the nodes gets about {needed} rules. AWS allows {USUAL_RULES} "
                "by default, and some load balancers would reject all traffic. Raise quota "
                f"{RULES_QUOTA} (service vpc) in {region.name} to {needed} or more first; each added region needs "
                "more. If you have, ignore this warning."
            )


def _few_addresses(settings: Settings, region: RegionSettings) -> Iterator[str]:
    quota = ADDRESSES.get(region.cloud)
    needed = public_addresses(settings, region.name)
    # At the limit, none is left for the rest of the account or for replacing an address.
    if quota and needed >= quota.usual:
        yield (
            f"{region.name}: the region needs {needed} public addresses. {CLOUD_NAMES[region.cloud]} often allows only "
            f"{quota.usual} per region by default, shared with everything else in the account. Raise quota "
            f"{quota.name} in {region.name} above {needed} first. If you have, ignore this warning."
        )


def few_processors(settings: Settings) -> Iterator[str]:
    """A warning for each region whose first nodes need more processors than its cloud often allows new accounts."""
    for region in settings.regions:
        quota, counted = PROCESSORS.get(region.cloud), processors(region)
        if quota and counted and counted[0] > quota.usual:
            yield (
                f"{region.name}: the nodes have {counted[0]} processors at first, and up to {counted[1]} later. "
                f"{CLOUD_NAMES[region.cloud]} often allows new accounts only {quota.usual} in a region. Raise quota "
                f"{quota.name} in {region.name} to {counted[1]} or more first. If you have, ignore this warning."
            )


def processors(region: RegionSettings) -> tuple[int, int] | None:
    """How many virtual processors the region's nodes without GPUs have, at first and at most.

    None: the region is not on a cloud, or its machines count towards another quota or are of unknown size.
    """
    if isinstance(region, ExistingRegion):
        return None
    special = offers.is_special(region.cloud, region.nodes.type)
    if special or (isinstance(region, AwsRegion) and region.nodes.type[0] not in _AWS_STANDARD):
        return None
    known = offers.machine(region.cloud, region.nodes.type)
    if known is None:
        return None
    least, most = region.nodes.min * known.processors, region.nodes.max * known.processors
    if isinstance(region, AzureRegion):
        system = offers.machine(region.cloud, region.system_machine)
        if system is None:
            return None
        zones = zone_count(region)
        first, limit = aks_system_nodes(zones)
        least, most = least + zones * first * system.processors, most + zones * limit * system.processors
    return math.ceil(least), math.ceil(most)


def public_addresses(settings: Settings, name: str) -> int:
    """How many public addresses region `name` takes from its cloud's quota: egress, peer endpoints and gateways.

    An AWS load balancer has one in each of its zones. On AWS, addresses that nobody reserved do not count.
    """
    region = settings.region(name)
    zones = egress_address_count(region)
    per_balancer, unreserved = (zones, 0) if isinstance(region, AwsRegion) else (1, 1)
    endpoints = (
        [endpoint for endpoints in peer_endpoint_specs(settings).values() for endpoint in endpoints]
        if settings.peering_enabled
        else []
    )
    # On AWS, TCP and UDP have an address each; elsewhere one, whether reserved or not.
    calls = (2 if isinstance(region, AwsRegion) else 1) * settings.circles.servers if settings.circles.enabled else 0
    gateway = per_balancer if settings.edge.cdn != "none" else unreserved
    return (
        zones
        + calls
        + sum(1 if endpoint.single else per_balancer for endpoint in endpoints)
        + (gateway if settings.mesh.enabled else 0)
        + (unreserved if settings.mesh.enabled and settings.peering_enabled else 0)
        + (per_balancer * len(site_endpoint_specs(settings)) if settings.sites_of(name) else 0)
    )


def security_group_rules(settings: Settings, name: str) -> int:
    """About how many rules AWS makes in the security group of the nodes of region `name`.

    Each load balancer adds one rule per port and source address, and one per port and subnet for health checks unless
    everyone may connect. Each source address adds one for ICMP, and the cluster adds one.
    """
    zones = egress_address_count(settings.region(name))
    own = 1
    gateway = _GATEWAY_PORTS + 1 if settings.mesh.enabled else 0
    gateway += _of_circles(settings)
    if not settings.peering_enabled:
        return own + gateway
    sources = _sources(settings, name)
    endpoints = [
        1 if endpoint.single else zones
        for endpoints in peer_endpoint_specs(settings).values()
        for endpoint in endpoints
    ]
    east_west = _EAST_WEST_PORTS * (sources + zones) if settings.mesh.enabled else 0
    return (
        own
        + gateway
        + sum(sources + subnets for subnets in endpoints)
        + east_west
        + sources
        + _of_sites(settings, name)
    )


def _of_circles(settings: Settings) -> int:
    """The rules for the load balancers of circles' servers, to which everybody may connect."""
    if not settings.circles.enabled:
        return 0
    tcp = tcp_ports(ServerAddresses(), public_authority=settings.edge.cdn != "none")
    icmp = 1
    return settings.circles.servers * (len(udp_ports()) + len(tcp) + icmp)


def _of_sites(settings: Settings, name: str) -> int:
    """The rules for the region's edge sites: at each node of the database, and at the sites' own load balancers."""
    sources, balancers = len(addresses_of_sites(settings, name)), len(site_endpoint_specs(settings))
    if not sources:
        return 0
    icmp = 1
    zones = egress_address_count(settings.region(name))
    return sources * (settings.database.nodes + balancers + icmp) + balancers * zones


def _sources(settings: Settings, name: str) -> int:
    """How many addresses may connect: those of the other regions or, with no peers, the region's own."""
    others = [egress_address_count(region) for region in settings.regions if region.name != name]
    return sum(others or [egress_address_count(settings.region(name))])
