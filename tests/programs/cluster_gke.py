"""A cluster on Google Cloud."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components.cluster import Cluster, NetworkArgs
from components.cluster.gke import GkeCluster, GkeClusterArgs, GkeNetwork
from tests.programs.cluster_arguments import ADDRESSES, NODES


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    cloud = gcp.Provider("here-gcp", project="council")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    flow_logs = pulumi.Config("cluster").get_bool("flow_logs") or False
    place = NetworkArgs(
        region="here", location="europe-west1", addresses=ADDRESSES, labels={"team": "love"}, flow_logs=flow_logs
    )
    return GkeCluster(
        "here-cluster",
        GkeClusterArgs(
            network=GkeNetwork("here-network", place, opts),
            project="council",
            nodes=NODES,
            authorized_networks=networks,
            deletion_protection=protected,
        ),
        opts,
    )
