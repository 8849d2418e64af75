"""A region's cloud: one module for each, the only one here that imports the cloud's SDK."""

from collections.abc import Sequence
from typing import Final, Protocol

import pulumi

from components.cache import Cache
from components.cache.managed import ManagedCacheArgs
from components.cluster import Cluster, PublicAddress
from components.cluster.maintenance import DAYS, MaintenanceWindow
from components.database import Database
from components.database.managed import ManagedDatabaseArgs
from components.storage import ObjectStore
from stacks.topology import RegionPlan

CLOUD_SLOTS: Final = 64
"""Slots in the catalogue for each cloud."""


class RegionCluster(Cluster, Protocol):
    """A region's cluster and its cloud's managed services."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """Build the region's managed PostgreSQL."""

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """Build the region's managed cache."""

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """Build object storage that `principal` may use. Keeps objects for `retention` days."""


class RegionCloud(Protocol):
    """A region before its cluster: its provider and its network. It waits for no other region."""

    @property
    def egress_addresses(self) -> Sequence[pulumi.Output[str]]:
        """The public IPv4 addresses that the region's pods connect from.

        Empty only for a single `existing` region without `egressAddresses`.
        """

    def public_address(self, name: str, only: int | None = None) -> PublicAddress | None:
        """Reserve an address for a load balancer. Returns None if the cluster assigns one later.

        Where load balancers are zonal, `only` picks a single zone by number, modulo the number of zones: for a load
        balancer in front of a single pod. None: every zone.
        """

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> RegionCluster:
        """Build the region's cluster, whose Kubernetes API `authorized_networks` (CIDR) may reach."""


def maintenance_window(plan: RegionPlan) -> MaintenanceWindow:
    """When the region's cloud may restart nodes. The day follows from the slot, so adding regions does not change it.

    The catalogue numbers each cloud's regions from a multiple of 64, whose first regions also get different days.
    """
    return MaintenanceWindow(day=DAYS[(plan.slot + plan.slot // CLOUD_SLOTS) % len(DAYS)])
