"""All types of the simulated Azure."""

from __future__ import annotations

from typing import Final

from sandbox.providers.azure_native import cluster, data, edge, network
from sandbox.providers.cloud.kinds import Facts, Table
from sandbox.providers.cloud.offers import Offer, at, refusing


def _place(facts: Facts) -> str:
    return facts.text("location")


_ASKED: Final = {
    "azure-native:containerservice:ManagedCluster": Offer(kind="machine", named=at("agentPoolProfiles[].vmSize")),
    "azure-native:dbforpostgresql:Server": Offer(kind="database", named=at("sku.name")),
    "azure-native:redisenterprise:RedisEnterprise": Offer(kind="cache", named=at("sku.name")),
}
_KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}

KINDS: Final[Table] = refusing(_KINDS, "azure", _place, _ASKED)
