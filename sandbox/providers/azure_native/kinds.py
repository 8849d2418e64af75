"""All types of the simulated Azure."""

from __future__ import annotations

from typing import Final

from components.offers import Use
from sandbox.providers.azure_native import cluster, data, edge, network
from sandbox.providers.cloud.kinds import Facts, Table
from sandbox.providers.cloud.offers import Offer, at, refusing


def _place(facts: Facts) -> str:
    """A resource's location; a node pool, which has none, is where its cluster is."""
    beside = (
        other.inputs
        for other in facts.others(cluster.CLUSTER)
        if other.inputs["resourceName"] == facts.text("resourceName")
    )
    return facts.text("location") or str(next(beside, {}).get("location", ""))


def _use(facts: Facts) -> Use:
    """Whether the machines of a pool start without secure boot, as Azure's driver for GPUs needs it."""
    boot = (facts.inputs.get("securityProfile") or {}).get("enableSecureBoot")
    return "gpu" if boot is False else "system"


_ASKED: Final = {
    "azure-native:containerservice:ManagedCluster": Offer(
        kind="machine", named=at("agentPoolProfiles[].vmSize"), use="system"
    ),
    "azure-native:containerservice:AgentPool": Offer(kind="machine", named=at("vmSize"), use=_use),
    "azure-native:dbforpostgresql:Server": Offer(kind="database", named=at("sku.name")),
    "azure-native:redisenterprise:RedisEnterprise": Offer(kind="cache", named=at("sku.name")),
}
_KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}

KINDS: Final[Table] = refusing(_KINDS, "azure", _place, _ASKED)
