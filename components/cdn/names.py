"""Names of the edge: hosts, headers, and where regions say that they are well. Pure."""

from typing import Final

TOKEN_HEADER: Final = "x-sacred-edge"  # noqa: S105 - a header's name
"""Carries the edge's token to the regions' gateways, which serve nobody else."""

LABELS: Final = {"part-of": "sacred-council", "managed-by": "pulumi"}
"""Labels (tags) of everything at the edge that can have some: it belongs to no region."""

HTTPS_PORT: Final = 443
HEALTH_PATH: Final = "/healthz/ready"
"""Where regions' gateways answer probes, which have no token. Over HTTPS: without its certificate no region is well."""

HSTS_SECONDS: Final = 365 * 24 * 3600
"""How long browsers remember that the domain has HTTPS only."""

ORIGIN_TTL: Final = 60
"""Seconds that answers of the origins' DNS may be kept: how long a region that is down is still asked."""


def steered_host(domain: str) -> str:
    """The host that leads to the nearest region that is well."""
    return f"origin.{domain}"


def origin_host(region: str, domain: str) -> str:
    """The host that leads to one region's gateway."""
    return f"{region}.{steered_host(domain)}"


def asked_hosts(region: str, domain: str, cdn: str) -> list[str]:
    """The hosts by which a CDN (`gcp`, `aws`, `azure`) asks a region, which its certificate must name.

    Front Door steers by itself, so that on `azure` no DNS has the steered host: no authority would sign it.
    """
    own = origin_host(region, domain)
    return [own] if cdn == "azure" else [own, steered_host(domain)]


LOG_DAYS: Final = 30
"""How long access logs are kept where that can be said: they name users' addresses."""
