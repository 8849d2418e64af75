"""Redis on Memorystore, the managed cache of Google Cloud."""

from typing import Final

import pulumi
from pulumi_gcp import redis

from components.cache.managed import MAINTENANCE_HOUR, Endpoint, ManagedCacheArgs, connect
from components.cache.settings import EVICTION
from components.cluster.gke import GkeNetwork
from components.cluster.gke.encryption import GkeKeyUse, GkeKeyUseArgs
from components.cluster.gke.managed_services import GkePrivateServices
from components.cluster.location import common_labels
from components.cluster.settings import GcpRegion
from components.connection import DataServiceComponent
from components.quantities import gibibytes, quantity_bytes

VERSION: Final = "REDIS_7_2"
"""The newest version of Memorystore for Redis. Memorystore for Valkey is newer, but has no passwords."""
TLS_PORT: Final = 6378


class Memorystore(DataServiceComponent):
    """A Redis with a password and TLS, reachable only from the region's network over private services access.

    Each instance has its own CA. `host` is an address: clients verify the CA, and Google decides whether the
    certificate names the address.
    `key_id` encrypts stored data.
    The component needs the project's APIs redis and servicenetworking.
    With several `replicas` there are two nodes, because more would serve only reads.

    Outputs: those of `components.cache.Cache`.
    """

    def __init__(
        self,
        name: str,
        args: ManagedCacheArgs,
        *,
        region: GcpRegion,
        network: GkeNetwork,
        key_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cache:Memorystore", name, None, opts)
        self._region, self._network = region, network
        child = pulumi.ResourceOptions(parent=self)
        instance = self._instance(name, args, key_id)
        endpoint = Endpoint(
            host=instance.host,
            port=TLS_PORT,
            addresses=str(network.args.addresses.managed),
            password=pulumi.Output.secret(instance.auth_string),
            authority=instance.server_ca_certs.apply(lambda known: "\n".join(one.cert for one in known)),
        )
        self.offer(connect(name, args, endpoint, child))

    def _instance(self, name: str, args: ManagedCacheArgs, key_id: pulumi.Input[str]) -> redis.Instance:
        region, network, asked = self._region, self._network, args.settings
        child = pulumi.ResourceOptions(parent=self)
        key = GkeKeyUse(
            f"{name}-key",
            GkeKeyUseArgs(project=region.project, service="redis.googleapis.com", key_id=key_id),
            child,
        )
        private = GkePrivateServices(f"{name}-private-services", network, child)
        size, data = gibibytes("memory", asked.memory), quantity_bytes("max_memory", asked.max_memory) / 2**30
        return redis.Instance(
            name,
            project=region.project,
            region=network.args.location,
            tier="STANDARD_HA" if asked.replicas > 1 else "BASIC",
            memory_size_gb=size,
            redis_version=VERSION,
            redis_configs={"maxmemory-policy": EVICTION, "maxmemory-gb": f"{min(data, size):g}"},
            connect_mode="PRIVATE_SERVICE_ACCESS",
            authorized_network=network.network_id,
            reserved_ip_range=private.range_name,
            auth_enabled=True,
            transit_encryption_mode="SERVER_AUTHENTICATION",
            customer_managed_key=key.key_id,
            persistence_config=redis.InstancePersistenceConfigArgs(
                persistence_mode="RDB", rdb_snapshot_period="ONE_HOUR"
            ),
            maintenance_policy=_maintenance(args.maintenance_day),
            deletion_protection=region.deletion_protection,
            labels=common_labels(network.args),
            opts=pulumi.ResourceOptions(parent=self, protect=region.deletion_protection),
        )


def _maintenance(day: str) -> redis.InstanceMaintenancePolicyArgs:
    start = redis.InstanceMaintenancePolicyWeeklyMaintenanceWindowStartTimeArgs(
        hours=MAINTENANCE_HOUR, minutes=0, seconds=0, nanos=0
    )
    return redis.InstanceMaintenancePolicyArgs(
        weekly_maintenance_windows=[
            redis.InstanceMaintenancePolicyWeeklyMaintenanceWindowArgs(day=day.upper(), start_time=start)
        ]
    )
