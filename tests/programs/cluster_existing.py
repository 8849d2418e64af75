"""A cluster that exists already."""

from collections.abc import Sequence

import pulumi

from components.cluster import Cluster
from components.cluster.existing import ExistingCluster
from components.cluster.settings import ExistingRegion


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster; there is nothing to configure."""
    del networks, protected
    region = ExistingRegion.model_validate({"name": "here", "cloud": "existing"})
    return ExistingCluster("here-cluster", region, opts)
