"""All types of the simulated AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.offers import Use, gpus_of
from sandbox.providers.aws import cluster, data, edge, network
from sandbox.providers.aws.make import place
from sandbox.providers.cloud.kinds import Facts, Table
from sandbox.providers.cloud.offers import Offer, at, refusing

_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"


def _machines(facts: Facts) -> Iterator[object]:
    """The types of a node group: its own, and that of its launch template."""
    yield from facts.inputs.get("instanceTypes") or ()
    template = (facts.inputs.get("launchTemplate") or {}).get("id")
    for other in facts.others(_TEMPLATE):
        if other.id == template:
            yield other.inputs.get("instanceType")


def _use_of_a_group(facts: Facts) -> Use:
    """Whether the image of a group's machines has the driver of NVIDIA."""
    return "gpu" if facts.text("amiType").endswith("_NVIDIA") else "machine"


def _use_of_a_template(facts: Facts) -> Use:
    """A template with GPUs has no image, so only its group can be refused."""
    return "gpu" if gpus_of("aws", facts.text("instanceType")) else "machine"


_ASKED: Final = {
    _TEMPLATE: Offer(kind="machine", named=at("instanceType"), use=_use_of_a_template),
    "aws:eks/nodeGroup:NodeGroup": Offer(kind="machine", named=_machines, use=_use_of_a_group),
    "aws:rds/instance:Instance": Offer(kind="database", named=at("instanceClass")),
    "aws:elasticache/replicationGroup:ReplicationGroup": Offer(kind="cache", named=at("nodeType")),
}
_KINDS: Final[Table] = {**network.KINDS, **cluster.KINDS, **data.KINDS, **edge.KINDS}

KINDS: Final[Table] = refusing(_KINDS, "aws", place, _ASKED)
