"""A region on Azure."""

from collections.abc import Sequence

import pulumi
import pulumi_azure_native as azure_native

from components.cluster import NetworkArgs, PublicAddress
from components.cluster.aks import AksAddress, AksAddresses, AksCluster, AksClusterArgs, AksNetwork
from components.versions import KUBERNETES_VERSION
from stacks.clouds import address_ranges, node_pool
from stacks.settings import AzureRegion
from stacks.topology import RegionPlan


class AzureGround(pulumi.ComponentResource):
    """The region's provider and network.

    Outputs: `egress_addresses`.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(
        self, name: str, plan: RegionPlan, region: AzureRegion, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:stack:AzureGround", name, None, opts)
        self._region = region
        self._cloud = azure_native.Provider(
            f"{plan.name}-azure",
            subscription_id=region.subscription,
            location=plan.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        place = NetworkArgs(region=plan.name, location=plan.name, addresses=address_ranges(plan))
        self._inside = pulumi.ResourceOptions(parent=self, providers=[self._cloud])
        self._network = AksNetwork(f"{plan.name}-network", place, self._inside)
        self._addresses = AksAddresses(f"{plan.name}-addresses", place, self._inside) if plan.peers else None
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress | None:
        """An address of the region, in all its zones. None when the region has no peers to reserve it for."""
        if self._addresses is None:
            return None
        return AksAddress(name, self._addresses, self._region.zones, self._inside).public

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> AksCluster:
        """The region's AKS cluster."""
        region = self._region
        return AksCluster(
            name,
            AksClusterArgs(
                network=self._network,
                nodes=node_pool(region.nodes),
                authorized_networks=authorized_networks,
                deletion_protection=region.deletion_protection,
                kubernetes_version=region.kubernetes_version or KUBERNETES_VERSION,
                admin_groups=region.admin_groups,
                upgrade_channel=region.upgrade_channel,
                zones=region.zones,
                addresses=self._addresses,
            ),
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[self._cloud])),
        )
