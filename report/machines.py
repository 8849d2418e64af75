"""The machines of a region: number, type and disks. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from report.charges import Charge, Charges, number, text
from report.preview import Plan, Planned, at, items

GKE_POOL: Final = "gcp:container/nodePool:NodePool"
EKS_GROUP: Final = "aws:eks/nodeGroup:NodeGroup"
EKS_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"
AKS_CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
AKS_POOL: Final = "azure-native:containerservice:AgentPool"

PREMIUM_DISKS: Final = {
    "P1": 4,
    "P2": 8,
    "P3": 16,
    "P4": 32,
    "P6": 64,
    "P10": 128,
    "P15": 256,
    "P20": 512,
    "P30": 1024,
    "P40": 2048,
    "P50": 4096,
}
"""GiB of Azure's premium disks. Source: learn.microsoft.com/azure/virtual-machines/disks-types."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Machines of one type."""

    cloud: str
    type: str
    least: float
    """Lowest number of machines."""
    most: float
    """Highest number of machines."""
    disk: str
    """Type of each machine's disk."""
    disk_gb: float
    """Size of each machine's disk."""


def charges_of(machines: Machines) -> Charges:
    """Charges of the machines, and of their disks if the cloud charges those by the gigabyte."""
    return (
        Charge(
            what=f"machines {machines.type}",
            item=f"{machines.cloud}.vm.{machines.type}",
            least=machines.least,
            most=machines.most,
        ),
        Charge(
            what=f"machines' disks {machines.disk}",
            item=f"{machines.cloud}.disk.{machines.disk}",
            least=machines.least * machines.disk_gb,
            most=machines.most * machines.disk_gb,
        ),
    )


def premium_disk(gigabytes: float) -> str:
    """The smallest Azure premium disk of at least this many GiB. Azure charges for the whole disk."""
    return next((name for name, size in PREMIUM_DISKS.items() if size >= gigabytes), "larger")


def machines_of(resource: Planned, plan: Plan) -> Iterator[Machines]:
    """The machines that a resource keeps running; nothing for most types."""
    if read := READERS.get(resource.type):
        yield from read(resource, plan)


def count_beside(resource: Planned, plan: Plan) -> tuple[float, float]:
    """How many machines the resource's region has, at least and at most."""
    region = plan.region_of(resource)
    found = [machines for one in plan.resources if plan.region_of(one) == region for machines in machines_of(one, plan)]
    return sum(one.least for one in found), sum(one.most for one in found)


def _gke(pool: Planned) -> Machines:
    least = number(pool.inputs, "autoscaling.totalMinNodeCount", number(pool.inputs, "nodeCount", 1))
    return Machines(
        cloud="gcp",
        type=text(pool.inputs, "nodeConfig.machineType"),
        least=least,
        most=number(pool.inputs, "autoscaling.totalMaxNodeCount", least),
        disk=text(pool.inputs, "nodeConfig.diskType"),
        disk_gb=number(pool.inputs, "nodeConfig.diskSizeGb"),
    )


def _template(group: Planned, plan: Plan) -> Planned | None:
    """The launch template of a group: that of the same component, if the region has several. None: there is none."""
    found = plan.beside(group, EKS_TEMPLATE)
    mine = (one for one in found if group.name.startswith(one.name.removesuffix("template")))
    return next(mine, next(iter(found), None))


def _eks(group: Planned, plan: Plan) -> Machines:
    template = _template(group, plan)
    launched = template.inputs if template else {}
    disk = next((at(one, "ebs") for one in items(launched, "blockDeviceMappings")), None)
    named = items(group.inputs, "instanceTypes")
    least = number(group.inputs, "scalingConfig.minSize", 1)
    return Machines(
        cloud="aws",
        type=str(named[0]) if named else text(launched, "instanceType"),
        least=least,
        most=number(group.inputs, "scalingConfig.maxSize", least),
        disk=text(disk, "volumeType"),
        disk_gb=number(disk, "volumeSize"),
    )


def _aks(pool: object) -> Machines:
    least = number(pool, "minCount", number(pool, "count", 1))
    return Machines(
        cloud="azure",
        type=text(pool, "vmSize"),
        least=least,
        most=number(pool, "maxCount", least),
        disk=text(pool, "osDiskType"),
        disk_gb=number(pool, "osDiskSizeGB"),
    )


READERS: Final[Mapping[str, Callable[[Planned, Plan], Iterable[Machines]]]] = {
    GKE_POOL: lambda pool, _plan: [_gke(pool)],
    EKS_GROUP: lambda group, plan: [_eks(group, plan)],
    AKS_CLUSTER: lambda cluster, _plan: [_aks(pool) for pool in items(cluster.inputs, "agentPoolProfiles")],
    AKS_POOL: lambda pool, _plan: [_aks(pool.inputs)],
}
"""What reads the machines of a resource, by its type."""
