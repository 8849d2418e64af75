"""The values that every component of a region needs, built once per region."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pulumi

from components.peering import StorePeers
from components.trust import RegionAuthority


@dataclass(frozen=True, kw_only=True)
class RegionLabels:
    """A region and its place on the map. Metrics carry these values as labels."""

    region: str
    city: str
    latitude: float
    """Degrees."""
    longitude: float
    """Degrees."""
    country: str = ""
    """ISO 3166 code, or empty."""

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"place of {self.region}: {self.latitude}, {self.longitude} is not on earth")


@dataclass(frozen=True, kw_only=True)
class RegionContext:
    """One region, as its components see it. `stacks.region.Region` builds it and passes it to each component."""

    labels: RegionLabels
    domain: str
    """Host of the public gateway: all regions have the same."""
    namespaces: Mapping[str, pulumi.Output[str]]
    """Names of the region's namespaces, by the constants in `components.namespaces`."""
    authority: RegionAuthority
    """Signs the certificates of data services and gateways."""
    options: pulumi.ResourceOptions
    """Parent and Kubernetes provider of the region's components."""
    storage_class: pulumi.Input[str] | None = None
    """Storage class of volumes. None: the cluster's default."""
    peers: Mapping[str, StorePeers] = field(default_factory=dict)
    """The other regions' instances of each data service, by the name of its namespace. Empty for a single region."""
    monitored_by: pulumi.Resource | None = None
    """The resource that installs the Prometheus operator's kinds. None: the region has no monitoring."""

    @property
    def region(self) -> str:
        """The region's name."""
        return self.labels.region

    def child(self, opts: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
        """Return the options for one component of the region, merged with `opts` (for example aliases)."""
        return pulumi.ResourceOptions.merge(self.options, opts)

    def with_monitoring(self, monitored_by: pulumi.Resource | None) -> "RegionContext":
        """Return the same context with `monitored_by` set."""
        return replace(self, monitored_by=monitored_by)
