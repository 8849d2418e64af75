"""All types of the simulated Google Cloud."""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud.kinds import Table
from sandbox.providers.gcp import cluster, data, edge, network

KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}
