"""Where a region is in its cloud, and what all that it has there has in common: labels, and how long logs are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from components.addresses import AddressRanges

LOG_RETENTION_DAYS: Final = 90
"""How long logs of clusters, networks and databases are kept where that can be said."""

FLOW_LOG_MINUTES: Final = 10
"""What one entry of a flow log sums up: the most that every cloud can, because entries are what costs."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """A region's network in its cloud."""

    region: str
    """The platform's name of the region."""
    location: str
    """The cloud's name of the region."""
    addresses: AddressRanges
    flow_logs: bool = False
    """Whether the network records who spoke to whom."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Added to the common ones."""


def common_labels(args: NetworkArgs) -> dict[str, str]:
    """Labels (tags) of everything a region has in its cloud: in letters that all three clouds take."""
    return {"part-of": "sacred-council", "managed-by": "pulumi", "region": args.region, **args.labels}
