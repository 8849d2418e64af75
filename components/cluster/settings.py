"""Settings of a region. Each cloud has a model of its own, with the settings that only it understands."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from components.cluster import MeshPlatform
from components.settings import Model
from components.settings.cloud_values import (
    AwsCacheNode,
    AwsDatabaseClass,
    AwsGpuZones,
    AwsMachine,
    AwsPatches,
    AwsPrincipals,
    AwsZones,
    AzureCacheSize,
    AzureDatabaseSize,
    AzureId,
    AzureIds,
    AzureMachine,
    AzureZones,
    Certificates,
    GcpDatabaseTier,
    GcpMachine,
    GcpProject,
    GcpVersion,
    MinorVersion,
    Networks,
)
from components.settings.values import (
    Addresses,
    Context,
    Count,
    Country,
    DnsAddresses,
    GatewayAddress,
    Languages,
    RegionName,
    Slot,
    TimeZone,
    mistake,
)

Cloud = Literal["existing", "gcp", "aws", "azure"]
CLOUDS: Final[tuple[Cloud, ...]] = get_args(Cloud)

CLOUD_NAMES: Final[Mapping[str, str]] = {"gcp": "Google Cloud", "aws": "AWS", "azure": "Azure"}
"""What people call the clouds."""

ServiceType = Literal["LoadBalancer", "NodePort", "ClusterIP"]

GKE_NODES: Final = 63
"""Most nodes of a region on Google Cloud: its pods' /18 has a /24 for each of 64, one of them for updates."""

GKE_ZONES: Final = 3
"""Zones of a region on Google Cloud. GKE chooses three, and begins a pool of nodes with one machine in each.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters
"""

GKE_SURGE: Final = 1
"""Nodes that a further pool on Google Cloud needs while it is updated."""

EKS_ZONES: Final = 3
"""Zones of a region on AWS that names none."""

EKS_ZONE_NODES: Final = 30
"""Most nodes of a zone on AWS, whose pods have a /20: 32 nodes of eight /28 each, two of them for updates.

A node of 110 pods has seven /28, and one more for the addresses of its interfaces and for pods to come.
"""

EKS_ZONE_LARGE_NODES: Final = 12
"""Most nodes of a zone on AWS with 30 processors or more, to which EKS gives up to 250 pods: 16 /28 and one more.

Source: docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html#max-pods-precedence.
"""

_LARGE: Final = re.compile(r".*\.(metal.*|([89]|\d{2,})xlarge)")
"""Types of AWS with 30 processors or more: an xlarge has four, and an 8xlarge has eight times as many."""

EKS_NETWORKS: Final = 40
"""Networks that AWS lets through to the Kubernetes API of a cluster."""

AKS_NODES: Final = 64
"""Nodes of a region on Azure altogether, as its pods' /18 has a /24 for each."""

AKS_SYSTEM_NODES: Final = 2
"""Nodes of AKS's own pods in a region: one for each zone, and two where there is one zone. Their pools may double."""

AKS_POOLS: Final = 2
"""Node pools of a zone on Azure. Each needs one more node while it is updated."""

CHOOSES_VERSIONS: Final = ("stable", "rapid")
"""Upgrade channels of AKS that raise the minor version."""


def eks_zone_nodes(machine: str) -> int:
    """Return the most nodes of each zone on AWS for a type of machine."""
    return EKS_ZONE_LARGE_NODES if _LARGE.fullmatch(machine) else EKS_ZONE_NODES


def aks_system_nodes(zones: int) -> tuple[int, int]:
    """Return the minimum and maximum of nodes of each of so many zones for AKS's own pods."""
    least = -(-AKS_SYSTEM_NODES // zones)
    return least, 2 * least


class Geography(Model):
    """Where a region is, for regions that the catalogue does not know."""

    latitude: Annotated[float, Field(ge=-90, le=90, examples=[50.85])]
    """Degrees north of the equator; below zero they are south of it."""
    longitude: Annotated[float, Field(ge=-180, le=180, examples=[4.35])]
    """Degrees east of Greenwich; below zero they are west of it."""
    time_zone: TimeZone = Field(examples=["Europe/Brussels"])
    """IANA time zone of most of the region's users, for `services.*.followTheSun`."""
    languages: Languages = Field(examples=[["nl", "fr"]])
    """Languages of the region's users, as BCP 47 tags. A request is routed to a region that has its language."""
    country: Country | None = None
    """ISO 3166 code of the country, a label of the region's metrics. None: the label is empty."""


class Region(Model):
    """A region, wherever its cluster comes from."""

    name: RegionName = Field(examples=["us-central1"])
    """Name of the region, with which the names of its resources begin. It is a cloud region of the catalogue, such as
    `us-central1`, or a name of your own. Never change it: a region with another name is another region."""
    cloud: Cloud = Field(examples=["existing"])
    """Who runs the cluster. `existing` is a Kubernetes cluster that is there already. For `gcp`, `aws` and `azure` the
    program creates the cluster and its network."""
    geography: Geography | None = None
    """Where the region is. Needed where the catalogue does not know the name: for a region of a cloud, and among
    several regions. None: the place that the catalogue has."""
    slot: Slot | None = None
    """Number of the region's address ranges; on `aws` it is at least 1. Never change it. Needed where the catalogue
    does not know the name, as `geography` is; 192 to 255 are free for such regions, and each needs its own. None: the
    slot that the catalogue has."""
    traffic: bool = True
    """Whether users and other regions are sent to the region. Write `false` while the region comes up
    (docs/runbooks/add-a-region.md) and before it goes (docs/runbooks/remove-a-region.md). At least one region must have
    `true`."""


class ExistingRegion(Region):
    """A region on a Kubernetes cluster that is there already, reached through a kubeconfig context."""

    cloud: Literal["existing"] = Field(examples=["existing"])
    context: Context | None = None
    """Name of the kubeconfig context. You may rename the context. To move to a different cluster, remove the region
    first: docs/runbooks/remove-a-region.md. None: the current context, which only a region without others may use."""
    platform: MeshPlatform | None = None
    """Kind of the cluster, where its directories are not those of a plain kubelet: Istio's CNI plugin must know them.
    None: a plain kubelet, as in kind, kubeadm, RKE2, LKE and DOKS."""
    service_type: ServiceType = "LoadBalancer"
    """Type of the Services that face outwards. kind and minikube give a `LoadBalancer` no address: use `NodePort`
    there. Among several regions, and with `database.primaryRegion`, it must be `LoadBalancer`."""
    gateway_address: GatewayAddress | None = None
    """Public address of the region's gateway, whose ports 80 and 443 must be reachable. With `edge.cdn` it is needed,
    and with `edge.cdn: gcp` it must be an IPv4 address. None: no CDN is in front of the region."""
    egress_addresses: Addresses = ()
    """IPv4 addresses from which others see the cluster's pods: those of its NAT or of its nodes. Other regions admit no
    other addresses. Needed among several regions, and with `database.primaryRegion`; public ones if another region is
    on a cloud."""
    dns_addresses: DnsAddresses = ()
    """IPv4 addresses of DNS servers in the nodes' network, which network policies let pods ask. Needed where a DNS
    cache on the nodes answers at the Service address of DNS, as NodeLocal DNSCache does if kube-proxy uses iptables:
    `kubectl get service kube-dns -n kube-system` shows the address. Needed also where a cache has another address than
    169.254.20.10 and 169.254.25.10, which are always open."""
    gpus: bool = False
    """Whether the cluster has nodes that offer GPUs of NVIDIA as `nvidia.com/gpu`, with driver and device plugin.
    Matching then uses them: docs/matching.md#gpus."""


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (index < total % parts) for index in range(parts)]


class Machines(Model):
    """Machines of one type, over all zones of a region that have them."""

    type: str
    """Type of the machines, as its cloud spells it."""
    min: Count
    """Fewest machines."""
    max: Count
    """Most machines."""

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> Self:
        if self.min > self.max:
            raise mistake("must not have a min above its max", "lower min or raise max")
        return self

    def per_zone(self, zones: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Least and most machines of each zone. They add up to the region's; the first zones get what does not divide.

        ValueError when there are more zones than machines.
        """
        if self.max < len(zones):
            raise ValueError(
                f"max: {self.max} nodes are not enough for {len(zones)} zones; raise max or name fewer zones"
            )
        least, most = _shares(self.min, len(zones)), _shares(self.max, len(zones))
        return dict(zip(sorted(zones), zip(least, most, strict=True), strict=True))


class Nodes(Machines):
    """Machines of a region, over all its zones: their type, and how many there are at least and at most."""

    type: str = Field(examples=["e2-standard-4"])
    """Type of the machines, one that the region has. A new type replaces the machines."""
    min: Count = Field(examples=[3])
    """Fewest machines, over all zones of the region."""
    max: Count = Field(examples=[9])
    """Most machines, over all zones of the region. Pod addresses limit them: at most 63 on `gcp`, 30 in each zone on
    `aws` (12 of those with 30 processors or more, which have more pods), and 52 with three zones on `azure`, machines
    with GPUs among them. Each zone needs at least one; on `gcp` there are three."""


class GpuMachines(Machines):
    """Machines with GPUs of NVIDIA, besides the others of a region. Only pods that ask for a GPU run on them."""

    type: str = Field(examples=["g2-standard-4"])
    """Type of the machines: one that the region has and whose GPUs components/offers/gpus.csv knows. A new type
    replaces the machines."""
    min: Count = 1
    """Fewest machines with GPUs, over all zones that have them."""
    max: Count = 4
    """Most machines with GPUs. On `aws` and `azure` each zone that has them needs at least one. Matching needs a GPU
    for each embedding server, and one more for updates: docs/matching.md#gpus."""


class GcpGpus(GpuMachines):
    """Machines with GPUs of Google Cloud. They are in the zones that have them (components/offers/gpu_zones.csv)."""

    type: GcpMachine = Field(examples=["g2-standard-4"])


class AwsGpus(GpuMachines):
    """Machines with GPUs of AWS."""

    type: AwsMachine = Field(examples=["g5.xlarge"])
    zones: AwsGpuZones | None = None
    """Letters of the zones with such machines, among those of the region. No zone of AWS has every type, and no list
    says which. None: all zones of the region."""


class AzureGpus(GpuMachines):
    """Machines with GPUs of Azure."""

    type: AzureMachine = Field(examples=["Standard_NC4as_T4_v3"])
    zones: AzureZones | None = None
    """Numbers of the zones with such machines, among those of the region. None: all zones of the region."""


class GcpNodes(Nodes):
    """Machines of Google Cloud."""

    type: GcpMachine = Field(examples=["e2-standard-4"])
    gpu: GcpGpus | None = None
    """Machines with GPUs, besides the others. None: the region has no GPUs, and matching uses processors."""


class AwsNodes(Nodes):
    """Machines of AWS."""

    type: AwsMachine = Field(examples=["m7i.xlarge"])
    gpu: AwsGpus | None = None
    """Machines with GPUs, besides the others. None: the region has no GPUs, and matching uses processors."""


class AzureNodes(Nodes):
    """Machines of Azure, besides the small ones for AKS's own pods."""

    type: AzureMachine = Field(examples=["Standard_D4s_v5"])
    gpu: AzureGpus | None = None
    """Machines with GPUs, besides the others. None: the region has no GPUs, and matching uses processors."""


class GcpInstances(Model):
    """Machine of the managed database. Memorystore has memory and no machines."""

    database: GcpDatabaseTier | None = None
    """Type of machine of the managed database. None: the smallest that has `database.cpu` and `database.memory`."""


class AwsInstances(Model):
    """Machines of the managed database and of the managed cache."""

    database: AwsDatabaseClass | None = None
    """Type of machine of the managed database. None: the smallest that has `database.cpu` and `database.memory`."""
    cache: AwsCacheNode | None = None
    """Type of machine of the managed cache. None: the smallest that has `cache.memory`."""


class AzureInstances(Model):
    """Machines of the managed database and of the managed cache."""

    database: AzureDatabaseSize | None = None
    """Type of machine of the managed database. None: the smallest that has `database.cpu` and `database.memory`."""
    cache: AzureCacheSize | None = None
    """Type of machine of the managed cache. None: the smallest that has `cache.memory`."""


class ManagedCluster(Model):
    """A cluster that a cloud runs: said of a region, or below `clouds` of all regions of a cloud."""

    nodes: Nodes | None = None
    """Machines of the region. Needed, in the region or below `clouds`."""
    api_access: Networks = ()
    """IPv4 ranges that may reach the Kubernetes API over the internet, besides other regions that call it; on `aws` and
    `azure` public ranges only. Empty: without such regions, the API has only a private address."""
    deletion_protection: bool = False
    """Whether the cluster and the managed data services are protected from deletion. Write `true` once people rely on
    the region. Before you remove the region, write `false` and deploy: docs/runbooks/remove-a-region.md."""
    flow_logs: bool = False
    """Whether the cloud records who spoke to whom in the region's network, in entries of ten minutes. The cloud charges
    for these logs: docs/security.md#logs."""


class GcpCluster(ManagedCluster):
    """A cluster of GKE."""

    nodes: GcpNodes | None = None
    project: GcpProject | None = None
    """Id of the Google Cloud project. Needed, in the region or below `clouds.gcp`."""
    release_channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"] = "REGULAR"
    """Release channel of GKE, which upgrades the cluster."""
    kubernetes_version: GcpVersion | None = None
    """Lowest version of Kubernetes: docs/runbooks/upgrade-kubernetes-and-charts.md#kubernetes. None: the release
    channel chooses it."""
    instances: GcpInstances = GcpInstances()
    """Machines of managed data services, where the smallest that is large enough will not do."""


class AwsCluster(ManagedCluster):
    """A cluster of EKS."""

    nodes: AwsNodes | None = None
    kubernetes_version: MinorVersion | None = None
    """Minor version of Kubernetes: docs/runbooks/upgrade-kubernetes-and-charts.md#kubernetes. None: the version that
    the platform is tested with."""
    patches: AwsPatches | None = None
    """A month, or another short text. A new text installs the newest add-ons and machine images of that day:
    docs/runbooks/upgrade-kubernetes-and-charts.md#patches-between-versions. Until the text or `kubernetesVersion`
    changes, they stay what they were. None: those that were newest when the region was made."""
    administrators: AwsPrincipals | None = None
    """ARNs of the IAM roles and users that may do everything in the cluster. Whoever deploys must be one of them.
    Needed, in the region or below `clouds.aws`."""
    zones: AwsZones | None = None
    """Letters of the region's zones, two to four. Never change them: EKS takes no zone that its cluster was not made
    with, and addresses of load balancers would move to other zones. A letter means another zone in each account, and
    not every zone has EKS: docs/getting-started.md#aws. None: the usual three."""
    instances: AwsInstances = AwsInstances()
    """Machines of managed data services, where the smallest that is large enough will not do."""
    rds_authorities: Certificates | None = None
    """Certificates (PEM) of the region's authorities of RDS, with which clients verify the managed database. AWS
    publishes them at https://truststore.pki.rds.amazonaws.com. Needed with `database.engine: postgresql`."""


class AzureCluster(ManagedCluster):
    """A cluster of AKS."""

    nodes: AzureNodes | None = None
    subscription: AzureId | None = None
    """Id of the subscription. None: the subscription of the login."""
    kubernetes_version: MinorVersion | None = None
    """Minor version of Kubernetes for control plane and nodes:
    docs/runbooks/upgrade-kubernetes-and-charts.md#kubernetes. None: the version that the platform is tested with."""
    upgrade_channel: Literal["patch", "stable", "rapid", "none"] = "patch"
    """What Azure updates without being asked. `stable` and `rapid` raise the minor version: leave out
    `kubernetesVersion` with them."""
    admin_groups: AzureIds | None = None
    """Ids of the Entra groups that may do everything in the cluster. Whoever deploys must be in one of them. Needed, in
    the region or below `clouds.azure`."""
    zones: AzureZones = ("1", "2", "3")
    """Numbers of the zones with nodes. The lowest never changes, because the node pool in it is part of the cluster
    resource and Azure adds none there. You may add and remove zones above it. Public addresses, backups and the managed
    database's standby are in all zones of the region, whatever is written here."""
    system_machine: AzureMachine = "Standard_D2s_v5"
    """Type of the small machines for AKS's own pods, one or two in each zone. Never change it: Azure cannot."""
    instances: AzureInstances = AzureInstances()
    """Machines of managed data services, where the smallest that is large enough will not do."""


class Clouds(Model):
    """Settings of each cloud that apply to all its regions."""

    gcp: GcpCluster = GcpCluster()
    """Settings of all regions on Google Cloud."""
    aws: AwsCluster = AwsCluster()
    """Settings of all regions on AWS."""
    azure: AzureCluster = AzureCluster()
    """Settings of all regions on Azure."""


class ManagedRegion(Region):
    """A region whose network and cluster are made with it."""

    @property
    def service_type(self) -> ServiceType:
        """Kind of the Services that face outwards."""
        return "LoadBalancer"


class GcpRegion(GcpCluster, ManagedRegion):
    """A region on Google Cloud."""

    cloud: Literal["gcp"] = Field(examples=["gcp"])
    nodes: GcpNodes
    project: GcpProject = Field(examples=["my-project"])


class AwsRegion(AwsCluster, ManagedRegion):
    """A region on AWS."""

    cloud: Literal["aws"] = Field(examples=["aws"])
    nodes: AwsNodes
    administrators: AwsPrincipals = Field(examples=[["arn:aws:iam::123456789012:role/administrators"]])


class AzureRegion(AzureCluster, ManagedRegion):
    """A region on Azure."""

    cloud: Literal["azure"] = Field(examples=["azure"])
    nodes: AzureNodes
    admin_groups: AzureIds = Field(examples=[["11111111-2222-3333-4444-555555555555"]])


class _Unclear(Region):
    """A region whose cloud is missing or unknown: what else it says cannot be judged."""

    model_config = ConfigDict(extra="ignore")


def _cloud_is_clear(value: Any) -> Any:
    if not isinstance(value, Mapping) or value.get("cloud") not in CLOUDS:
        _Unclear.model_validate(value)
    return value


RegionSettings = ExistingRegion | GcpRegion | AwsRegion | AzureRegion
AnyRegion = Annotated[Annotated[RegionSettings, Field(discriminator="cloud")], BeforeValidator(_cloud_is_clear)]
"""A region as it is read: which model it is, `cloud` says."""
