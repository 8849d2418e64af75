"""What a region needs of its cloud's quotas, where the usual ones are too small for many regions. Pure."""

from collections.abc import Iterator
from typing import Final

from stacks.doors import store_doors
from stacks.settings import AwsRegion, ExistingRegion, RegionSettings, Settings
from stacks.settings.region_rules import EKS_ZONES

USUAL_RULES: Final = 60
"""Rules of a security group on AWS, unless more are asked for."""

RULES_QUOTA: Final = "L-0EA8095F"
"""AWS's code of that quota ("Inbound or outbound rules per security group", service vpc)."""

_EAST_WEST_PORTS: Final = 2
_GATEWAY_PORTS: Final = 3


def exceeded(settings: Settings) -> Iterator[str]:
    """What the user is told of regions that need more than a cloud gives unasked."""
    for region in settings.regions:
        needed = security_group_rules(settings, region.name) if isinstance(region, AwsRegion) else 0
        if needed > USUAL_RULES:
            yield (
                f"{region.name}: the security group of the nodes gets about {needed} rules. AWS allows {USUAL_RULES} "
                "unless it is asked for more, and then some load balancers would let nobody in. Before this is "
                f"deployed, raise the quota {RULES_QUOTA} (service vpc) in {region.name} to {needed} or more; each "
                "region more adds to it. Where that is done, nothing else is to do."
            )


def security_group_rules(settings: Settings, name: str) -> int:
    """About how many rules AWS makes in the security group of the nodes of region `name`.

    For each load balancer: one for each port and each address that may connect, and (where not everybody may) one for
    each port and subnet, for health checks. Besides, one for each address (ICMP), and the cluster's own.
    """
    zones = _addresses(settings.region(name))
    own = 1
    gateway = _GATEWAY_PORTS + 1 if settings.mesh.enabled else 0
    if not settings.joined:
        return own + gateway
    sources = _sources(settings, name)
    doors = [1 if door.single else zones for doors in store_doors(settings).values() for door in doors]
    east_west = _EAST_WEST_PORTS * (sources + zones) if settings.mesh.enabled else 0
    return own + gateway + sum(sources + subnets for subnets in doors) + east_west + sources


def _sources(settings: Settings, name: str) -> int:
    """How many addresses may connect: those of the other regions; while there are none, the region's own."""
    others = [_addresses(region) for region in settings.regions if region.name != name]
    return sum(others or [_addresses(settings.region(name))])


def _addresses(region: RegionSettings) -> int:
    """How many addresses the region's pods are seen with."""
    match region:
        case AwsRegion():
            return EKS_ZONES if region.zones is None else len(region.zones)
        case ExistingRegion():
            return len(region.egress_addresses)
        case _:
            return 1
