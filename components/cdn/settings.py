"""Settings of the edge, where the platform meets its users."""

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings import Model
from components.settings.cloud_values import AzureId, GcpProject
from components.settings.values import AzureLocation, CachedPaths, DnsZone, Domain, SigningKey

DEFAULT_DOMAIN: Final = "sacred-council.localhost"

CREATE_ZONE: Final = "create"

LONGEST_COMMON_NAME: Final = 64
"""Characters of a certificate's common name (RFC 5280, `ub-common-name`); the clouds ask for a certificate with one."""


class EdgeSettings(Model):
    """Where the platform meets its users."""

    domain: Domain = DEFAULT_DOMAIN
    """Domain that users see. With a `cdn` it is a domain of yours, and has to be delegated:
    docs/runbooks/delegate-domain.md."""
    cdn: Literal["none", "gcp", "aws", "azure"] = "none"
    """Whose CDN is in front of all regions, whatever their clouds. With `none` the other keys have no effect, except
    `domain`."""
    zone: DnsZone = CREATE_ZONE
    """DNS zone of the domain: `create`, or one that exists: its name (`gcp`), its id (`aws`) or group/name (`azure`).
    """
    rate_limit: Annotated[int, Field(ge=10, le=10_000)] = 600
    """Most requests of one address in a minute."""
    waf: Literal["block", "observe"] = "block"
    """What the firewall does with requests that break its rules: `block` refuses them, `observe` only logs them."""
    cached_paths: CachedPaths | None = None
    """Beginnings of paths whose answers are kept at the edge, at most 25. None: `/<service>/static/` of every
    service."""
    signing_key: SigningKey = "blue"
    """Which of two keys proves to the regions that a request came through the edge; they accept both. To change it, see
    docs/runbooks/rotate-edge-key.md."""
    project: GcpProject | None = None
    """Id of the Google Cloud project of the edge, with `cdn: gcp`. None: `clouds.gcp.project`."""
    subscription: AzureId | None = None
    """Id of the subscription of the edge, with `cdn: azure`. None: `clouds.azure.subscription`, else the subscription
    of the login."""
    location: AzureLocation = "westeurope"
    """Location of the edge's description and logs, with `cdn: azure`."""
