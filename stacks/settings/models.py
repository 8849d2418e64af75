"""The whole configuration of a stack: the sections of the components, and what follows from several of them."""

from typing import Annotated, Final, Literal

from pydantic import Field

from components.cache.settings import CacheSettings
from components.cdn.settings import EdgeSettings
from components.cluster.settings import AnyRegion, Clouds, RegionSettings
from components.database.settings import DatabaseSettings
from components.gitops.settings import GitOpsSettings
from components.mesh.settings import MeshSettings
from components.messaging.settings import MessagingSettings
from components.monitoring.settings import MonitoringSettings
from components.rancher.settings import RancherSettings
from components.services.settings import ServicesSettings
from components.settings import Model
from components.settings.values import not_empty

SECRETS: Final = ("cockroachdbLicense", "alertWebhookUrl", "alertWebhookToken", "gitopsRepositoryToken")
"""Keys that hold Pulumi secrets: never part of these models. Components get them as outputs, see `source.secret`."""


class Settings(Model):
    """The whole configuration of a stack."""

    stage: Literal["local", "regional", "continental", "planetary"]
    """A label and the cost envelope; nothing else depends on it."""
    regions: Annotated[tuple[AnyRegion, ...], Field(strict=False), not_empty("{name: local, cloud: existing}")]
    clouds: Clouds = Clouds()
    """Already part of `regions`."""
    database: DatabaseSettings = DatabaseSettings()
    cache: CacheSettings = CacheSettings()
    messaging: MessagingSettings = MessagingSettings()
    mesh: MeshSettings = MeshSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    services: ServicesSettings = ServicesSettings()
    edge: EdgeSettings = EdgeSettings()
    gitops: GitOpsSettings = GitOpsSettings()
    rancher: RancherSettings = RancherSettings()

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
