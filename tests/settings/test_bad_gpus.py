"""Machines with GPUs in the settings: what regions have, where, and how many."""

import re
from typing import Any

import pytest

from components import offers
from components.cluster.settings import AwsRegion, AzureRegion, GcpRegion
from components.offers import sizes, tables
from stacks import geography
from stacks.monitoring_targets import region_size
from stacks.settings import parse
from stacks.settings.rules.clouds import most_nodes
from tests.settings.test_bad_regions import AMSTERDAM, IOWA, VIRGINIA, said
from tests.support.bad_settings import broken, complaints
from tests.support.regions import MATCHING

pytestmark = pytest.mark.unit

ROWS = tables.rows("gpus")
ZONES = tables.rows("gpu_zones")


def machines(region: dict[str, Any], **gpu: object) -> dict[str, Any]:
    """The region with machines that have GPUs."""
    return region | {"nodes": region["nodes"] | {"gpu": gpu}}


@pytest.mark.parametrize(
    ("region", "gpu"),
    [
        (IOWA, {"type": "g2-standard-4"}),
        (IOWA, {"type": "a2-highgpu-1g", "max": 1}),
        (VIRGINIA, {"type": "g5.xlarge"}),
        (VIRGINIA | {"zones": ["a", "b"]}, {"type": "g4dn.xlarge", "max": 1, "zones": ["b"]}),
        (AMSTERDAM, {"type": "Standard_NC4as_T4_v3"}),
        (AMSTERDAM, {"type": "Standard_NV36ads_A10_v5", "max": 1, "zones": [2]}),
    ],
)
def test_machines_with_gpus_that_a_region_has_are_taken(region: dict[str, Any], gpu: dict[str, Any]) -> None:
    (found,) = parse({"stage": "regional", "regions": [machines(region, **gpu)]}).regions
    assert isinstance(found, GcpRegion | AwsRegion | AzureRegion)
    assert found.nodes.gpu is not None
    assert (found.nodes.gpu.type, found.nodes.gpu.min) == (gpu["type"], 1)


@pytest.mark.parametrize(
    ("region", "gpu", "complaint"),
    [
        (
            IOWA,
            {"type": "e2-standard-4"},
            'type: "e2-standard-4" is no machine type whose GPUs are known (components/offers/gpus.csv); '
            "write e.g. g2-standard-4",
        ),
        (
            # A GPU of AMD, which the embedding server cannot use.
            VIRGINIA,
            {"type": "g4ad.xlarge"},
            'type: "g4ad.xlarge" is no machine type whose GPUs are known (components/offers/gpus.csv); '
            "write e.g. g4dn.xlarge",
        ),
        (
            VIRGINIA,
            {"type": "g5.xlarge", "max": 2},
            "max: 2 is too small for 3 zones: each zone needs a machine; "
            "write 3 or more, or name fewer zones in nodes.gpu.zones",
        ),
        (
            VIRGINIA,
            {"type": "g5.xlarge", "zones": ["a"]},
            'zones: ["a"] names zones that the region does not name: a; name the zones of the region as well: zones',
        ),
        (
            VIRGINIA | {"zones": ["a", "b"]},
            {"type": "g5.xlarge", "zones": ["b", "c"]},
            'zones: ["b", "c"] names zones that the region does not name: c; choose from a, b',
        ),
        (
            AMSTERDAM,
            {"type": "Standard_NC4as_T4_v3", "min": 5, "max": 4},
            '{"type": "Standard_NC4as_T4_v3", "min": 5, "max": 4} must not have a min above its max; '
            "lower min or raise max",
        ),
    ],
)
def test_other_machines_are_refused(region: dict[str, Any], gpu: dict[str, Any], complaint: str) -> None:
    at = "regions[0].nodes.gpu" + (": " if complaint.startswith("{") else ".")
    assert said(machines(region, **gpu)) == [at + complaint]


def test_machines_that_the_region_lacks_are_refused_with_the_source_and_one_that_it_has() -> None:
    (line,) = said(machines(VIRGINIA | {"name": "ap-southeast-1"}, type="g5.xlarge"))
    assert line.startswith(
        'regions[0].nodes.gpu.type: "g5.xlarge" is not available in ap-southeast-1 according to '
        "components/offers/sizes.csv (https://"
    )
    assert line.endswith("; write e.g. g4dn.xlarge")


def test_each_embedding_server_has_a_gpu_and_an_update_one_more() -> None:
    def asked(most: int, servers: int, machine: str = "g2-standard-4") -> dict[str, Any]:
        region = machines(IOWA, type=machine, max=most)
        return {"stage": "regional", "regions": [region], "matching": {**MATCHING, "maxReplicas": servers}}

    assert parse(asked(4, 3))
    assert complaints(asked(3, 3)) == [
        "regions[0].nodes.gpu.max: 3 gives 3 GPUs, too few for matching.maxReplicas: 3: each server needs one, and "
        "updates one more; write 4 or more, or fewer matching.maxReplicas"
    ]
    # Two GPUs in each machine.
    assert parse(asked(2, 3, "g2-standard-24"))
    assert broken(asked(2, 4, "g2-standard-24")) == ["regions[0].nodes.gpu.max"]
    without_matching = asked(1, 3) | {"matching": {}}
    assert parse(without_matching)


@pytest.mark.parametrize("region", [IOWA, VIRGINIA, AMSTERDAM], ids=lambda region: str(region["cloud"]))
def test_machines_with_gpus_take_pod_addresses_from_the_others(region: dict[str, Any]) -> None:
    gpu = {"type": {"gcp": "g2-standard-4", "aws": "g5.xlarge", "azure": "Standard_NC4as_T4_v3"}[region["cloud"]]}
    (with_gpus,) = parse({"stage": "regional", "regions": [machines(region, max=6, **gpu)]}).regions
    (without,) = parse({"stage": "regional", "regions": [region]}).regions
    assert isinstance(with_gpus, GcpRegion | AwsRegion | AzureRegion)
    assert isinstance(without, GcpRegion | AwsRegion | AzureRegion)
    # On Google Cloud and Azure, updates need further nodes: one of the pool, or one of each zone.
    assert most_nodes(without) - most_nodes(with_gpus) == {"gcp": 7, "aws": 6, "azure": 9}[region["cloud"]]


def test_prometheus_has_memory_for_machines_with_gpus() -> None:
    many = parse({"stage": "regional", "regions": [machines(IOWA, type="g2-standard-4", max=6)]})
    few = parse({"stage": "regional", "regions": [IOWA]})
    assert region_size(many, "us-central1").nodes - region_size(few, "us-central1").nodes == 6


def test_every_machine_with_gpus_is_a_machine_that_the_tables_know_and_can_be_a_node() -> None:
    for row in ROWS:
        for size in row["sizes"].split():
            name = row["family"].replace("#", size)
            assert sizes.family_of(row["cloud"], name) == (row["family"], size)
            assert offers.unfit(row["cloud"], "gpu", name) is None, name
            there = [one.name for one in geography.CATALOGUE if one.cloud == row["cloud"]]
            assert any(offers.offered(row["cloud"], "machine", region, name) for region in there), name
            known = offers.gpus_of(row["cloud"], name)
            assert known is not None
            # As Google Cloud spells them: https://cloud.google.com/compute/docs/gpus
            assert re.fullmatch(r"nvidia-[a-z0-9-]+", known.name)
            assert known.count >= 1


def test_no_machine_type_is_in_two_rows() -> None:
    names = [(row["cloud"], row["family"], size) for row in ROWS for size in row["sizes"].split()]
    assert len(names) == len(set(names))


def test_a_region_of_google_cloud_that_offers_machines_with_gpus_has_known_zones_for_them() -> None:
    google = [one.name for one in geography.CATALOGUE if one.cloud == "gcp"]
    offered = [(region, name) for region in google for name in offers.gpu_types("gcp", region)]
    assert offered
    for region, name in offered:
        zones = offers.gpu_zones("gcp", region, name)
        assert zones, (region, name)
        assert set(zones) <= set(offers.zones("gcp", region)), (region, name)


def test_zones_are_known_only_where_the_machines_are_offered() -> None:
    for row in ZONES:
        name = next(
            name for name in offers.gpu_types(row["cloud"], row["region"]) if name.startswith(row["family"][:-1])
        )
        assert offers.offered(row["cloud"], "machine", row["region"], name) is True
