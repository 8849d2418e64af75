"""Circles' voice and video in a stack: addresses of servers, their hosts, and what services need to let people in."""

from collections.abc import Mapping, Sequence

import pulumi

from components.cdn import ServerHost
from components.circles.access import CirclesAccess, CirclesHome, CirclesKeys
from components.circles.configuration import pod, public_url
from components.circles.endpoints import ServerAddresses
from stacks.clouds import RegionCloud
from stacks.edge import region_host
from stacks.settings import Settings
from stacks.topology import RegionPlan

Addresses = Mapping[str, Sequence[ServerAddresses]]
"""The reserved addresses of each region's servers, by region."""


def reserve_addresses(settings: Settings, plans: Sequence[RegionPlan], clouds: Mapping[str, RegionCloud]) -> Addresses:
    """Reserve the servers' addresses, before the clusters: DNS names them. Empty without circles."""
    if not settings.circles.enabled:
        return {}
    numbers = range(settings.circles.servers)
    return {plan.name: [_reserved(clouds[plan.name], plan.name, index) for index in numbers] for plan in plans}


def _reserved(cloud: RegionCloud, region: str, index: int) -> ServerAddresses:
    name = f"{region}-{pod(index)}"
    udp = cloud.public_address(f"{name}-udp", index)
    if udp is None:
        return ServerAddresses()
    return ServerAddresses(udp=udp, tcp=udp if udp.shared else cloud.public_address(f"{name}-tcp", index))


def server_hosts(addresses: Addresses) -> Sequence[ServerHost]:
    """What DNS says about the servers: where TURN over TLS is. Addresses that a cluster assigns are not in DNS."""
    return [
        ServerHost(region=region, label=pod(index), addresses=server.tcp.addresses)
        for region, servers in addresses.items()
        for index, server in enumerate(servers)
        if server.tcp is not None
    ]


def homes(settings: Settings, plans: Sequence[RegionPlan]) -> Sequence[CirclesHome]:
    """The regions that may hold a circle's call: those that take users, sorted by name. Pure."""
    return [
        CirclesHome(
            region=plan.name,
            url=public_url(region_host(settings, plan.name)),
            latitude=plan.place.latitude,
            longitude=plan.place.longitude,
        )
        for plan in sorted(plans, key=lambda plan: plan.name)
        if plan.traffic
    ]


def access(
    name: str, settings: Settings, plans: Sequence[RegionPlan], opts: pulumi.ResourceOptions
) -> CirclesAccess | None:
    """Make the keys `name` with which the services of all regions let people in. None without circles."""
    if not settings.circles.enabled:
        return None
    return CirclesAccess(
        keys=CirclesKeys(name, opts),
        signing_key=settings.circles.signing_key,
        homes=homes(settings, plans),
    )
