"""A cluster on Google Cloud."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components.cluster import Cluster
from components.cluster.gke import GkeCluster, GkeNetwork
from components.cluster.location import NetworkArgs
from components.cluster.settings import GcpRegion
from tests.programs.cluster_region import ADDRESSES, MAINTENANCE, settings


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    cloud = gcp.Provider("here-gcp", project="council")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    flow_logs = pulumi.Config("cluster").get_bool("flow_logs") or False
    region = GcpRegion.model_validate(
        {
            **settings("e2-standard-4", protected=protected, flow_logs=flow_logs),
            "cloud": "gcp",
            "project": "council",
        }
    )
    place = NetworkArgs(
        region="here", location="europe-west1", addresses=ADDRESSES, labels={"team": "love"}, flow_logs=flow_logs
    )
    return GkeCluster(
        "here-cluster",
        region,
        GkeNetwork("here-network", place, opts),
        authorized_networks=networks,
        maintenance=MAINTENANCE,
        opts=opts,
    )
