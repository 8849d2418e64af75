"""A cluster that is there already."""

from collections.abc import Sequence

import pulumi

from components.cluster import Cluster
from components.cluster.existing import ExistingCluster, ExistingClusterArgs


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster; there is nothing to configure."""
    del networks, protected
    return ExistingCluster("here-cluster", ExistingClusterArgs(region="here"), opts)
