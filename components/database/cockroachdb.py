"""CockroachDB in the cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.quantities import quantity_bytes
from components.trust import RegionAuthority

MINIMUM_REPLICATED = 3


@dataclass(frozen=True, kw_only=True)
class CockroachDBArgs:
    """One region's part of a CockroachDB cluster.

    `nodes` is 1 or at least 3; `storage`, `cpu` and `memory` are per node, `storage_class` None is the cluster's
    default. `database` and `username` are made for the application. `license_key` is needed seven days after a
    cluster of more than one node has started.

    With several regions: `peers` are addresses (host:port) of other regions' nodes to join, `extra_dns_names` and
    `extra_ip_addresses` are what other regions call this one's nodes, and exactly one region has `founder` true: it
    initialises the cluster and makes the database. `monitored_by` brings the ServiceMonitor kind; None goes
    without.
    """

    region: str
    authority: RegionAuthority
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    nodes: int = 1
    storage: str = "10Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "500m"
    memory: str = "1Gi"
    database: str = "sacred_council"
    username: str = "sacred_council"
    license_key: pulumi.Input[str] | None = None
    peers: Sequence[str] = ()
    extra_dns_names: Sequence[pulumi.Input[str]] = ()
    extra_ip_addresses: Sequence[pulumi.Input[str]] = ()
    founder: bool = True
    monitored_by: pulumi.Resource | None = None

    def __post_init__(self) -> None:
        if self.nodes != 1 and self.nodes < MINIMUM_REPLICATED:
            raise ValueError(
                f"nodes: expected 1 or at least {MINIMUM_REPLICATED}, got {self.nodes}; two nodes lose the majority"
                " when one fails"
            )
        quantity_bytes("storage", self.storage)
        quantity_bytes("memory", self.memory)
