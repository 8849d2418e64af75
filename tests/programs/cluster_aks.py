"""A cluster on Azure."""

from collections.abc import Sequence

import pulumi
import pulumi_azure_native as azure

from components.cluster import Cluster
from components.cluster.aks import AksCluster, AksNetwork, AksNetworkArgs
from components.cluster.settings import AzureRegion
from tests.programs.cluster_region import ADDRESSES, MAINTENANCE, settings


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    config = pulumi.Config("cluster")
    cloud = azure.Provider("here-azure", subscription_id="00000000-0000-0000-0000-000000000000")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    region = AzureRegion.model_validate(
        {
            **settings("Standard_D4s_v5", protected=protected, flow_logs=config.get_bool("flow_logs") or False),
            "cloud": "azure",
            "adminGroups": ["22222222-2222-2222-2222-222222222222"],
            "zones": config.get_object("zones") or ["1", "2", "3"],
            "upgradeChannel": config.get("channel") or "patch",
        }
    )
    place = AksNetworkArgs(
        region="here",
        location="westeurope",
        addresses=ADDRESSES,
        labels={"team": "love"},
        flow_logs=region.flow_logs,
        zones=region.zones,
    )
    return AksCluster(
        "here-cluster",
        region,
        AksNetwork("here-network", place, opts),
        authorized_networks=networks,
        maintenance=MAINTENANCE,
        opts=opts,
    )
