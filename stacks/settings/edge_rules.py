"""Rules of the edge. They read plain values, so that they speak even when single settings are wrong. Pure."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from components.cdn.settings import CREATE_ZONE
from components.settings.values import GatewayAddress, text_if_valid
from stacks.settings.data_service_rules import section
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain

CDNS: Final = ("gcp", "aws", "azure")

_PRIVATE: Final = tuple(
    IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""Addresses that nothing on the internet can call (RFC 1918, RFC 6598)."""

_LONGEST_COMMON_NAME: Final = 64
"""Characters of a certificate's common name (RFC 5280, `ub-common-name`); the clouds ask for a certificate with one."""

_NOBODY_SIGNS: Final = re.compile(r"(?i)(.*\.)?(localhost|local|internal|test|example|invalid|onion|[0-9]+)")
"""Names outside public DNS (RFC 6761, RFC 6762), and addresses."""

_ZONE_NAMES: Final = {
    "gcp": (
        re.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?"),
        "is not the name of a zone of Cloud DNS",
        "`gcloud dns managed-zones list` shows them",
    ),
    "aws": (
        re.compile("Z[A-Z0-9]{1,31}"),
        "is not the id of a zone of Route 53",
        "`aws route53 list-hosted-zones` shows them, after /hostedzone/",
    ),
}


def broken_edge_rules(values: Plain, regions: Mapping[int, Plain]) -> Iterator[Mistake]:
    """All mistakes of an edge with a CDN; nothing is asked of one without."""
    edge = section(values, "edge")
    cdn = edge.get("cdn")
    if cdn not in CDNS:
        return
    if edge.get("domain") is None:
        yield Mistake(
            path=path_of("edge", "domain"),
            value="",
            rule="is missing: a CDN needs a domain that the world can look up",
            remedy="write e.g. domain: sacred-council.love",
        )
    yield from _domain(edge.get("domain"))
    yield from _account(str(cdn), edge, section(values, "clouds"))
    yield from _zone(str(cdn), edge)
    yield from _mesh(section(values, "mesh"))
    for index, region in regions.items():
        if region.get("cloud") == "existing":
            yield from _gateway(str(cdn), index, region)


def _domain(domain: object) -> Iterator[Mistake]:
    if not isinstance(domain, str):
        return
    path = path_of("edge", "domain")
    if _NOBODY_SIGNS.fullmatch(domain):
        yield Mistake(
            path=path,
            value=shown(domain),
            rule="is not in public DNS, so no authority signs a certificate for the CDN",
            remedy="write a domain of yours, or cdn: none",
        )
    elif len(domain) > _LONGEST_COMMON_NAME:
        yield Mistake(
            path=path,
            value=shown(domain),
            rule=f"is longer than the {_LONGEST_COMMON_NAME} characters that a certificate of a CDN can have",
            remedy="write a shorter domain",
        )


def _account(cdn: str, edge: Plain, clouds: Plain) -> Iterator[Mistake]:
    if cdn == "gcp" and edge.get("project") is None and section(clouds, "gcp").get("project") is None:
        yield Mistake(
            path=path_of("edge", "project"),
            value="",
            rule="is missing: Cloud CDN is part of a project, and clouds.gcp names none",
            remedy="add e.g. project: my-project, here or below clouds.gcp",
        )


def _zone(cdn: str, edge: Plain) -> Iterator[Mistake]:
    zone, domain = edge.get("zone", CREATE_ZONE), edge.get("domain")
    if not isinstance(zone, str) or zone == CREATE_ZONE:
        return
    group, _, name = zone.partition("/")
    if cdn in _ZONE_NAMES:
        expression, rule, remedy = _ZONE_NAMES[cdn]
        if not expression.fullmatch(zone):
            yield _bad_zone(zone, rule, remedy)
    elif not (group and name):
        yield _bad_zone(zone, "does not say which resource group the zone is in", "write e.g. my-group/example.org")
    elif isinstance(domain, str) and not f".{domain}".endswith(f".{name}"):
        yield _bad_zone(zone, f"is a zone that {domain} is not part of", "name the zone that the domain is in")


def _bad_zone(zone: str, rule: str, remedy: str) -> Mistake:
    return Mistake(path=path_of("edge", "zone"), value=shown(zone), rule=rule, remedy=remedy)


def _mesh(mesh: Plain) -> Iterator[Mistake]:
    if mesh.get("enabled") is False:
        yield Mistake(
            path=path_of("mesh", "enabled"),
            value=shown(False),
            rule="leaves the regions without the gateways that the CDN sends users to",
            remedy="write true, or cdn: none",
        )
    if mesh.get("postQuantum") == "strict":
        yield Mistake(
            path=path_of("mesh", "postQuantum"),
            value=shown("strict"),
            rule="shuts the CDN out: to the regions it uses classical key exchange",
            remedy="write prefer, or cdn: none",
        )


def _gateway(cdn: str, index: int, region: Plain) -> Iterator[Mistake]:
    path, address = path_of("regions", index, "gatewayAddress"), region.get("gatewayAddress")
    if address is None:
        yield Mistake(
            path=path,
            value="",
            rule="is missing: the CDN must know where the region's public gateway is",
            remedy="add its IPv4 address" if cdn == "gcp" else "add its IPv4 address or host name",
        )
    elif (valid := text_if_valid(GatewayAddress, address)) is None:
        return
    elif not valid.replace(".", "").isdigit():
        if cdn == "gcp":
            yield Mistake(
                path=path,
                value=shown(address),
                rule="is not an IPv4 address, and Cloud DNS looks after the health of addresses only",
                remedy="write the gateway's address, or choose cdn: aws or azure",
            )
    elif any(IPv4Address(valid) in block for block in _PRIVATE):
        yield Mistake(
            path=path,
            value=shown(address),
            rule="is a private address, and a CDN comes over the internet",
            remedy="write the gateway's public address",
        )
