"""What can be said of a region. Each cloud has a model of its own, with the settings that only it understands."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from components.cluster import MeshPlatform
from components.settings import Model
from components.settings.cloud_values import (
    AwsCacheNode,
    AwsDatabaseClass,
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
    GatewayAddress,
    Languages,
    RegionName,
    Slot,
    TimeZone,
    mistake,
)

Cloud = Literal["existing", "gcp", "aws", "azure"]
CLOUDS: Final[tuple[Cloud, ...]] = get_args(Cloud)

ServiceType = Literal["LoadBalancer", "NodePort", "ClusterIP"]

GKE_NODES: Final = 63
"""Most nodes of a region on Google Cloud: its pods' /18 has a /24 for each of 64, one of them for updates."""

EKS_ZONES: Final = 3
"""Zones of a region on AWS that names none."""

EKS_ZONE_NODES: Final = 30
"""Most nodes of a zone on AWS, whose pods have a /20: 32 nodes of eight /28 each, two of them for updates.

A node of 110 pods has seven /28, and one more for the addresses of its interfaces and for pods to come.
"""

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


class Geography(Model):
    """Where a region is, for regions that the catalogue does not know. Degrees; IANA zone; BCP 47 tags; ISO 3166."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    time_zone: TimeZone
    languages: Languages
    country: Country | None = None


class Region(Model):
    """A region, wherever its cluster comes from."""

    name: RegionName
    cloud: Cloud
    geography: Geography | None = None
    slot: Slot | None = None
    """Number of the region's address ranges; never change it. The catalogue's regions have theirs."""
    traffic: bool = True
    """Whether users and other regions are sent to the region: false while it comes up, or before it goes."""


class ExistingRegion(Region):
    """A region on a Kubernetes cluster that is there already, reached through a kubeconfig context."""

    cloud: Literal["existing"]
    context: Context | None = None
    """Kubeconfig context; None is the current one; only a lone region may leave it out."""
    platform: MeshPlatform | None = None
    """Kind of the cluster where its directories are not a plain kubelet's: Istio's CNI plugin must know them.

    None fits kind, kubeadm, RKE2, LKE and DOKS.
    """
    service_type: ServiceType = "LoadBalancer"
    """Kind of the Services that face outwards. kind and minikube give LoadBalancers no address: use NodePort there."""
    gateway_address: GatewayAddress | None = None
    """Where the region's public gateway is reached, for the edge. Managed regions reserve an address themselves."""
    egress_addresses: Addresses = ()
    """IPv4 addresses that the cluster's pods are seen with from outside. Those of managed regions are reserved."""


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (index < total % parts) for index in range(parts)]


class Nodes(Model):
    """Machines of a region, over all its zones: their type, and how many there are at least and at most."""

    type: str
    min: Count
    max: Count

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


class GcpNodes(Nodes):
    """Machines of Google Cloud."""

    type: GcpMachine


class AwsNodes(Nodes):
    """Machines of AWS."""

    type: AwsMachine


class AzureNodes(Nodes):
    """Machines of Azure, besides the small ones for AKS's own pods."""

    type: AzureMachine


class GcpInstances(Model):
    """Machine of the managed database. Memorystore has memory and no machines."""

    database: GcpDatabaseTier | None = None


class AwsInstances(Model):
    """Machines of the managed database and of the managed cache."""

    database: AwsDatabaseClass | None = None
    cache: AwsCacheNode | None = None


class AzureInstances(Model):
    """Machines of the managed database and of the managed cache."""

    database: AzureDatabaseSize | None = None
    cache: AzureCacheSize | None = None


class ManagedCluster(Model):
    """A cluster that a cloud runs: said of a region, or below `clouds` of all regions of a cloud."""

    nodes: Nodes | None = None
    api_access: Networks = ()
    """Who may reach the Kubernetes API over the internet, besides the other regions. Nobody: only a private address."""
    deletion_protection: bool = False
    """Keeps the cluster and managed data services from being deleted. Take it off, and deploy, before the region
    goes."""
    flow_logs: bool = False
    """Records who spoke to whom in the region's network, in summaries of ten minutes. It costs by the connection."""


class GcpCluster(ManagedCluster):
    """A cluster of GKE."""

    nodes: GcpNodes | None = None
    project: GcpProject | None = None
    release_channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"] = "REGULAR"
    kubernetes_version: GcpVersion | None = None
    """The least version; None leaves it to the release channel."""
    instances: GcpInstances = GcpInstances()
    """Machines of managed data services; what is not named is the smallest that has the `cpu` and `memory` asked
    for."""


class AwsCluster(ManagedCluster):
    """A cluster of EKS."""

    nodes: AwsNodes | None = None
    kubernetes_version: MinorVersion | None = None
    """None is the version that this platform is tested with."""
    patches: AwsPatches | None = None
    """A month, or any other text: another one takes in the newest add-ons and machine images there are then.

    Until then, and until another `kubernetes_version`, they stay what they were, whatever AWS publishes.
    """
    administrators: AwsPrincipals | None = None
    """Roles and users that may do everything in the cluster; whoever deploys must be one of them."""
    zones: AwsZones | None = None
    """Letters of zones; None is the usual three of the region."""
    instances: AwsInstances = AwsInstances()
    """Machines of managed data services; what is not named is the smallest that has the `cpu` and `memory` asked
    for."""
    rds_authorities: Certificates | None = None
    """Certificates (PEM) of the authorities of RDS in the region, for clients of a managed database."""


class AzureCluster(ManagedCluster):
    """A cluster of AKS."""

    nodes: AzureNodes | None = None
    subscription: AzureId | None = None
    """None is the subscription of the login."""
    kubernetes_version: MinorVersion | None = None
    """Of control plane and nodes. None is the version that this platform is tested with."""
    upgrade_channel: Literal["patch", "stable", "rapid", "none"] = "patch"
    """What Azure updates by itself. `stable` and `rapid` raise the minor version: then none is asked for."""
    admin_groups: AzureIds | None = None
    """Groups of Entra that may do everything in the cluster; whoever deploys must be in one of them."""
    zones: AzureZones = ("1", "2", "3")
    system_machine: AzureMachine = "Standard_D2s_v5"
    """Type of the small machines for AKS's own pods, one or two in each zone. Azure cannot change it."""
    instances: AzureInstances = AzureInstances()
    """Machines of managed data services; what is not named is the smallest that has the `cpu` and `memory` asked
    for."""


class Clouds(Model):
    """What all regions of a cloud have in common. A region that says something else of itself is right."""

    gcp: GcpCluster = GcpCluster()
    aws: AwsCluster = AwsCluster()
    azure: AzureCluster = AzureCluster()


class ManagedRegion(Region):
    """A region whose network and cluster are made with it."""

    @property
    def service_type(self) -> ServiceType:
        """Kind of the Services that face outwards."""
        return "LoadBalancer"


class GcpRegion(GcpCluster, ManagedRegion):
    """A region on Google Cloud."""

    cloud: Literal["gcp"]
    nodes: GcpNodes
    project: GcpProject


class AwsRegion(AwsCluster, ManagedRegion):
    """A region on AWS."""

    cloud: Literal["aws"]
    nodes: AwsNodes
    administrators: AwsPrincipals


class AzureRegion(AzureCluster, ManagedRegion):
    """A region on Azure."""

    cloud: Literal["azure"]
    nodes: AzureNodes
    admin_groups: AzureIds


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
