"""NATS with JetStream in the cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.quantities import quantity_bytes
from components.trust import RegionAuthority

SERVER_COUNTS = (1, 3, 5)


@dataclass(frozen=True, kw_only=True)
class NatsArgs:
    """`servers` is 1, 3 or 5; `storage`, `cpu` and `memory` are per server, `storage_class` None is the cluster's
    default. `monitored_by` brings the ServiceMonitor kind; None goes without.

    With several regions: `extra_dns_names` and `extra_ip_addresses` are what other regions call this one's gateway.
    """

    region: str
    authority: RegionAuthority
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    servers: int = 1
    storage: str = "2Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "100m"
    memory: str = "256Mi"
    extra_dns_names: Sequence[pulumi.Input[str]] = ()
    extra_ip_addresses: Sequence[pulumi.Input[str]] = ()
    monitored_by: pulumi.Resource | None = None

    def __post_init__(self) -> None:
        if self.servers not in SERVER_COUNTS:
            raise ValueError(f"servers: expected 1, 3 or 5, got {self.servers}; JetStream votes by majority")
        quantity_bytes("storage", self.storage)
        quantity_bytes("memory", self.memory)
