"""What every component of a region needs, in one value that is built once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pulumi

from components.peering import StorePeers
from components.trust import RegionAuthority


@dataclass(frozen=True, kw_only=True)
class RegionLabels:
    """The region and where it is: the labels of its metrics on maps."""

    region: str
    city: str
    latitude: float
    """Degrees."""
    longitude: float
    """Degrees."""
    country: str = ""
    """ISO 3166, or empty."""

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"place of {self.region}: {self.latitude}, {self.longitude} is not on earth")


@dataclass(frozen=True, kw_only=True)
class RegionContext:
    """One region, as its components see it. `stacks.region.Region` builds it, and hands it to each of them."""

    labels: RegionLabels
    namespaces: Mapping[str, pulumi.Output[str]]
    """The region's namespaces, by their names in `components.namespaces`."""
    authority: RegionAuthority
    """Signs the certificates of data services and gateways."""
    options: pulumi.ResourceOptions
    """Parent and Kubernetes provider of the region's components."""
    storage_class: pulumi.Input[str] | None = None
    """Of volumes. None is the cluster's default."""
    peers: Mapping[str, StorePeers] = field(default_factory=dict)
    """The same data service in the other regions, by the name of its namespace. Empty where none is expected."""
    monitored_by: pulumi.Resource | None = None
    """What brings the kinds of the Prometheus operator. None: nothing is monitored."""

    @property
    def region(self) -> str:
        """The region's name."""
        return self.labels.region

    def child(self, opts: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
        """Options of a component of the region; `opts` adds to them, such as aliases."""
        return pulumi.ResourceOptions.merge(self.options, opts)

    def with_monitoring(self, monitored_by: pulumi.Resource | None) -> "RegionContext":
        """The same, once monitoring is there."""
        return replace(self, monitored_by=monitored_by)
