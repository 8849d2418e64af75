"""Charges that Kubernetes objects cause: volumes and load balancers. Data and pure functions.

Pods are free, because the cloud charges for their machines.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from report.charges import Charge, Charger, Charges, always, gibibytes, number, text
from report.machines import premium_disk
from report.preview import UNKNOWN_CLOUD, Plan, Planned, at, items

_DISKS: Final[Mapping[str, Mapping[str, str]]] = {
    "gcp": {"premium-rwo": "gcp.disk.pd-ssd"},
    "aws": {"gp3": "aws.disk.gp3"},
    # Azure charges for whole disks: `premium_disk`.
    "azure": {},
    "existing": {},
    UNKNOWN_CLOUD: {},
}
"""The disk behind a storage class, if its price per GiB is known, by cloud."""

VOLUMES: Final = "volumes"

_LOAD_BALANCERS: Final = {
    "gcp": "gcp.forwarding-rule",
    "aws": "aws.load-balancer",
    "azure": "azure.load-balancer",
    "existing": "existing.load-balancer",
    UNKNOWN_CLOUD: f"{UNKNOWN_CLOUD}.load-balancer",
}


def _volume(cloud: str, claim: object, copies: float = 1) -> Charge:
    size = gibibytes(at(claim, "resources.requests.storage")) or 0
    kind = text(claim, "storageClassName", "default")
    what, stored = f"{VOLUMES} of class {kind}", size * copies
    if (cloud, kind) == ("azure", "managed-csi-premium"):
        disk = premium_disk(size)
        return Charge(what=f"{what}, {disk}", item=f"azure.disk.{disk}", least=copies, gib=stored)
    # A class without a price, such as one of the user's own cluster, is listed by its name.
    return Charge(what=what, item=_DISKS[cloud].get(kind, f"{cloud}.disk.{kind}"), least=stored, gib=stored)


def _load_balancer(cloud: str) -> Charge:
    return Charge(what="load balancer", item=_LOAD_BALANCERS[cloud], note="and its use")


def _claim(claim: Planned, plan: Plan) -> Charges:
    return (_volume(plan.cloud_of(claim), at(claim.inputs, "spec")),)


def _stateful_set(workload: Planned, plan: Plan) -> Charges:
    copies = number(workload.inputs, "spec.replicas", 1)
    claims = items(workload.inputs, "spec.volumeClaimTemplates")
    return tuple(_volume(plan.cloud_of(workload), at(claim, "spec"), copies) for claim in claims)


def _service(service: Planned, plan: Plan) -> Charges:
    if text(service.inputs, "spec.type", "ClusterIP") != "LoadBalancer":
        return ()
    return (_load_balancer(plan.cloud_of(service)),)


def _chart(chart: Planned, plan: Plan) -> Charges:
    cloud = plan.cloud_of(chart)
    return tuple(_of_values(at(chart.inputs, "values") or {}, cloud))


def _of_values(values: Any, cloud: str) -> Iterator[Charge]:
    """Volumes that a chart's values ask for, at any depth."""
    if isinstance(values, Mapping):
        if isinstance(at(values, "accessModes"), list | tuple):
            yield _volume(cloud, values)
        if at(values, "service.type") == "LoadBalancer":
            yield _load_balancer(cloud)
        for value in values.values():
            yield from _of_values(value, cloud)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _of_values(value, cloud)


def _node_pool(nodes: Planned, plan: Plan) -> Charges:
    """Volumes of Kafka's brokers or controllers, which their operator makes."""
    copies = number(nodes.inputs, "spec.replicas", 1)
    claims = (
        {"resources": {"requests": {"storage": at(volume, "size")}}, "storageClassName": at(volume, "class")}
        for volume in items(nodes.inputs, "spec.storage.volumes")
    )
    return tuple(_volume(plan.cloud_of(nodes), claim, copies) for claim in claims)


CHARGERS: Final[dict[str, Charger]] = {
    "sacred-council:cluster:ExistingCluster": always(
        Charge(what="machines and control plane", item="existing.cluster", note="not made by this stack")
    ),
    "kubernetes:core/v1:PersistentVolumeClaim": _claim,
    "kubernetes:apps/v1:StatefulSet": _stateful_set,
    "kubernetes:core/v1:Service": _service,
    "kubernetes:kafka.strimzi.io/v1:KafkaNodePool": _node_pool,
    "kubernetes:helm.sh/v3:Release": _chart,
}
"""Objects that can cause charges."""


def volumes(resource: Planned) -> float:
    """GiB of the volumes that an object asks for."""
    charger = CHARGERS.get(resource.type)
    charges = charger(resource, Plan((resource,))) if charger else ()
    return sum(charge.gib for charge in charges)
