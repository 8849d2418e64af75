"""A region on a cluster that is there already."""

from collections.abc import Sequence
from typing import NoReturn

import pulumi

from components.cache.arguments import ManagedCacheArgs
from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from components.cluster.settings import ExistingRegion
from components.database.arguments import ManagedDatabaseArgs


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
    ) -> ExistingCluster:
        """The cluster of the region's context. Who may reach its API is not ours to say."""
        region = self._region
        args = ExistingClusterArgs(
            region=region.name,
            context=region.context,
            egress_addresses=region.egress_addresses,
            platform=region.platform,
        )
        return ExistingCluster(name, args, opts)

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> NoReturn:
        """ValueError: there is no cloud here to run a database. The settings say so before."""
        raise ValueError(f"database: {name} would need a cloud, and region {args.region} has none")

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> NoReturn:
        """ValueError: there is no cloud here to run a cache. The settings say so before."""
        raise ValueError(f"cache: {name} would need a cloud, and region {args.region} has none")

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> NoReturn:
        """ValueError: there is no cloud here with object storage. The settings say so before."""
        raise ValueError(f"object_store: {name} would need a cloud, and region {self._region.name} has none")
