"""All types of the simulated AWS."""

from __future__ import annotations

from typing import Final

from sandbox.providers.aws import cluster, data, edge, network
from sandbox.providers.cloud.kinds import Table

KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}
