"""What can be configured of the edge: where the platform meets its users."""

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings import Model
from components.settings.cloud_values import AzureId, GcpProject
from components.settings.values import AzureLocation, CachedPaths, DnsZone, Domain

DEFAULT_DOMAIN: Final = "sacred-council.localhost"

CREATE_ZONE: Final = "create"

LONGEST_COMMON_NAME: Final = 64
"""Characters of a certificate's common name (RFC 5280, `ub-common-name`); the clouds ask for a certificate with one."""


class EdgeSettings(Model):
    """Where the platform meets its users."""

    domain: Domain = DEFAULT_DOMAIN
    cdn: Literal["none", "gcp", "aws", "azure"] = "none"
    """Whose CDN is in front of all regions, whatever their clouds. `none` makes nothing of what follows."""
    zone: DnsZone = CREATE_ZONE
    """The DNS zone: `create`, or one that exists: its name (gcp), its id (aws), or group/name (azure)."""
    rate_limit: Annotated[int, Field(ge=10, le=10_000)] = 600
    """Requests of one address in a minute."""
    waf: Literal["block", "observe"] = "block"
    """What happens to what the firewall finds."""
    cached_paths: CachedPaths | None = None
    """Beginnings of paths whose answers are kept. None is /<service>/static/ of every service."""
    signing_key: Literal["blue", "green"] = "blue"
    """Which of two keys proves to regions that a request came through the edge; they accept both."""
    project: GcpProject | None = None
    """Of the edge on gcp. None is that of the regions, clouds.gcp.project."""
    subscription: AzureId | None = None
    """Of the edge on azure. None is that of the regions, clouds.azure.subscription, else that of the login."""
    location: AzureLocation = "westeurope"
    """Where Azure keeps the description and the logs of an edge on azure."""
