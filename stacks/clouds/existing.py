"""A region on an existing cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import pulumi

from components.cache.managed import ManagedCacheArgs
from components.cluster import ClusterOutputs
from components.cluster.existing import ExistingCluster
from components.cluster.settings import ExistingRegion
from components.database.managed import ManagedDatabaseArgs


class ExistingCloud:
    """Makes nothing: the cluster and its network belong to the user.

    Outputs: `egress_addresses`, from the settings.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(self, region: ExistingRegion) -> None:
        self._region = region
        self.egress_addresses = [pulumi.Output.from_input(address) for address in region.egress_addresses]

    def public_address(self, name: str, only: int | None = None) -> None:
        """None: the cluster assigns its addresses."""

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> "ExistingRegionCluster":
        """The cluster of the region's context. This program does not restrict who may reach its API."""
        return ExistingRegionCluster(region=self._region, built=ExistingCluster(name, self._region, opts))


@dataclass(frozen=True, kw_only=True)
class ExistingRegionCluster:
    """The region's cluster, without managed services. The settings ask for none."""

    region: ExistingRegion
    built: ExistingCluster

    @property
    def outputs(self) -> ClusterOutputs:
        """Outputs of the cluster."""
        return self.built.outputs

    def workload_identity(self, *, namespace: str, service_account: str) -> None:
        """None: no cloud knows the cluster's ServiceAccounts."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> NoReturn:
        """Raises ValueError: no cloud can run a database here."""
        self._refuse("database", name)

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> NoReturn:
        """Raises ValueError: no cloud can run a cache here."""
        self._refuse("cache", name)

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> NoReturn:
        """Raises ValueError: no cloud has object storage here."""
        self._refuse("object_store", name)

    def _refuse(self, what: str, name: str) -> NoReturn:
        raise ValueError(f"{what}: {name} would need a cloud, and region {self.region.name} has none")
