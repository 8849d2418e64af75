"""Names of the edge: hosts, headers, health path, and certificate authorities. Pure."""

from dataclasses import dataclass
from typing import Final

from components.durations import DAY_SECONDS

TOKEN_HEADER: Final = "x-sacred-edge"  # noqa: S105 - a header's name
"""Carries the edge's token to the regions' gateways, which serve nobody without it."""

LANGUAGE_HEADER: Final = "x-sacred-language"
"""One BCP 47 tag in its usual spelling (pt-BR). The edge sets it, because Istio only compares strings."""

HEALTH_PATH: Final = "/healthz/ready"
"""Path where gateways answer probes without a token, over HTTPS: a region without a certificate is unhealthy."""

HSTS_SECONDS: Final = 365 * DAY_SECONDS
"""Seconds for which browsers use only HTTPS for the domain."""

ORIGIN_TTL: Final = 60
"""Seconds to cache the origins' DNS answers. For this long, a region that is down still gets requests."""

LOG_DAYS: Final = 30
"""Retention of access logs, where the CDN lets us set it. They contain users' addresses."""

ORIGIN_AUTHORITY: Final = "letsencrypt.org"
"""The authority that signs the certificates of the regions' gateways."""


def steered_host(domain: str) -> str:
    """Return the host that leads to the nearest healthy region."""
    return f"origin.{domain}"


def origin_host(region: str, domain: str) -> str:
    """Return the host that leads to one region's gateway."""
    return f"{region}.{steered_host(domain)}"


def server_host(label: str, region: str, domain: str) -> str:
    """Return the host that leads to one server of a region, whatever leads to the region's gateway."""
    return f"{label}.{origin_host(region, domain)}"


_STEERED_BY_DNS: Final = {"gcp": True, "aws": True, "azure": False}
"""Whether the steered host is in DNS, by cloud of the CDN. Front Door steers by itself."""


def asked_hosts(region: str, domain: str, cdn: str) -> list[str]:
    """Return the hosts by which a CDN (`gcp`, `aws`, `azure`) asks a region. The region's certificate names them.

    Without a DNS record of the steered host, no authority would sign it.
    """
    own = origin_host(region, domain)
    return [own, steered_host(domain)] if _STEERED_BY_DNS[cdn] else [own]


@dataclass(frozen=True, kw_only=True)
class Authority:
    """One CAA record (RFC 8659)."""

    flags: int
    tag: str
    value: str


def authority_records(
    domain: str, cdn_authority: str, *, steered_by_alias: bool = False
) -> list[tuple[str, str, list[Authority]]]:
    """Return purpose, host and CAA records: the CDN's authority for the domain, the gateways' for the steered host.

    Nobody may sign wildcards, and the gateways' authority must validate through the gateways themselves.
    If the steered host is an alias (CNAME), it can have no other records (RFC 1034, section 3.6.2). Then both
    authorities may sign for the whole domain.
    """
    nobody = Authority(flags=0, tag="issuewild", value=";")
    cdn = Authority(flags=0, tag="issue", value=cdn_authority)
    gateways = Authority(flags=0, tag="issue", value=f"{ORIGIN_AUTHORITY}; validationmethods=http-01")
    if steered_by_alias:
        return [("domain", domain, [cdn, gateways, nobody])]
    return [("domain", domain, [cdn, nobody]), ("origin", steered_host(domain), [gateways, nobody])]
