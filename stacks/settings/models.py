"""What can be configured: plain, frozen values. Every default here is the smallest that works, fit for one machine."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from components.quantities import quantity_bytes
from components.versions import SAMPLE_SERVICE_IMAGE
from stacks.settings.base import Model
from stacks.settings.cloud_values import AzureId, GcpProject
from stacks.settings.gitops import GitOps, Rancher
from stacks.settings.regions import AnyRegion, Clouds, RegionSettings
from stacks.settings.streams import Stream
from stacks.settings.values import (
    AzureLocation,
    Bytes,
    CachedPaths,
    CacheReplicas,
    Count,
    Cpu,
    Cron,
    DatabaseNodes,
    Days,
    DnsZone,
    Domain,
    Duration,
    FolderUrl,
    Image,
    MeshReplicas,
    MessagingServers,
    RegionName,
    mistake,
    not_empty,
)

DEFAULT_DOMAIN: Final = "sacred-council.localhost"
CREATE_ZONE: Final = "create"
LEAST_FOR_GRAFANA: Final = "512Mi"
"""Grafana 13.2 is killed at 256Mi."""

SECRETS: Final = ("cockroachdbLicense", "alertWebhookUrl", "alertWebhookToken", "gitopsRepositoryToken")
"""Keys that hold Pulumi secrets: never part of these models. Components get them as outputs, see `source.secret`."""


class Backup(Model):
    """Backups of the database in object storage of the clouds."""

    regions: Annotated[tuple[RegionName, ...], Field(strict=False)] | None = None
    """Who takes them, each into its own cloud. None: the primary region, if a cloud runs it. Empty: nobody."""
    schedule: Cron = "@hourly"
    """How often what has changed is added, in UTC."""
    full: Literal["@daily", "@weekly"] = "@daily"
    """How often everything is written again. What restores need is in the last full one and what came after it."""
    retention: Days = "30d"


class Database(Model):
    """The database in each region."""

    engine: Literal["cockroachdb", "postgresql"] = "cockroachdb"
    """`cockroachdb` in the clusters, one over all regions; or `postgresql`, run by the cloud of the only region."""
    nodes: DatabaseNodes = 1
    """Of `postgresql`: 1 is one server; more are a server and a standby in another zone.

    docs/runbooks/fewer-database-nodes.md tells how the nodes of `cockroachdb` become fewer.
    """
    survive: Literal["zone", "region"] = "zone"
    """What may fail without loss of data or service. `region` needs three regions."""
    primary_region: RegionName | None = None
    """The region whose database the others join, and where it is at home. Needed with several regions.

    docs/runbooks/remove-a-region.md tells how it changes.
    """
    storage: Bytes = "10Gi"
    cpu: Cpu = "500m"
    memory: Bytes = "1Gi"
    backup: Backup = Backup()


class Cache(Model):
    """The cache in each region."""

    engine: Literal["redis", "managed"] = "redis"
    """`redis` in the cluster; or `managed`, run by the region's cloud."""
    replicas: CacheReplicas = 1
    """More than one: another zone's takes over when one fails."""
    storage: Bytes = "1Gi"
    """Disk of a replica in the cluster."""
    max_memory: Bytes = "128Mi"
    """Data kept before the least used keys are dropped; below `memory`."""
    cpu: Cpu = "100m"
    memory: Bytes = "256Mi"


class Messaging(Model):
    """NATS JetStream in each region."""

    servers: MessagingServers = 1
    streams: Annotated[tuple[Stream, ...], Field(strict=False)] = ()
    """What is kept of messages. Streams that are taken off the list stay, and their messages."""
    storage: Bytes = "2Gi"
    cpu: Cpu = "100m"
    memory: Bytes = "256Mi"


def _off_is_a_word(value: object) -> object:
    # YAML 1.1 readers turn an unquoted `off` into false.
    return "off" if value is False else value


class Mesh(Model):
    """Istio in each region."""

    enabled: bool = True
    replicas: MeshReplicas = 1
    """The least of the control plane, of the public gateway and of that for other regions: two outlive a zone."""
    post_quantum: Annotated[Literal["off", "prefer", "strict"], BeforeValidator(_off_is_a_word)] = "prefer"
    """Key exchange: `prefer` X25519MLKEM768 at the public edge, or `strict`: only that everywhere (Kubernetes 1.34)."""


class MonitoringMemory(Model):
    """Memory of the monitoring's parts. None: what the region's size asks for, by the rule in docs/monitoring.md."""

    prometheus: Bytes | None = None
    thanos_sidecar: Bytes | None = None
    thanos_query: Bytes | None = None
    kube_state_metrics: Bytes | None = None
    grafana: Bytes | None = None

    @field_validator("grafana")
    @classmethod
    def _grafana_lives(cls, memory: str | None) -> str | None:
        if memory is not None and quantity_bytes("grafana", memory) < quantity_bytes("grafana", LEAST_FOR_GRAFANA):
            raise mistake(f"must be at least {LEAST_FOR_GRAFANA}: with less Grafana is killed", "write 768Mi or more")
        return memory


class Monitoring(Model):
    """Prometheus, Grafana, Jaeger and OpenTelemetry in each region."""

    enabled: bool = True
    retention: Duration = "7d"
    storage: Bytes = "5Gi"
    memory: MonitoringMemory = MonitoringMemory()
    trace_sampling: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of requests that are traced."""
    runbooks: FolderUrl | None = None
    """Where people read the runbooks, for the links of alerts. None: the path in this repository, which is no link."""
    machine_prices: Mapping[str, Annotated[float, Field(ge=0)]] = {}
    """USD a month for a machine, by its type, instead of the price that is known (components/offers/prices.csv)."""


class Service(Model):
    """One of the four services in each region."""

    image: Image = SAMPLE_SERVICE_IMAGE
    min_replicas: Count = 1
    max_replicas: Count = 3
    follow_the_sun: bool = False
    """Keep half of the minimum, but two, from 23:00 to 07:00 of the region's local time."""
    cpu: Cpu = "50m"
    memory: Bytes = "64Mi"


class Services(Model):
    """The four services of the platform."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    consciousness_field: Service = Service()
    agent_network: Service = Service()
    sacred_messaging: Service = Service()
    work_coordination: Service = Service()

    def by_name(self) -> Mapping[str, Service]:
        """The services by the name they have in Kubernetes, such as `agent-network`."""
        return {field.replace("_", "-"): getattr(self, field) for field in type(self).model_fields}


class Edge(Model):
    """Where the platform meets its users."""

    domain: Domain = DEFAULT_DOMAIN
    cdn: Literal["none", "gcp", "aws", "azure"] = "none"
    """Whose CDN is in front of all regions, whatever their clouds. `none` makes nothing of what follows."""
    zone: DnsZone = CREATE_ZONE
    """The DNS zone: `create`, or one that exists: its name (gcp), its id (aws), or group/name (azure)."""
    rate_limit: Annotated[int, Field(ge=10, le=10_000)] = 600
    """Requests of one address in a minute."""
    waf: Literal["block", "observe"] = "block"
    """What happens to what the firewall finds."""
    cached_paths: CachedPaths | None = None
    """Beginnings of paths whose answers are kept. None is /<service>/static/ of every service."""
    signing_key: Literal["blue", "green"] = "blue"
    """Which of two keys proves to regions that a request came through the edge; they accept both."""
    project: GcpProject | None = None
    """Of the edge on gcp. None is that of the regions, clouds.gcp.project."""
    subscription: AzureId | None = None
    """Of the edge on azure. None is that of the regions, clouds.azure.subscription, else that of the login."""
    location: AzureLocation = "westeurope"
    """Where Azure keeps the description and the logs of an edge on azure."""


class Settings(Model):
    """The whole configuration of a stack."""

    stage: Literal["local", "regional", "continental", "planetary"]
    """A label and the cost envelope; nothing else depends on it."""
    regions: Annotated[tuple[AnyRegion, ...], Field(strict=False), not_empty("{name: local, cloud: existing}")]
    clouds: Clouds = Clouds()
    """Already part of `regions`."""
    database: Database = Database()
    cache: Cache = Cache()
    messaging: Messaging = Messaging()
    mesh: Mesh = Mesh()
    monitoring: Monitoring = Monitoring()
    services: Services = Services()
    edge: Edge = Edge()
    gitops: GitOps = GitOps()
    rancher: Rancher = Rancher()

    def region(self, name: str) -> RegionSettings:
        """The settings of the region called `name`; KeyError when there is none."""
        return {region.name: region for region in self.regions}[name]

    @property
    def peering_enabled(self) -> bool:
        """Whether regions are ready for others beside them: there are some, or a primary region is named.

        So a region that is the first of several, or the last one left, keeps its peer endpoints: the second region
        changes no more than the third, and removing regions deletes nothing of those that stay.
        """
        return len(self.regions) > 1 or self.database.primary_region is not None

    @property
    def primary_region(self) -> str:
        """Name of the region whose database the others join."""
        return self.database.primary_region or self.regions[0].name

    @property
    def gitops_hub(self) -> str | None:
        """Name of the region that Argo CD is in; None when there is none."""
        return (self.gitops.hub or self.primary_region) if self.gitops.enabled else None

    @property
    def rancher_hub(self) -> str | None:
        """Name of the region that Rancher is in; None when there is none."""
        return (self.rancher.hub or self.primary_region) if self.rancher.enabled else None

    def managed_by_argocd(self, region: str) -> bool:
        """Whether Argo CD deploys the services of `region`: it is there, and can reach the region's API."""
        hub = self.gitops_hub
        return hub is not None and (region == hub or self.region(region).cloud != "existing")

    @property
    def backup_regions(self) -> tuple[str, ...]:
        """Names of the regions that take backups of the database, sorted."""
        if self.database.engine != "cockroachdb":
            return ()
        named = self.database.backup.regions
        usual = (self.primary_region,) if self.region(self.primary_region).cloud != "existing" else ()
        return tuple(sorted(usual if named is None else named))
