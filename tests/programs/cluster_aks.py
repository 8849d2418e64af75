"""A cluster on Azure."""

from collections.abc import Sequence
from typing import Any, cast

import pulumi
import pulumi_azure_native as azure

from components.cluster import Cluster, NetworkArgs
from components.cluster.aks import AksCluster, AksClusterArgs, AksNetwork
from tests.programs.cluster_arguments import ADDRESSES, NODES


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    cloud = azure.Provider("here-azure", subscription_id="00000000-0000-0000-0000-000000000000")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    flow_logs = pulumi.Config("cluster").get_bool("flow_logs") or False
    place = NetworkArgs(
        region="here", location="westeurope", addresses=ADDRESSES, labels={"team": "love"}, flow_logs=flow_logs
    )
    return AksCluster(
        "here-cluster",
        AksClusterArgs(
            network=AksNetwork("here-network", place, opts),
            admin_groups=["22222222-2222-2222-2222-222222222222"],
            nodes=NODES,
            authorized_networks=networks,
            deletion_protection=protected,
            upgrade_channel=cast(Any, pulumi.Config("cluster").get("channel") or "patch"),
        ),
        opts,
    )
