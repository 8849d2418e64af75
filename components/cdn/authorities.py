"""Who may sign certificates for the edge's names (CAA records, RFC 8659). Pure."""

from dataclasses import dataclass
from typing import Final

from components.cdn import names

ORIGIN_AUTHORITY: Final = "letsencrypt.org"
"""Signs the certificates of the regions' gateways."""


@dataclass(frozen=True, kw_only=True)
class Authority:
    """One CAA record."""

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
    return [("domain", domain, [cdn, nobody]), ("origin", names.steered_host(domain), [gateways, nobody])]
