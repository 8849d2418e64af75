"""Rules about the database, its backups and the cache. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from components.cache.settings import MOST_MANAGED_REPLICAS
from components.cluster.settings import AwsRegion
from components.database.settings import REGIONS_TO_SURVIVE_ONE
from components.settings.values import bytes_of, days_of
from components.settings.words import did_you_mean
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import UNKNOWN_REGION
from stacks.settings.rules.paths import each_region, regions_by_path

_LEAVING: Final = "docs/runbooks/remove-a-region.md"
_MOVE: Final = "docs/runbooks/postgresql-to-cockroachdb.md"
_AUTHORITIES: Final = "https://truststore.pki.rds.amazonaws.com"

_LEAST_DAYS: Final[Mapping[str, int]] = {"@daily": 2, "@weekly": 14}
"""A full backup expires only after the next full backup and its incrementals exist."""


def several_regions_name_a_primary_region(settings: Settings) -> Iterator[Mistake]:
    """With several regions, all databases join that of the primary region."""
    database, names = settings.database, [region.name for region in settings.regions]
    if database.engine == "cockroachdb" and database.primary_region is None and len(names) > 1:
        yield Mistake(
            path="database.primaryRegion",
            rule="is missing: with several regions, all databases join that of the primary region",
            remedy=f"name the region that existed first (one of {', '.join(names)}), and to change it later, follow "
            f"{_LEAVING}",
            reads=("database.engine", *each_region(settings, "name")),
        )


def the_primary_region_is_one(settings: Settings) -> Iterator[Mistake]:
    """The primary region is a region of the stack."""
    primary, names = settings.database.primary_region, [region.name for region in settings.regions]
    if settings.database.engine == "cockroachdb" and primary is not None and primary not in names:
        meant = did_you_mean(primary, names)
        yield Mistake(
            path="database.primaryRegion",
            value=shown(primary),
            rule=UNKNOWN_REGION,
            remedy=f"{meant if meant.endswith('?') else f'{meant}.'} To remove a primary region, follow {_LEAVING}",
            reads=("database.engine", *each_region(settings, "name")),
        )


def regions_survive_one(settings: Settings) -> Iterator[Mistake]:
    """A database that survives the loss of a region has enough regions."""
    database, regions = settings.database, len(settings.regions)
    if database.engine == "cockroachdb" and database.survive == "region" and regions < REGIONS_TO_SURVIVE_ONE:
        yield Mistake(
            path="database.survive",
            value=shown("region"),
            rule=f"needs at least {REGIONS_TO_SURVIVE_ONE} regions, not {regions}",
            remedy="add regions, or write zone",
            reads=("database.engine", *each_region(settings)),
        )


def backups_have_object_storage(settings: Settings) -> Iterator[Mistake]:
    """Regions that take backups are in the stack, on a cloud, and listed once."""
    clouds = {region.name: region.cloud for region in settings.regions}
    named = settings.database.backup.regions if settings.database.engine == "cockroachdb" else None
    for index, name in enumerate(named or ()):
        if name not in clouds:
            rule, remedy = UNKNOWN_REGION, did_you_mean(name, clouds)
        elif clouds[name] == "existing":
            rule, remedy = "has no object storage (cloud: existing)", "name regions of gcp, aws or azure"
        elif named and name in named[:index]:
            rule, remedy = "is listed twice", "remove the repetition"
        else:
            continue
        yield Mistake(
            path=f"database.backup.regions[{index}]",
            value=shown(name),
            rule=rule,
            remedy=remedy,
            reads=("database.engine", *each_region(settings, "name"), *each_region(settings, "cloud")),
        )


def backups_overlap(settings: Settings) -> Iterator[Mistake]:
    """A complete backup exists at any time."""
    backup = settings.database.backup
    least = _LEAST_DAYS[backup.full]
    if settings.database.engine == "cockroachdb" and days_of(backup.retention) < least:
        yield Mistake(
            path="database.backup.retention",
            value=shown(backup.retention),
            rule=f"is too short for full backups {backup.full}: at times no backup would exist",
            remedy=f"write {least}d or more",
            reads=("database.engine", "database.backup.full"),
        )


def clouds_back_up_their_own(settings: Settings) -> Iterator[Mistake]:
    """A cloud backs up its managed database itself."""
    if settings.database.engine == "postgresql" and "backup" in settings.database.model_fields_set:
        yield Mistake(
            path="database.backup",
            rule="applies to cockroachdb only: the cloud backs up PostgreSQL itself",
            remedy="remove it",
        )


def postgresql_has_one_region(settings: Settings) -> Iterator[Mistake]:
    """PostgreSQL supports one region, and its settings ask for no more."""
    database, regions = settings.database, len(settings.regions)
    if database.engine != "postgresql":
        return
    if regions > 1:
        yield Mistake(
            path="database.engine",
            value=shown(database.engine),
            rule=f"supports one region, and this stack has {regions}",
            remedy=f"write cockroachdb, after moving the data: {_MOVE}",
            reads=each_region(settings),
        )
    if database.primary_region is not None:
        yield Mistake(
            path="database.primaryRegion",
            value=shown(database.primary_region),
            rule="applies to cockroachdb only: postgresql has one region",
            remedy=f"remove it, or write engine: cockroachdb ({_MOVE})",
        )
    if database.survive == "region":
        yield Mistake(
            path="database.survive",
            value=shown(database.survive),
            rule="is not possible with postgresql, which has one region",
            remedy=f"write zone, or engine: cockroachdb and three regions ({_MOVE})",
        )


def managed_data_services_have_clouds(settings: Settings) -> Iterator[Mistake]:
    """Managed data services need a cloud."""
    if settings.database.engine == "postgresql":
        yield from _needs_a_cloud(settings, "database", "postgresql", "cockroachdb")
    if settings.cache.engine == "managed":
        yield from _needs_a_cloud(settings, "cache", "managed", "redis")


def _needs_a_cloud(settings: Settings, data_service: str, engine: str, other: str) -> Iterator[Mistake]:
    existing = [region.name for region in settings.regions if region.cloud == "existing"]
    if existing:
        yield Mistake(
            path=f"{data_service}.engine",
            value=shown(engine),
            rule=f"needs a cloud to run it, and {', '.join(existing)} has none (cloud: existing)",
            remedy=f"write {other}, which runs in the cluster, or use regions of gcp, aws or azure",
            reads=(*each_region(settings, "name"), *each_region(settings, "cloud")),
        )


def clients_verify_rds(settings: Settings) -> Iterator[Mistake]:
    """Clients of a database on AWS have its certificate authorities."""
    if settings.database.engine != "postgresql":
        return
    for path, region in regions_by_path(settings):
        if isinstance(region, AwsRegion) and region.rds_authorities is None:
            bundle = f"{_AUTHORITIES}/{region.name}/{region.name}-bundle.pem"
            yield Mistake(
                path=f"{path}.rdsAuthorities",
                rule="is missing: clients need the certificates of RDS's authorities to verify the database",
                remedy=f"add the content of {bundle}, here or for all regions below clouds.aws",
                reads=(f"{path}.name",),
            )


def managed_caches_have_so_many_replicas(settings: Settings) -> Iterator[Mistake]:
    """The number of replicas is possible on every cloud."""
    if settings.cache.engine == "managed" and settings.cache.replicas > MOST_MANAGED_REPLICAS:
        yield Mistake(
            path="cache.replicas",
            value=shown(settings.cache.replicas),
            rule=f"is more than the {MOST_MANAGED_REPLICAS} that a managed cache can have",
            remedy=f"write {MOST_MANAGED_REPLICAS} or less",
        )


def redis_has_memory_for_itself(settings: Settings) -> Iterator[Mistake]:
    """The data of a cache leaves some of its memory free."""
    cache = settings.cache
    if bytes_of(cache.max_memory) >= bytes_of(cache.memory):
        yield Mistake(
            path="cache.maxMemory",
            value=shown(cache.max_memory),
            rule=f"must be below memory, which is {cache.memory}: Redis needs some for itself",
            remedy="write about half of memory, or raise memory",
            reads=("cache.memory",),
        )


RULES: Final = (
    several_regions_name_a_primary_region,
    the_primary_region_is_one,
    regions_survive_one,
    backups_have_object_storage,
    backups_overlap,
    clouds_back_up_their_own,
    postgresql_has_one_region,
    managed_data_services_have_clouds,
    clients_verify_rds,
    managed_caches_have_so_many_replicas,
    redis_has_memory_for_itself,
)
