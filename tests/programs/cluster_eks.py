"""A cluster on AWS."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cluster import Cluster
from components.cluster.eks import EksCluster, EksClusterArgs, EksNetwork, EksNetworkArgs
from tests.programs.cluster_arguments import ADDRESSES, NODES


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    cloud = aws.Provider("here-aws")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    place = EksNetworkArgs(region="here", location="eu-west-1", addresses=ADDRESSES, labels={"team": "love"})
    return EksCluster(
        "here-cluster",
        EksClusterArgs(
            network=EksNetwork("here-network", place, opts),
            administrators=["arn:aws:iam::123456789012:role/operators"],
            nodes=NODES,
            authorized_networks=networks,
            deletion_protection=protected,
        ),
        opts,
    )
