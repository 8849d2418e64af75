"""Names of the edge: hosts, headers, where regions say that they are well, and who may sign certificates. Pure."""

from dataclasses import dataclass
from typing import Final

TOKEN_HEADER: Final = "x-sacred-edge"  # noqa: S105 - a header's name
"""Carries the edge's token to the regions' gateways, which serve nobody else."""

LANGUAGE_HEADER: Final = "x-sacred-language"
"""One BCP 47 tag in its usual spelling (pt-BR), set at the edge: Istio compares strings and knows no q-values."""

LABELS: Final = {"part-of": "sacred-council", "managed-by": "pulumi"}
"""Labels (tags) of everything at the edge that can have some: it belongs to no region."""

HTTPS_PORT: Final = 443
HEALTH_PATH: Final = "/healthz/ready"
"""Where regions' gateways answer probes, which have no token. Over HTTPS: without its certificate no region is well."""

HSTS_SECONDS: Final = 365 * 24 * 3600
"""How long browsers remember that the domain has HTTPS only."""

ORIGIN_TTL: Final = 60
"""Seconds that answers of the origins' DNS may be kept: how long a region that is down is still asked."""

LOG_DAYS: Final = 30
"""How long access logs are kept where that can be said: they name users' addresses."""

ORIGIN_AUTHORITY: Final = "letsencrypt.org"
"""Signs the certificates of the regions' gateways."""


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


@dataclass(frozen=True, kw_only=True)
class Authority:
    """One CAA record (RFC 8659)."""

    flags: int
    tag: str
    value: str


def authority_records(
    domain: str, cdn_authority: str, *, steered_by_alias: bool = False
) -> list[tuple[str, str, list[Authority]]]:
    """Purpose, host and records: the CDN's authority for the domain, the gateways' for all below the steered host.

    Nobody may sign wildcards, and the gateways' authority must have asked the gateways themselves. Where the steered
    host is an alias (CNAME) nothing else may have its name (RFC 1034, section 3.6.2): both sign for the whole domain.
    """
    nobody = Authority(flags=0, tag="issuewild", value=";")
    cdn = Authority(flags=0, tag="issue", value=cdn_authority)
    gateways = Authority(flags=0, tag="issue", value=f"{ORIGIN_AUTHORITY}; validationmethods=http-01")
    if steered_by_alias:
        return [("domain", domain, [cdn, gateways, nobody])]
    return [("domain", domain, [cdn, nobody]), ("origin", steered_host(domain), [gateways, nobody])]
