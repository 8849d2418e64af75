"""All types of the simulated Google Cloud."""

from __future__ import annotations

from typing import Final

from components.offers import Use
from sandbox.providers.cloud.kinds import Facts, Table
from sandbox.providers.cloud.offers import Offer, at, refusing
from sandbox.providers.gcp import cluster, data, edge, network
from sandbox.providers.gcp.make import place


def _use(facts: Facts) -> Use:
    """Whether a pool says which GPUs its machines have."""
    return "gpu" if (facts.inputs.get("nodeConfig") or {}).get("guestAccelerators") else "machine"


_ASKED: Final = {
    "gcp:container/nodePool:NodePool": Offer(kind="machine", named=at("nodeConfig.machineType"), use=_use),
    "gcp:sql/databaseInstance:DatabaseInstance": Offer(kind="database", named=at("settings.tier")),
}
_KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}

KINDS: Final[Table] = refusing(_KINDS, "gcp", place, _ASKED)
