"""Rules about an edge with a CDN. Pure."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from components.addresses import PRIVATE_RANGES
from components.cdn.settings import CREATE_ZONE, LONGEST_COMMON_NAME
from components.cluster.settings import ExistingRegion
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.paths import regions_by_path, sites_by_path

_NOBODY_SIGNS: Final = re.compile(r"(?i)(.*\.)?(localhost|local|internal|test|example|invalid|onion|[0-9]+)")
"""Names outside public DNS (RFC 6761, RFC 6762), and addresses."""

_RESERVED: Final = re.compile(r"(?!xn)[^.]{2}--.*")
"""A label that no authority signs: hyphens at its third and fourth place are reserved for other scripts (RFC 5890).

https://cabforum.org/working-groups/server/baseline-requirements/requirements/, 7.1.2.7.12
"""

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
    "azure": (
        re.compile("[^/]+/.+"),
        "does not name the resource group of the zone",
        "write e.g. my-group/example.org",
    ),
}
"""Format of an existing zone, and rule and remedy for another one, by cloud of the CDN."""


def a_cdn_has_a_public_domain(settings: Settings) -> Iterator[Mistake]:
    """A CDN's domain is in public DNS, so that an authority signs its certificate."""
    domain = settings.edge.domain
    if settings.edge.cdn == "none":
        return
    if "domain" not in settings.edge.model_fields_set:
        yield Mistake(
            path="edge.domain",
            rule="is missing: a CDN needs a domain in public DNS",
            remedy="write e.g. domain: sacred-council.love",
        )
    elif _NOBODY_SIGNS.fullmatch(domain):
        yield Mistake(
            path="edge.domain",
            value=shown(domain),
            rule="is not in public DNS, so no authority signs a certificate for the CDN",
            remedy="write a domain of yours, or cdn: none",
        )
    elif len(domain) > LONGEST_COMMON_NAME:
        yield Mistake(
            path="edge.domain",
            value=shown(domain),
            rule=f"is longer than the {LONGEST_COMMON_NAME} characters that a CDN certificate allows",
            remedy="write a shorter domain",
        )


def authorities_sign_for_the_hosts(settings: Settings) -> Iterator[Mistake]:
    """The domain and the names of the regions, which are labels of their gateways' hosts, may be in a certificate."""
    if settings.edge.cdn == "none":
        return
    named = [("edge.domain", settings.edge.domain)]
    named += [(f"{path}.name", region.name) for path, region in regions_by_path(settings)]
    for path, name in named:
        if any(_RESERVED.fullmatch(label) for label in name.split(".")):
            yield Mistake(
                path=path,
                value=shown(name),
                rule="has hyphens as third and fourth characters, and no authority signs a certificate for such a host",
                remedy="write another name, or cdn: none",
                reads=("edge.cdn",),
            )


def a_cdn_has_a_project(settings: Settings) -> Iterator[Mistake]:
    """Cloud CDN needs a project."""
    if settings.edge.cdn == "gcp" and settings.edge.project is None and settings.clouds.gcp.project is None:
        yield Mistake(
            path="edge.project",
            rule="is missing: Cloud CDN is part of a project, and clouds.gcp names none",
            remedy="add e.g. project: my-project, here or below clouds.gcp",
            reads=("clouds.gcp.project",),
        )


def a_zone_has_the_domain(settings: Settings) -> Iterator[Mistake]:
    """A zone has the format of the CDN's cloud and contains the domain."""
    cdn, zone, domain = settings.edge.cdn, settings.edge.zone, settings.edge.domain
    if cdn == "none" or zone == CREATE_ZONE:
        return
    expression, rule, remedy = _ZONE_NAMES[cdn]
    # Only Azure's zones are called by their domain, after the group.
    _, _, name = zone.partition("/")
    if not expression.fullmatch(zone):
        yield _bad_zone(zone, rule, remedy)
    elif name and "domain" in settings.edge.model_fields_set and not f".{domain}".endswith(f".{name}"):
        yield _bad_zone(zone, f"is a zone that does not contain {domain}", "name the zone that contains the domain")


def _bad_zone(zone: str, rule: str, remedy: str) -> Mistake:
    return Mistake(path="edge.zone", value=shown(zone), rule=rule, remedy=remedy)


def a_cdn_reaches_gateways_of_the_mesh(settings: Settings) -> Iterator[Mistake]:
    """Regions have gateways, with a key exchange that the CDN supports."""
    if settings.edge.cdn != "none" and not settings.mesh.enabled:
        yield Mistake(
            path="mesh.enabled",
            value=shown(False),
            rule="leaves the regions without the gateways that the CDN sends users to",
            remedy="write true, or cdn: none",
        )
    if settings.edge.cdn != "none" and settings.mesh.post_quantum == "strict":
        yield Mistake(
            path="mesh.postQuantum",
            value=shown("strict"),
            rule="locks out the CDN, which reaches the regions with classical key exchange",
            remedy="write prefer, or cdn: none",
        )


def a_cdn_knows_the_gateways(settings: Settings) -> Iterator[Mistake]:
    """The CDN has the address of an existing cluster's gateway and can reach it."""
    cdn = settings.edge.cdn
    for path, region in regions_by_path(settings):
        if cdn == "none" or not isinstance(region, ExistingRegion):
            continue
        address = region.gateway_address
        if address is None:
            yield Mistake(
                path=f"{path}.gatewayAddress",
                rule="is missing: the CDN needs the address of the region's public gateway",
                remedy="add its IPv4 address" if cdn == "gcp" else "add its IPv4 address or host name",
                reads=(f"{path}.cloud",),
            )
        else:
            yield from _unreachable(cdn, f"{path}.gatewayAddress", address)


def a_cdn_reaches_the_sites(settings: Settings) -> Iterator[Mistake]:
    """The CDN can reach the gateways of edge sites that it sends users to."""
    for path, site in sites_by_path(settings):
        if settings.edge.cdn != "none" and site.gateway_address is not None:
            yield from _unreachable(settings.edge.cdn, f"{path}.gatewayAddress", site.gateway_address)


def _unreachable(cdn: str, path: str, address: str) -> Iterator[Mistake]:
    is_address = address.replace(".", "").isdigit()
    if not is_address and cdn == "gcp":
        yield Mistake(
            path=path,
            value=shown(address),
            rule="is not an IPv4 address, and Cloud DNS checks the health of addresses only",
            remedy="write the gateway's address, or choose cdn: aws or azure",
        )
    if is_address and any(IPv4Address(address) in block for block in PRIVATE_RANGES):
        yield Mistake(
            path=path,
            value=shown(address),
            rule="is a private address, which a CDN cannot reach",
            remedy="write the gateway's public address",
        )


RULES: Final = (
    a_cdn_has_a_public_domain,
    authorities_sign_for_the_hosts,
    a_cdn_has_a_project,
    a_zone_has_the_domain,
    a_cdn_reaches_gateways_of_the_mesh,
    a_cdn_knows_the_gateways,
    a_cdn_reaches_the_sites,
)
