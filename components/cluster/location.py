"""A region's place in its cloud, its common labels, and the retention of its logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from components.addresses import AddressRanges
from components.metadata import CLOUD_LABELS

LOG_RETENTION_DAYS: Final = 90
"""Retention of logs of clusters, networks and databases, where the cloud lets us set it."""

FLOW_LOG_MINUTES: Final = 10
"""Minutes that one entry of a flow log covers: the longest that every cloud offers, because entries cost money."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """A region's network in its cloud."""

    region: str
    """The platform's name of the region."""
    location: str
    """The cloud's name of the region."""
    addresses: AddressRanges
    flow_logs: bool = False
    """Whether the network logs its connections."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels besides the common ones."""


def common_labels(args: NetworkArgs) -> dict[str, str]:
    """Return the labels (tags) of all cloud resources of a region, in characters that all three clouds accept."""
    return {**CLOUD_LABELS, "region": args.region, **args.labels}
