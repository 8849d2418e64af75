"""A cluster on AWS."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cluster import Cluster
from components.cluster.eks import EksCluster, EksNetwork, EksNetworkArgs
from components.cluster.settings import AwsRegion
from tests.programs.cluster_region import ADDRESSES, settings


def build(*, networks: Sequence[str], protected: bool, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster with its network."""
    config = pulumi.Config("cluster")
    cloud = aws.Provider("here-aws")
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    region = AwsRegion.model_validate(
        {
            **settings("m7i.large", protected=protected, flow_logs=config.get_bool("flow_logs") or False),
            "cloud": "aws",
            "administrators": [config.get("administrator", "arn:aws:iam::123456789012:role/operators")],
            "kubernetesVersion": config.get("version"),
            "patches": config.get("patches"),
            "zones": config.get_object("zones"),
        }
    )
    place = EksNetworkArgs(
        region="here",
        location="eu-west-1",
        addresses=ADDRESSES,
        labels={"team": "love"},
        flow_logs=region.flow_logs,
        zones=region.zones,
    )
    network = EksNetwork("here-network", place, opts)
    return EksCluster("here-cluster", region, network, authorized_networks=networks, opts=opts)
