"""What a region needs of its cloud's quotas, where the usual ones are too small for many regions. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from components.cluster.settings import AwsRegion, RegionSettings
from stacks.peering import peer_endpoint_specs
from stacks.settings import Settings
from stacks.settings.rules.clouds import egress_address_count

USUAL_RULES: Final = 60
"""Rules of a security group on AWS, unless more are asked for."""

RULES_QUOTA: Final = "L-0EA8095F"
"""AWS's code of that quota ("Inbound or outbound rules per security group", service vpc)."""

CLOUD_NAMES: Final = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}
_EAST_WEST_PORTS: Final = 2
_GATEWAY_PORTS: Final = 3


@dataclass(frozen=True, kw_only=True)
class AddressQuota:
    """How many public IPv4 addresses a region has unless more are asked for, and what the cloud calls that."""

    usual: int
    name: str


ADDRESSES: Final[Mapping[str, AddressQuota]] = {
    # https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
    "aws": AddressQuota(usual=5, name="L-0263D0A3 (service ec2, EC2-VPC Elastic IPs)"),
    "gcp": AddressQuota(usual=8, name="IN-USE-ADDRESSES-per-project-region and STATIC-ADDRESSES-per-project-region"),
    # Between 10 and 1,000, by the kind of subscription; 20 is what paid ones mostly begin with.
    "azure": AddressQuota(usual=20, name="Public IP Addresses - Standard (provider Microsoft.Network)"),
}


def exceeded(settings: Settings) -> Iterator[str]:
    """What the user is told of regions that need more than a cloud gives unasked."""
    for region in settings.regions:
        yield from _few_addresses(settings, region)
        needed = security_group_rules(settings, region.name) if isinstance(region, AwsRegion) else 0
        if needed > USUAL_RULES:
            yield (
                f"{region.name}: the security group of the nodes gets about {needed} rules. AWS allows {USUAL_RULES} "
                "unless it is asked for more, and then some load balancers would let nobody in. Before this is "
                f"deployed, raise the quota {RULES_QUOTA} (service vpc) in {region.name} to {needed} or more; each "
                "region more adds to it. Where that is done, nothing else is to do."
            )


def _few_addresses(settings: Settings, region: RegionSettings) -> Iterator[str]:
    quota = ADDRESSES.get(region.cloud)
    needed = public_addresses(settings, region.name)
    # A region that takes all of them leaves none for anything else in the account, nor for an exchange of one.
    if quota and needed >= quota.usual:
        yield (
            f"{region.name}: the region has {needed} public addresses. {CLOUD_NAMES[region.cloud]} often allows "
            f"{quota.usual} in a region unless it is asked for more, and all else there needs some, too. Before this "
            f"is deployed, raise the quota {quota.name} in {region.name} above {needed}. Where that is done, nothing "
            "else is to do."
        )


def public_addresses(settings: Settings, name: str) -> int:
    """How many public addresses of a cloud's quota region `name` has: the ways out, the peer endpoints and the
    gateways.

    An AWS load balancer has one in each of its zones. Those that nobody reserved are not of its quota.
    """
    region = settings.region(name)
    zones = egress_address_count(region)
    per_balancer, unreserved = (zones, 0) if isinstance(region, AwsRegion) else (1, 1)
    endpoints = (
        [endpoint for endpoints in peer_endpoint_specs(settings).values() for endpoint in endpoints]
        if settings.peering_enabled
        else []
    )
    gateway = per_balancer if settings.edge.cdn != "none" else unreserved
    return (
        zones
        + sum(1 if endpoint.single else per_balancer for endpoint in endpoints)
        + (gateway if settings.mesh.enabled else 0)
        + (unreserved if settings.mesh.enabled and settings.peering_enabled else 0)
    )


def security_group_rules(settings: Settings, name: str) -> int:
    """About how many rules AWS makes in the security group of the nodes of region `name`.

    For each load balancer: one for each port and each address that may connect, and (where not everybody may) one for
    each port and subnet, for health checks. Besides, one for each address (ICMP), and the cluster's own.
    """
    zones = egress_address_count(settings.region(name))
    own = 1
    gateway = _GATEWAY_PORTS + 1 if settings.mesh.enabled else 0
    if not settings.peering_enabled:
        return own + gateway
    sources = _sources(settings, name)
    endpoints = [
        1 if endpoint.single else zones
        for endpoints in peer_endpoint_specs(settings).values()
        for endpoint in endpoints
    ]
    east_west = _EAST_WEST_PORTS * (sources + zones) if settings.mesh.enabled else 0
    return own + gateway + sum(sources + subnets for subnets in endpoints) + east_west + sources


def _sources(settings: Settings, name: str) -> int:
    """How many addresses may connect: those of the other regions; while there are none, the region's own."""
    others = [egress_address_count(region) for region in settings.regions if region.name != name]
    return sum(others or [egress_address_count(settings.region(name))])
