"""All types of the simulated Azure."""

from __future__ import annotations

from typing import Final

from sandbox.providers.azure_native import cluster, data, edge, network
from sandbox.providers.cloud.kinds import Table

KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}
