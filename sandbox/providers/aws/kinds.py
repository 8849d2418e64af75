"""All types of the simulated AWS."""

from __future__ import annotations

from typing import Final

from sandbox.providers.aws import cluster, data, edge, network
from sandbox.providers.aws.make import place
from sandbox.providers.cloud.kinds import Table
from sandbox.providers.cloud.offers import Offer, at, refusing

_ASKED: Final = {
    "aws:ec2/launchTemplate:LaunchTemplate": Offer(kind="machine", named=at("instanceType")),
    "aws:eks/nodeGroup:NodeGroup": Offer(kind="machine", named=at("instanceTypes[]")),
    "aws:rds/instance:Instance": Offer(kind="database", named=at("instanceClass")),
    "aws:elasticache/replicationGroup:ReplicationGroup": Offer(kind="cache", named=at("nodeType")),
}
_KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}

KINDS: Final[Table] = refusing(_KINDS, "aws", place, _ASKED)
