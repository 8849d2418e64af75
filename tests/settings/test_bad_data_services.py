"""Bad settings of data services that clouds run, with the exact messages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from components import quantities
from components.cache import instances as nodes
from components.database import instances as machines
from components.settings.values import Bytes, Cpu
from stacks.settings import SettingsError, parse
from tests.settings.test_bad_regions import AMSTERDAM, IOWA, VIRGINIA
from tests.support.bad_settings import complaints
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

RUNBOOK = "docs/runbooks/postgresql-to-cockroachdb.md"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
BELGIUM = {**IOWA, "name": "europe-west1"}
HOME = {"name": "local", "cloud": "existing"}
POSTGRESQL = {"engine": "postgresql"}
MANAGED = {"engine": "managed"}
THREE = {"servers": 3}
PEM_RULE = (
    "must be certificates in PEM form and nothing else; "
    "write the whole file as a block of text (|), from the first BEGIN CERTIFICATE to the last END CERTIFICATE"
)


def stack(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a configuration with these regions."""
    return {"stage": "regional", "regions": list(regions), "messaging": {"servers": 3}, **more}


NEEDS_A_CLOUD = (
    "needs a cloud to run it, and local has none (cloud: existing); "
    "write {}, which runs in the cluster, or use regions of gcp, aws or azure"
)
TOO_MUCH = "is more than any known {} has; write less"
LARGER = ", or name a larger one as regions[0].instances.{}"
DISK_RULE = "exceeds the largest disk that {} has; write {}Gi or less"
CLOUD_SQL_RULE = (
    "must be a machine type of the Cloud SQL Enterprise edition; write e.g. db-custom-2-8192 (CPUs and MiB)"
)

BAD = [
    (
        stack(IOWA, BELGIUM, database=POSTGRESQL, messaging=THREE),
        'database.engine: "postgresql" supports one region, and this stack has 2; '
        f"write cockroachdb, after moving the data: {RUNBOOK}",
    ),
    (
        stack(IOWA, database={**POSTGRESQL, "survive": "region"}),
        'database.survive: "region" is not possible with postgresql, which has one region; '
        f"write zone, or engine: cockroachdb and three regions ({RUNBOOK})",
    ),
    (
        stack(IOWA, database={**POSTGRESQL, "primaryRegion": "us-central1"}),
        'database.primaryRegion: "us-central1" applies to cockroachdb only: postgresql has one region; '
        f"remove it, or write engine: cockroachdb ({RUNBOOK})",
    ),
    (
        stack(HOME, database=POSTGRESQL),
        f'database.engine: "postgresql" {NEEDS_A_CLOUD.format("cockroachdb")}',
    ),
    (
        stack(HOME, cache=MANAGED),
        f'cache.engine: "managed" {NEEDS_A_CLOUD.format("redis")}',
    ),
    (
        stack(IOWA, cache={**MANAGED, "replicas": 7}),
        "cache.replicas: 7 is more than the 6 that a managed cache can have; write 6 or less",
    ),
    (
        stack(VIRGINIA, database=POSTGRESQL),
        "regions[0].rdsAuthorities: is missing: clients need the certificates of RDS's authorities to verify the "
        "database; add the content of https://truststore.pki.rds.amazonaws.com/us-east-1/us-east-1-bundle.pem, here or "
        "for all regions below clouds.aws",
    ),
    (
        stack(IOWA, database={**POSTGRESQL, "cpu": 97}),
        'database: {"cpu": "97", "memory": "1Gi"} '
        f"{TOO_MUCH.format('machine of Cloud SQL')}{LARGER.format('database')}",
    ),
    (
        stack({**VIRGINIA, "rdsAuthorities": PEM}, database={**POSTGRESQL, "memory": "1.5Ti"}),
        'database: {"cpu": "500m", "memory": "1.5Ti"} '
        f"{TOO_MUCH.format('machine of RDS')}{LARGER.format('database')}",
    ),
    (
        stack(AMSTERDAM, database={**POSTGRESQL, "cpu": "64.5"}),
        'database: {"cpu": "64.5", "memory": "1Gi"} '
        f"{TOO_MUCH.format('machine of Flexible Server')}{LARGER.format('database')}",
    ),
    (
        stack(
            {**AMSTERDAM, "instances": {"database": "Standard_E96ds_v5"}}, database={**POSTGRESQL, "storage": "17Ti"}
        ),
        f'database.storage: "17Ti" {DISK_RULE.format("Flexible Server", 16384)}',
    ),
    (
        stack(VIRGINIA, cache={**MANAGED, "memory": "999Gi"}),
        'cache: {"memory": "999Gi", "maxMemory": "128Mi"} '
        f"{TOO_MUCH.format('node of ElastiCache')}{LARGER.format('cache')}",
    ),
    (
        stack(AMSTERDAM, cache={**MANAGED, "memory": "180Gi", "maxMemory": "150Gi"}),
        'cache: {"memory": "180Gi", "maxMemory": "150Gi"} '
        f"{TOO_MUCH.format('node of Azure Managed Redis')}{LARGER.format('cache')}",
    ),
    (
        stack(IOWA, cache={**MANAGED, "memory": "301Gi"}),
        f'cache: {{"memory": "301Gi", "maxMemory": "128Mi"}} {TOO_MUCH.format("node of Memorystore")}',
    ),
    (
        stack(IOWA, database={**POSTGRESQL, "storage": "65Ti"}),
        f'database.storage: "65Ti" {DISK_RULE.format("Cloud SQL", 65536)}',
    ),
    (
        stack({**VIRGINIA, "rdsAuthorities": PEM}, database={**POSTGRESQL, "storage": "65Ti"}),
        f'database.storage: "65Ti" {DISK_RULE.format("RDS", 65536)}',
    ),
    (
        stack({**AMSTERDAM, "instances": {"database": "Standard_B2s"}}, database={**POSTGRESQL, "nodes": 3}),
        'regions[0].instances.database: "Standard_B2s" is a burstable machine, which cannot have a standby on Azure; '
        "write e.g. Standard_D2ds_v5, or database.nodes: 1",
    ),
    (
        stack({**IOWA, "instances": {"database": "db-perf-optimized-N-2"}}),
        f'regions[0].instances.database: "db-perf-optimized-N-2" {CLOUD_SQL_RULE}',
    ),
    (
        stack({**IOWA, "instances": {"database": "db-custom-3-8192"}}),
        'regions[0].instances.database: "db-custom-3-8192" is not a Cloud SQL machine type: those have 1 CPU or '
        "an even number up to 96, 0.9 to 6.5 GiB per CPU in steps of 256 MiB, and at least 3840 MiB; "
        "write e.g. db-custom-2-8192 (CPUs and MiB)",
    ),
    (stack({**VIRGINIA, "rdsAuthorities": "rds.pem"}), f'regions[0].rdsAuthorities: "rds.pem" {PEM_RULE}'),
    (
        stack({**IOWA, "instances": {"database": "e2-standard-4"}}),
        f'regions[0].instances.database: "e2-standard-4" {CLOUD_SQL_RULE}',
    ),
    (
        stack({**IOWA, "instances": {"cache": "5"}}),
        "regions[0].instances.cache: is not a setting; known here: database",
    ),
    (
        stack({**VIRGINIA, "instances": {"database": "m7g.large"}}),
        'regions[0].instances.database: "m7g.large" must be an RDS instance class; write e.g. db.m7g.large',
    ),
    (
        stack({**VIRGINIA, "instances": {"cache": "m7g.large"}}),
        'regions[0].instances.cache: "m7g.large" must be an ElastiCache node type; write e.g. cache.m7g.large',
    ),
    (
        stack({**AMSTERDAM, "instances": {"database": "D2ds_v5"}}),
        'regions[0].instances.database: "D2ds_v5" must be a Flexible Server size; write e.g. Standard_D2ds_v5',
    ),
    (
        stack({**AMSTERDAM, "instances": {"cache": "C1"}}),
        'regions[0].instances.cache: "C1" must be an Azure Managed Redis size; write e.g. Balanced_B5',
    ),
]


@pytest.mark.parametrize(("values", "complaint"), BAD)
def test_one_bad_value_is_reported_with_path_value_rule_and_remedy(values: dict[str, Any], complaint: str) -> None:
    assert complaints(values) == [complaint]


def test_the_runbook_that_the_messages_name_is_there() -> None:
    assert (ROOT / RUNBOOK).is_file()


@pytest.mark.parametrize("region", [IOWA, {**VIRGINIA, "rdsAuthorities": PEM + PEM}, AMSTERDAM])
def test_any_cloud_s_only_region_can_have_both(region: dict[str, Any]) -> None:
    settings = parse(stack(region, database={**POSTGRESQL, "nodes": 3}, cache={**MANAGED, "replicas": 3}))
    assert (settings.database.engine, settings.cache.engine) == ("postgresql", "managed")


def test_several_regions_can_have_managed_caches_on_whatever_clouds() -> None:
    regions = (IOWA, VIRGINIA, AMSTERDAM)
    database, cache = {"primaryRegion": "us-central1"}, {**MANAGED, "replicas": 6}
    settings = parse(stack(*regions, database=database, cache=cache, messaging=THREE))
    assert settings.cache.replicas == 6


def test_certificates_of_a_cloud_are_those_of_its_regions() -> None:
    settings = parse(stack(VIRGINIA, clouds={"aws": {"rdsAuthorities": f"\n{PEM}\n"}}, database=POSTGRESQL))
    region = settings.region("us-east-1")
    assert region.cloud == "aws"
    assert region.rds_authorities == PEM.strip()


def test_machines_that_are_named_may_have_more_than_what_is_known() -> None:
    settings = parse(
        stack(
            {**AMSTERDAM, "instances": {"database": "Standard_E96ds_v5", "cache": "Balanced_B1000"}},
            database={**POSTGRESQL, "cpu": 96, "memory": "672Gi"},
            cache={**MANAGED, "memory": "999Gi", "maxMemory": "700Gi"},
        )
    )
    assert settings.database.memory == "672Gi"


DIGITS = st.text("0123456789.", min_size=1, max_size=20) | st.integers(1, 20000).map(str)
CPUS = st.builds("{}{}".format, DIGITS, st.sampled_from(["", "m"]))
SIZES = st.builds("{}{}".format, DIGITS, st.sampled_from(["k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"]))


@given(CPUS, SIZES)
def test_a_quantity_that_the_settings_accept_is_a_number_to_components(cpu: str, size: str) -> None:
    if is_valid(Cpu, cpu):
        assert quantities.cpus("cpu", cpu) > 0
    if is_valid(Bytes, size):
        assert quantities.gibibytes("size", size) > 0


@given(CPUS, SIZES, SIZES, st.booleans())
def test_a_database_that_the_settings_accept_has_a_machine_on_every_cloud(
    cpu: str, memory: str, storage: str, standby: bool
) -> None:
    database = {**POSTGRESQL, "cpu": cpu, "memory": memory, "storage": storage, "nodes": 3 if standby else 1}
    if accepted(stack(IOWA, database=database)):
        assert machines.cloud_sql_tier(cpu=cpu, memory=memory)
    if accepted(stack({**VIRGINIA, "rdsAuthorities": PEM}, database=database)):
        assert machines.smallest(machines.RDS, cpu=cpu, memory=memory, standby=standby)
    if accepted(stack(AMSTERDAM, database=database)):
        assert machines.smallest(machines.FLEXIBLE_SERVER, cpu=cpu, memory=memory, standby=standby)
        assert machines.azure_disk(storage)


@given(SIZES, SIZES)
def test_a_cache_that_the_settings_accept_has_a_node_on_every_cloud(memory: str, data: str) -> None:
    for region, table, share in (
        (VIRGINIA, nodes.ELASTICACHE, nodes.ELASTICACHE_DATA_SHARE),
        (AMSTERDAM, nodes.AZURE, nodes.AZURE_DATA_SHARE),
    ):
        if accepted(stack(region, cache={**MANAGED, "memory": memory, "maxMemory": data})):
            assert nodes.smallest(table, memory=memory, max_memory=data, data_share=share)


def is_valid(kind: Any, value: str) -> bool:
    """Return whether settings of a `kind` accept the value."""
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def accepted(values: dict[str, Any]) -> bool:
    """Return whether the settings accept the values."""
    try:
        parse(values)
    except SettingsError:
        return False
    return True
