"""All types of the simulated Google Cloud."""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud.kinds import Table
from sandbox.providers.cloud.offers import Offer, at, refusing
from sandbox.providers.gcp import cluster, data, edge, network
from sandbox.providers.gcp.make import place

_ASKED: Final = {
    "gcp:container/nodePool:NodePool": Offer(kind="machine", named=at("nodeConfig.machineType")),
    "gcp:sql/databaseInstance:DatabaseInstance": Offer(kind="database", named=at("settings.tier")),
}
_KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}

KINDS: Final[Table] = refusing(_KINDS, "gcp", place, _ASKED)
