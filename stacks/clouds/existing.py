"""A region on a cluster that is there already."""

from collections.abc import Sequence

import pulumi

from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from stacks.settings import ExistingRegion


class ExistingGround:
    """Nothing is made, and nothing is known: the cluster and its network are the user's."""

    egress_addresses: Sequence[pulumi.Output[str]] = ()

    def __init__(self, region: ExistingRegion) -> None:
        self._region = region

    def public_address(self, name: str, only: int | None = None) -> None:
        """None: addresses are the cluster's own to give."""

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> ExistingCluster:
        """The cluster of the region's context. Who may reach its API is not ours to say."""
        return ExistingCluster(name, ExistingClusterArgs(region=self._region.name, context=self._region.context), opts)
