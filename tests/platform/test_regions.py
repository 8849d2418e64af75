"""Regions of all clouds: the resources of a stack with one region, and the changes when regions are added."""

import json
import subprocess
import sys

import pulumi
import pytest

from tests.support.clusters import OFFICE
from tests.support.clusters import before as there_before
from tests.support.hubs import GITOPS
from tests.support.regions import (
    BECOMES_A_PEER,
    EARLY,
    FIVE,
    GOOGLE,
    IOWA,
    KNOWS_NEAREST,
    KNOWS_PEERS,
    MIXED,
    PRIMARY_REGION_HAS,
    PRIMARY_REGION_KNOWS_PEERS,
    SDKS,
    SHIFTING,
    SINGAPORE,
    STORAGE,
    TAIWAN,
    VIRGINIA,
    Where,
    authorized,
    changed,
    cluster,
    egress,
    of_region,
    rendered,
    rendered_with,
    same,
    targets,
)
from tests.support.rendering import ROOT, ancestors

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("where", MIXED)
def test_a_region_alone_is_on_its_cloud_and_on_no_other(where: Where) -> None:
    stack, cloud = rendered(where), where[1]
    used = {r.type.partition(":")[0].removesuffix("-native") for r in stack.resources}
    assert used & SDKS.keys() == {cloud}
    assert authorized(stack, where) == [OFFICE]


@pytest.mark.parametrize("where", MIXED)
def test_what_differs_between_clouds_reaches_those_who_need_it(where: Where) -> None:
    stack, (name, cloud) = rendered(where), where
    claims = [
        template["spec"].get("storageClassName")
        for r in stack.objects("StatefulSet")
        for template in r.inputs["spec"]["volumeClaimTemplates"]
    ]
    assert claims
    assert set(claims) == {STORAGE[cloud]}
    gateway = stack.named(f"{name}-mesh-gateway-release").inputs["values"]["service"]["annotations"]
    assert bool(gateway) == (cloud != "azure")
    cni = stack.named(f"{name}-mesh-control-plane-cni").inputs["values"]
    assert ("gke" in json.dumps(cni)) == (cloud == "gcp")


def test_every_cloud_has_a_provider_of_each_region_s_own() -> None:
    stack = rendered(*FIVE)
    providers = {r.urn: r for r in stack.resources if r.type.startswith("pulumi:providers:")}
    made_by = {
        (r.name.startswith(providers[urn].name.rpartition("-")[0]), urn.rpartition("-")[2])
        for r in stack.resources
        if r.type.startswith(("gcp:", "aws:", "azure-native:"))
        for urn in [r.provider.rpartition("::")[0]]
    }
    assert made_by == {(True, "gcp"), (True, "aws"), (True, "azure")}
    assert stack.named("us-central1-gcp").inputs["project"] == "my-project"
    assert stack.named("us-east-1-aws").inputs["region"] == "us-east-1"
    assert stack.named("westeurope-azure").inputs["location"] == "westeurope"


@pytest.mark.parametrize("where", FIVE)
def test_the_regions_and_the_office_may_reach_the_api_and_nobody_else(where: Where) -> None:
    stack = rendered(*FIVE)
    others = [address for name, _ in FIVE if name != where[0] for address in egress(stack, name)]
    assert len(others) == len(set(others)) >= len(FIVE) - 1
    assert sorted(authorized(stack, where)) == sorted([OFFICE, *others])


def test_a_preview_tells_of_quotas_that_are_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: told.append(message))
    database = {"primaryRegion": IOWA[0], "nodes": 3}
    rendered_with((*FIVE, ("sa-east-1", "aws")), database=database, edge={"domain": "quotas.example.org"})
    assert list(dict.fromkeys(message.partition(":")[0] for message in told)) == [
        "us-east-1",
        "ap-southeast-1",
        "sa-east-1",
    ]
    assert {"rules" in message for message in told} == {"addresses" in message for message in told} == {True, False}


@pytest.mark.parametrize("where", MIXED)
def test_without_a_mesh_no_other_region_may_reach_the_api(where: Where) -> None:
    assert authorized(rendered_with(MIXED, mesh={"enabled": False}), where) == [OFFICE]


@pytest.mark.parametrize("where", MIXED)
def test_without_a_mesh_argo_cd_may_reach_the_api_from_its_hub_alone(where: Where) -> None:
    stack = rendered_with(MIXED, mesh={"enabled": False}, gitops=GITOPS)
    hub = [] if where == IOWA else egress(stack, IOWA[0])
    assert sorted(authorized(stack, where)) == sorted([OFFICE, *hub])


@pytest.mark.parametrize("more", [GOOGLE, MIXED])
def test_a_second_and_third_region_only_add_to_the_first(more: tuple[Where, ...]) -> None:
    before, after = rendered(IOWA), rendered(*more)
    assert of_region(before, IOWA[0]).keys() <= of_region(after, IOWA[0]).keys()
    assert changed(before, after, IOWA[0]) <= KNOWS_PEERS | PRIMARY_REGION_KNOWS_PEERS | BECOMES_A_PEER
    assert changed(before, after, "platform") == set()


@pytest.mark.parametrize("where", MIXED)
def test_more_regions_change_only_what_knows_its_peers(where: Where) -> None:
    before, after = rendered(*MIXED), rendered(*FIVE)
    assert of_region(before, where[0]).keys() == of_region(after, where[0]).keys()
    known = KNOWS_PEERS | (PRIMARY_REGION_KNOWS_PEERS if where == IOWA else set())
    assert changed(before, after, where[0]) | KNOWS_NEAREST == known
    assert changed(before, after, "platform") == set()


def test_of_a_cluster_only_its_authorized_networks_change() -> None:
    before, after = rendered(*MIXED), rendered(*FIVE)
    keys = {"gcp": "masterAuthorizedNetworksConfig", "aws": "vpcConfig", "azure": "apiServerAccessProfile"}
    for where in MIXED:
        old, new = cluster(before, where), cluster(after, where)
        assert {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} == {keys[where[1]]}
        assert set(authorized(before, where)) < set(authorized(after, where))


def test_the_order_of_the_list_changes_nothing() -> None:
    moved = (MIXED[1], MIXED[2], MIXED[0])
    before, after = ({r.urn: r for r in rendered(*order).resources} for order in (MIXED, moved))
    assert before.keys() == after.keys()
    assert [urn for urn in before if not same(before[urn], after[urn])] == []
    assert [urn for urn in before if before[urn].dependencies != after[urn].dependencies] == []


def test_every_region_of_a_cloud_has_as_many_resources_however_many_regions_there_are() -> None:
    counts: dict[str, set[int]] = {cloud: set() for cloud in (*SDKS, "primaryRegion")}
    for regions in (GOOGLE, MIXED, FIVE):
        for name, cloud in regions:
            counts["primaryRegion" if (name, cloud) == IOWA else cloud].add(len(of_region(rendered(*regions), name)))
    assert {cloud: len(numbers) for cloud, numbers in counts.items()} == dict.fromkeys(counts, 1)


def test_regions_of_a_cloud_have_resources_of_the_same_names() -> None:
    stack = rendered(*FIVE)
    for one, other in [(IOWA, TAIWAN), (VIRGINIA, SINGAPORE)]:
        primaries = {key for key in of_region(stack, one[0]) if key.startswith(PRIMARY_REGION_HAS)}
        assert of_region(stack, one[0]).keys() - primaries == of_region(stack, other[0]).keys()
        assert bool(primaries) == (one == IOWA)


def test_a_region_waits_for_what_others_have_early_and_for_no_workload() -> None:
    stack = rendered(*FIVE)
    owners = {r.urn: name for name, _ in FIVE for r in of_region(stack, name).values()}
    names = {r.urn: r.name for r in stack.resources}
    above = {r.urn: [names[urn] for urn in ancestors(stack, r)] for r in stack.resources}
    foreign = {
        (r.urn, urn)
        for r in stack.resources
        for urn in r.dependencies
        if urn in owners and r.urn in owners and owners[urn] != owners[r.urn]
    }
    late = [pair for pair in foreign if not {f"{owners[pair[1]]}-{early}" for early in EARLY} & set(above[pair[1]])]
    assert foreign
    assert late == []


def test_pods_that_other_regions_call_come_after_the_gateway_between_regions() -> None:
    stack = rendered(*MIXED)
    for region, _ in MIXED:
        way_in = {stack.named(f"{region}-mesh-east-west-{part}").urn for part in ("release", "gateway")}
        services = [r for r in of_region(stack, region).values() if r.inputs.get("kind") == "Deployment"]
        mine = [r for r in services if r.inputs["metadata"]["namespace"] == "sacred-council"]
        assert len(mine) == 4
        assert all(way_in <= set(there_before(stack, r)) for r in mine)


def test_the_mesh_has_as_many_replicas_as_the_settings_say() -> None:
    stack = rendered_with(MIXED, mesh={"replicas": 2})
    for region, _ in MIXED:
        istiod = stack.named(f"{region}-mesh-control-plane-istiod").inputs["values"]
        assert istiod["autoscaleMin"] == 2
        assert istiod["global"]["defaultPodDisruptionBudget"] == {"enabled": True}
        for gateway in ("gateway", "east-west"):
            values = stack.named(f"{region}-mesh-{gateway}-release").inputs["values"]
            assert values["autoscaling"]["minReplicas"] == 2
            assert values["podDisruptionBudget"] == {"maxUnavailable": 1}


@pytest.mark.parametrize(
    ("rendering", "expected"), [("render('local')", set()), (f"rendered({IOWA!r})", {"pulumi_gcp"})]
)
def test_a_stack_imports_the_sdks_of_its_clouds_only(rendering: str, expected: set[str]) -> None:
    imports = "import json, sys; from tests.support.rendering import render; from tests.support.regions import rendered"
    code = f"{imports}; {rendering}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(SDKS.values()) & set(json.loads(run.stdout)) == expected


def test_a_service_that_follows_the_sun_does_so_in_each_regions_time_and_with_its_numbers() -> None:
    stack = targets(*MIXED, services=SHIFTING)
    shifts = {
        call["values"]["region"]: call["values"]["services"]["agent-network"]["replicas"]["shifts"]
        for call in (json.loads(arguments["jsonOpts"]) for _, arguments in stack.calls if "jsonOpts" in arguments)
    }
    assert {region: {shift["timeZone"] for shift in found} for region, found in shifts.items()} == {
        "us-central1": {"America/Chicago"},
        "us-east-1": {"America/New_York"},
        "westeurope": {"Europe/Amsterdam"},
    }
    assert [[shift["min"] for shift in found] for found in shifts.values()] == [[5, 3]] * 3
    shifted = [r.name for r in stack.objects("HorizontalPodAutoscaler") if r.ignored == ("spec.minReplicas",)]
    assert len(shifted) == 3
