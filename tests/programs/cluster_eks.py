"""A cluster on AWS."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cluster import Cluster
from components.cluster.eks import EksCluster, EksClusterArgs, EksNetwork, EksNetworkArgs
from components.versions import KUBERNETES_VERSION
from tests.programs.cluster_arguments import ADDRESSES, NODES


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    config = pulumi.Config("cluster")
    cloud = aws.Provider("here-aws")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    place = EksNetworkArgs(
        region="here",
        location="eu-west-1",
        addresses=ADDRESSES,
        labels={"team": "love"},
        flow_logs=config.get_bool("flow_logs") or False,
    )
    administrator = config.get("administrator", "arn:aws:iam::123456789012:role/operators")
    return EksCluster(
        "here-cluster",
        EksClusterArgs(
            network=EksNetwork("here-network", place, opts),
            administrators=[administrator] if administrator else [],
            kubernetes_version=config.get("version") or KUBERNETES_VERSION,
            patches=config.get("patches"),
            nodes=NODES,
            authorized_networks=networks,
            deletion_protection=protected,
        ),
        opts,
    )
