"""A region's cloud: one module for each, the only one here that imports the cloud's SDK."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import pulumi

from components.cache import Cache
from components.cache.managed import ManagedCacheArgs
from components.cluster import Cluster, ClusterOutputs, PublicAddress, WorkloadIdentity
from components.cluster.maintenance import DAYS, MaintenanceWindow
from components.database import Database
from components.database.managed import ManagedDatabaseArgs
from components.storage import ObjectStore
from stacks.topology import RegionPlan

RegionT = TypeVar("RegionT")
NetworkT = TypeVar("NetworkT")
ClusterT = TypeVar("ClusterT", bound=Cluster)

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


@dataclass(frozen=True, kw_only=True)
class CloudCluster(Generic[RegionT, NetworkT, ClusterT]):
    """What the clusters of all clouds have in common: the region's settings, its network and the cluster itself."""

    region: RegionT
    network: NetworkT
    built: ClusterT
    with_cloud: pulumi.ResourceOptions
    """The provider of the region's cloud."""

    @property
    def outputs(self) -> ClusterOutputs:
        """Outputs of the cluster."""
        return self.built.outputs

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity | None:
        """An identity for a ServiceAccount; every cloud gives one."""
        return self.built.workload_identity(namespace=namespace, service_account=service_account)

    def in_cloud(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """`opts` with the provider of the region's cloud."""
        return pulumi.ResourceOptions.merge(opts, self.with_cloud)


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
