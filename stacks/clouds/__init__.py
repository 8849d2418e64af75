"""What a region stands on: one module for each cloud, which alone imports the cloud's SDK."""

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
"""Slots that the catalogue has for each cloud."""


class RegionCluster(Cluster, Protocol):
    """A region's cluster, and what its cloud runs beside it."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """Build the region's PostgreSQL, which the cloud runs."""

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """Build the region's cache, which the cloud runs."""

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """Build object storage in the region's cloud that `principal` may use, kept for `retention` days."""


class RegionCloud(Protocol):
    """What a region has before its cluster: the way to its cloud, and a network. It waits for no other region."""

    @property
    def egress_addresses(self) -> Sequence[pulumi.Output[str]]:
        """The IPv4 addresses that the region's pods are seen with from outside.

        Empty only for a single `existing` region without `egressAddresses`.
        """

    def public_address(self, name: str, only: int | None = None) -> PublicAddress | None:
        """Reserve an address for a load balancer. None: the cluster gives it one, once it stands.

        Where load balancers stand in zones, `only` is the number of the single zone that this one stands in, counted
        around: right for what is in front of a single pod. None is every zone.
        """

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> RegionCluster:
        """Build the region's cluster, whose Kubernetes API `authorized_networks` (CIDR) may reach."""


def maintenance_window(plan: RegionPlan) -> MaintenanceWindow:
    """When the region's cloud may restart nodes: its day follows from its slot, so it stays when regions come or go.

    The catalogue numbers each cloud's regions from a multiple of 64: their first regions get different days, too.
    """
    return MaintenanceWindow(day=DAYS[(plan.slot + plan.slot // CLOUD_SLOTS) % len(DAYS)])
