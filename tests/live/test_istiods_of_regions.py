"""Three regions on three clouds: each real istiod reads the other regions, with the rights that the program gives."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.namespaces import SERVICES
from components.services import NAMES
from sandbox.controllers.istio import Istiod
from tests.support import mesh_sandboxes
from tests.support.regions import MIXED, configured
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

REGIONS = {name for name, _ in MIXED}


@pytest.fixture(scope="module")
def istiods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Istiod]]:
    folder = tmp_path_factory.mktemp("istiods")
    with (
        mesh_sandboxes.deployed(folder, "multiregion", configured(*MIXED)) as sandbox,
        mesh_sandboxes.control_planes_of_the_mesh(sandbox) as started,
    ):
        eventually(lambda: all(map(_knows_all, started.values())), seconds=60, what="regions that know each other")
        yield started


def _knows_all(istiod: Istiod) -> bool:
    return {each["id"] for each in istiod.debug("clusterz") if each["syncStatus"] == "synced"} == REGIONS


def gateways(istiod: Istiod) -> dict[str, dict[str, Any]]:
    """The gateways of other networks that an istiod knows, by their region."""
    found = {str(each["Cluster"]): dict(each) for each in istiod.debug("networkz")}
    assert len(found) == len(istiod.debug("networkz"))
    return found


def test_every_istiod_reads_every_region(istiods: Mapping[str, Istiod]) -> None:
    assert istiods.keys() == REGIONS
    for istiod in istiods.values():
        remote = [each for each in istiod.debug("clusterz") if each.get("secretName")]
        assert {each["secretName"] for each in remote} == {"istio-system/remote-regions"}
        assert {each["id"] for each in remote} == REGIONS - {istiod.cluster.plane.name}


def test_every_istiod_knows_one_gateway_for_each_region(istiods: Mapping[str, Istiod]) -> None:
    for istiod in istiods.values():
        known = gateways(istiod)
        assert known.keys() == REGIONS
        for region, gateway in known.items():
            own = istiods[region].cluster.kubectl(
                *("get", "service", "istio-eastwestgateway", "--namespace=istio-ingress"),
                "--output=jsonpath={.status.loadBalancer.ingress[0].ip}",
            )
            assert (gateway["Addr"], gateway["Port"]) == (own.stdout, 15443)


def test_every_istiod_has_the_services_endpoints_of_all_regions(istiods: Mapping[str, Istiod]) -> None:
    for istiod in istiods.values():
        shards = istiod.debug("endpointShardz")
        for name in NAMES:
            of_service = shards[f"{name}.{SERVICES}.svc.cluster.local"][SERVICES]["Shards"]
            assert {shard.rpartition("/")[2] for shard, endpoints in of_service.items() if endpoints} == REGIONS


def test_no_istiod_complains(istiods: Mapping[str, Istiod]) -> None:
    said = {region: mesh_sandboxes.complaints(istiod, mesh_sandboxes.STARTING) for region, istiod in istiods.items()}
    assert {region: found for region, found in said.items() if found} == {}
