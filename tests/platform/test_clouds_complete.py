"""Tables and models that must cover every cloud: for a new cloud, each test fails until its table has the cloud.

Where types can express the rule, `assert_never` enforces it instead, as in `stacks.clusters`.
"""

from collections.abc import Collection
from importlib import import_module
from typing import Any, get_args

import pytest

from components.cluster.settings import CLOUDS, Clouds, RegionSettings
from components.offers.tables import rows
from picture import tones
from report.preview import _CLOUD_OF_PACKAGE, _CLOUDS
from report.prices import PRICES
from sandbox import manifests
from stacks.geography import CATALOGUE

pytestmark = pytest.mark.unit

MANAGED = {cloud for cloud in CLOUDS if cloud != "existing"}
"""Clouds in which the program creates the clusters."""


def table(path: str) -> Collection[Any]:
    """Return the object that `module:name` names."""
    module, _, name = path.partition(":")
    found: Collection[Any] = getattr(import_module(module), name)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "benchmarks.regions:CLOUDS",
        "components.cdn.names:_STEERED_BY_DNS",
        "components.offers.fit:_UNFIT",
        "components.offers.fit:_SPECIAL",
        "components.offers.sizes:_FORMS",
        "components.offers.sizes:_GENERAL",
        "report.carbon:POWERS",
        "sandbox.cloud_login:PLUGINS",
        "stacks.quotas:ADDRESSES",
        "stacks.quotas:PROCESSORS",
        "components.cluster.settings:CLOUD_NAMES",
        "stacks.settings.rules.clouds:_NEVER_CALLERS",
        "stacks.settings.rules.edge:_ZONE_NAMES",
        "stacks.settings.rules.offers:_CACHES",
        "stacks.settings.rules.offers:_LARGEST_DISKS",
        "stacks.settings.rules.offers:_SERVERS",
    ],
)
def test_a_table_by_cloud_has_every_cloud_that_runs_regions(path: str) -> None:
    assert set(table(path)) == MANAGED


@pytest.mark.parametrize(
    "path",
    [
        "picture.cards:CLOUDS",
        "picture.tones:LIGHT",
        "picture.tones:DARK",
        "report.kubernetes:_DISKS",
        "report.kubernetes:_LOAD_BALANCERS",
    ],
)
def test_a_table_by_cloud_has_every_cloud_a_region_can_be_on(path: str) -> None:
    assert {*CLOUDS} <= set(table(path))


@pytest.mark.parametrize("kind", ["dot", "glow", "ring"])
def test_every_cloud_is_drawn(kind: str) -> None:
    assert {cloud for cloud in CLOUDS if f"{kind}-{cloud}" in tones.KINDS} == {*CLOUDS}


def test_every_cloud_has_a_model_of_its_regions() -> None:
    models = get_args(RegionSettings)
    assert {get_args(model.model_fields["cloud"].annotation)[0] for model in models} == {*CLOUDS}
    assert set(Clouds.model_fields) == MANAGED


def test_a_control_plane_of_the_sandbox_has_the_storage_of_its_cloud() -> None:
    assert set(manifests.storage()) == {*CLOUDS}


def test_the_catalogue_has_regions_of_every_cloud() -> None:
    assert {region.cloud for region in CATALOGUE} == MANAGED


@pytest.mark.parametrize("name", ["prices", "regions", "sizes"])
def test_a_table_of_offers_has_every_cloud(name: str) -> None:
    assert {row["cloud"] for row in rows(name)} == MANAGED


def test_the_report_finds_the_cloud_of_every_cluster_and_resource() -> None:
    assert {*_CLOUDS.values()} == {*CLOUDS}
    assert {*_CLOUD_OF_PACKAGE.values()} == MANAGED
    assert {item.partition(".")[0] for item in PRICES} >= MANAGED


@pytest.mark.parametrize("path", ["policy.places:CLOUDS", "sandbox.engine:STAND_INS"])
def test_a_table_by_provider_has_that_of_every_cloud(path: str) -> None:
    assert set(_CLOUD_OF_PACKAGE) <= set(table(path))


@pytest.mark.parametrize(
    "path",
    [
        "benchmarks.durations:_CLOUDS",
        "policy.rules.carbon:CLUSTERS",
        "policy.rules.deletion:STATEFUL",
        "policy.rules.encryption:TABLE",
        "policy.rules.exposure:TABLE",
        "policy.rules.labels:LABELS",
        "policy.rules.tls:TABLE",
        "report.cost:CHARGERS",
        "report.cost:FREE",
        "report.machines:READERS",
    ],
)
def test_a_table_by_type_has_resources_of_every_cloud(path: str) -> None:
    assert set(_CLOUD_OF_PACKAGE) <= {kind.partition(":")[0] for kind in table(path)}


@pytest.mark.parametrize("path", ["components.cache:ENGINES", "components.database:ENGINES"])
def test_every_cloud_has_an_engine_that_it_runs_beside_the_one_in_the_cluster(path: str) -> None:
    assert len(table(path)) == len(MANAGED) + 1
