"""The whole configuration of a stack: the sections of the components, and what follows from several of them."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from components.cache.settings import CacheSettings
from components.cdn.settings import EdgeSettings
from components.circles.settings import CirclesSettings
from components.cluster.settings import AnyRegion, Clouds, RegionSettings
from components.database.settings import DatabaseSettings
from components.gitops.settings import GitOpsSettings
from components.ledger.settings import LedgerSettings
from components.matching.settings import MatchingSettings
from components.mesh.settings import MeshSettings
from components.messaging.settings import MessagingSettings
from components.monitoring.settings import MonitoringSettings
from components.rancher.settings import RancherSettings
from components.scaling.settings import ScalingSettings
from components.services.settings import ServiceSettings, ServicesSettings
from components.settings import Model
from components.settings.values import not_empty
from components.sites.settings import EdgeSite
from components.streaming.settings import StreamingSettings

SECRETS: Final[Mapping[str, str]] = {
    "cockroachdbLicense": (
        "Licence key of CockroachDB. A database of several nodes needs one seven days after its start."
    ),
    "alertWebhookUrl": (
        "HTTPS address on port 443 to which Alertmanager sends alerts; network policies let it call no other port. "
        "Without it Grafana shows the alerts, and nobody receives them. It needs `monitoring.enabled`."
    ),
    "alertWebhookToken": "Bearer token that the address of `alertWebhookUrl` asks for, if any.",
    "gitopsRepositoryToken": "Password or access token with which Argo CD reads a private repository.",
}
"""Keys that hold Pulumi secrets, and what they are for. They are never part of these models.

Components get them as outputs, see `source.secret`.
"""


class Settings(Model):
    """The whole configuration of a stack."""

    stage: Literal["local", "regional", "continental", "planetary"] = Field(examples=["local"])
    """A label of the stack. Report and policy pack compare its cost with the budget of this stage; nothing else
    depends on it."""
    regions: Annotated[
        tuple[AnyRegion, ...],
        Field(strict=False, examples=[[{"name": "local", "cloud": "existing"}]]),
        not_empty("{name: local, cloud: existing}"),
    ]
    """The regions, one entry each, in any order. To add a region, add an entry (docs/runbooks/add-a-region.md).
    Removing an entry deletes the region and its data (docs/runbooks/remove-a-region.md)."""
    clouds: Clouds = Clouds()
    """Settings of each cloud that apply to all its regions. A region may set each of these keys itself; its value then
    replaces the cloud's whole value."""
    database: DatabaseSettings = DatabaseSettings()
    """The database in each region."""
    cache: CacheSettings = CacheSettings()
    """The cache in each region. It may be lost with all that it holds, because it is not backed up:
    docs/security.md#backups."""
    messaging: MessagingSettings = MessagingSettings()
    """NATS JetStream in each region."""
    streaming: StreamingSettings = StreamingSettings()
    """Kafka in each region: docs/streaming.md says when to use it, and when NATS."""
    mesh: MeshSettings = MeshSettings()
    """Istio in each region."""
    monitoring: MonitoringSettings = MonitoringSettings()
    """Prometheus, Grafana, Jaeger and OpenTelemetry in each region: docs/monitoring.md."""
    services: ServicesSettings = ServicesSettings()
    """The services in each region: four, and `sacred-matching` where there is matching."""
    scaling: ScalingSettings = ScalingSettings()
    """KEDA in each region, which scales the services on load, forecast and announced events: docs/scaling.md."""
    matching: MatchingSettings = MatchingSettings()
    """Embedding servers and a vector index in each region, and the service that uses them: docs/matching.md."""
    ledger: LedgerSettings = LedgerSettings()
    """The trust ledger, which all regions keep together: docs/ledger.md."""
    circles: CirclesSettings = CirclesSettings()
    """Voice and video of circles, by LiveKit in each region: docs/circles.md."""
    edge: EdgeSettings = EdgeSettings()
    """Where the platform meets its users."""
    gitops: GitOpsSettings = GitOpsSettings()
    """Argo CD in one region, which deploys the services of all regions."""
    rancher: RancherSettings = RancherSettings()
    """Rancher in one region, for the clusters of all regions."""
    edge_sites: Annotated[tuple[EdgeSite, ...], Field(strict=False)] = ()
    """Small clusters near their users, one entry each, in any order: docs/edge-sites.md. To add a site, add an entry.
    Removing an entry deletes the site and what it has not sent."""

    def region(self, name: str) -> RegionSettings:
        """The settings of the region called `name`; KeyError when there is none."""
        return {region.name: region for region in self.regions}[name]

    def sites_of(self, region: str) -> tuple[EdgeSite, ...]:
        """The edge sites whose home is the region called `region`, sorted by name."""
        return tuple(sorted((site for site in self.edge_sites if site.home == region), key=lambda site: site.name))

    @property
    def steered_sites(self) -> tuple[EdgeSite, ...]:
        """The edge sites that the CDN sends users to."""
        return tuple(site for site in self.edge_sites if self.edge.cdn != "none" and site.gateway_address is not None)

    @property
    def running_services(self) -> ServicesSettings:
        """The services that each region runs: with matching, `sacred-matching` is one of them."""
        if not self.matching.enabled or self.services.sacred_matching is not None:
            return self.services
        return self.services.model_copy(update={"sacred_matching": ServiceSettings()})

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
