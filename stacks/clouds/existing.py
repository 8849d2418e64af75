"""A region on a cluster that is there already."""

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
    """Nothing is made: the cluster and its network are the user's.

    Outputs: `egress_addresses`, as the settings say them.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(self, region: ExistingRegion) -> None:
        self._region = region
        self.egress_addresses = [pulumi.Output.from_input(address) for address in region.egress_addresses]

    def public_address(self, name: str, only: int | None = None) -> None:
        """None: addresses are the cluster's own to give."""

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> "ExistingRegionCluster":
        """The cluster of the region's context. Who may reach its API is not ours to say."""
        return ExistingRegionCluster(region=self._region, built=ExistingCluster(name, self._region, opts))


@dataclass(frozen=True, kw_only=True)
class ExistingRegionCluster:
    """The region's cluster. No cloud runs anything beside it, and the settings ask for nothing that it would run."""

    region: ExistingRegion
    built: ExistingCluster

    @property
    def outputs(self) -> ClusterOutputs:
        """What the cluster gives."""
        return self.built.outputs

    def workload_identity(self, *, namespace: str, service_account: str) -> None:
        """None: the cluster belongs to no cloud that could know its ServiceAccounts."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> NoReturn:
        """ValueError: there is no cloud here to run a database."""
        self._refuse("database", name)

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> NoReturn:
        """ValueError: there is no cloud here to run a cache."""
        self._refuse("cache", name)

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> NoReturn:
        """ValueError: there is no cloud here with object storage."""
        self._refuse("object_store", name)

    def _refuse(self, what: str, name: str) -> NoReturn:
        raise ValueError(f"{what}: {name} would need a cloud, and region {self.region.name} has none")
