"""One database over several regions: who initialises it, who joins, who has access, and what list changes do."""

from typing import Any

import pytest

from tests.peering.test_peering_of_regions import endpoints
from tests.support.data_services import unchanging, waits_for
from tests.support.network_policies import Pods, may_send_to
from tests.support.regions import (
    BELGIUM,
    FIVE,
    GOOGLE,
    IOWA,
    MIXED,
    Where,
    changed,
    configured,
    egress,
    of_region,
    rendered,
    rendered_with,
)
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack

PORT = 26257


def stateful_set(stack: Rendered, region: str) -> dict[str, Any]:
    """Return the inputs of the region's StatefulSet."""
    return stack.named(f"{region}-database-statefulset").inputs


def command(stack: Rendered, region: str) -> str:
    """Return the start command of the region's nodes."""
    (container,) = stateful_set(stack, region)["spec"]["template"]["spec"]["containers"]
    return str(container["command"][-1])


def blocks(stack: Rendered, region: str, policy: str, direction: str) -> list[str]:
    """List the address ranges for which a policy opens the database's port in one direction."""
    spec = stack.named(f"{region}-database-{policy}").inputs["spec"]
    return sorted(
        peer["ipBlock"]["cidr"]
        for rule in spec.get(direction, [])
        for peer in rule.get("from" if direction == "ingress" else "to", [])
        if "ipBlock" in peer and {"port": PORT, "protocol": "TCP"} in rule["ports"]
    )


def files(stack: Rendered, name: str) -> dict[str, str]:
    """Return the settings files of a Job, by name."""
    data: dict[str, str] = stack.named(f"{name}-settings").inputs["data"]
    return data


@pytest.mark.parametrize("where", FIVE)
def test_every_region_joins_the_primary_region_and_no_other(where: Where) -> None:
    together = command(rendered(*FIVE), where[0]).partition("--join=")[2]
    named = {name for name, _ in FIVE if f"{name}-0.peers." in together}
    assert named == ({IOWA[0]} - {where[0]})


def test_the_primary_region_is_who_the_settings_say() -> None:
    stack = rendered_with(GOOGLE, database={"primaryRegion": BELGIUM[0]})
    primaries = {
        name
        for name, _ in GOOGLE
        for container in stack.named(f"{name}-database-jobs-bootstrap-job").inputs["spec"]["template"]["spec"][
            "containers"
        ]
        if {"name": "IS_PRIMARY_REGION", "value": "true"} in container["env"]
    }
    assert primaries == {BELGIUM[0]}
    assert [r.name for r in stack.objects("Job") if "-regions-" in r.name] == [
        f"{BELGIUM[0]}-database-jobs-regions-job"
    ]
    assert f"{BELGIUM[0]}-0.peers." in command(stack, IOWA[0])


@pytest.mark.parametrize(("survive", "goal"), [("zone", "ZONE"), ("region", "REGION")])
def test_the_database_survives_what_the_settings_say(survive: str, goal: str) -> None:
    stack = rendered_with(GOOGLE, database={"primaryRegion": IOWA[0], "survive": survive})
    read = files(stack, f"{IOWA[0]}-database-jobs-regions")
    assert read["regions"].split() == sorted(name for name, _ in GOOGLE)
    assert read["regions.sql"].splitlines()[0].endswith('SET PRIMARY REGION "us-central1";')
    assert read["regions.sql"].splitlines()[-1].endswith(f"SURVIVE {goal} FAILURE;")


@pytest.mark.parametrize("where", FIVE)
def test_nodes_admit_the_other_regions_pods_and_reach_their_peer_endpoints(where: Where) -> None:
    stack = rendered(*FIVE)
    others = sorted(address for name, _ in FIVE if name != where[0] for address in egress(stack, name))
    behind = endpoints(stack, where[0], "cockroachdb")
    targets = sorted(f"{address}/32" for addresses in behind.values() for address in addresses)
    assert blocks(stack, where[0], "network-policy", "ingress") == others
    assert blocks(stack, where[0], "network-policy", "egress") == targets
    # The primary region's Job asks the others whether they have a database.
    assert blocks(stack, where[0], "jobs-bootstrap-network-policy", "egress") == targets


@pytest.mark.parametrize("where", MIXED)
def test_a_region_alone_opens_nothing_to_the_outside(where: Where) -> None:
    stack = rendered(where)
    for policy in ("network-policy", "jobs-bootstrap-network-policy", "jobs-regions-network-policy"):
        assert blocks(stack, where[0], policy, "ingress") == blocks(stack, where[0], policy, "egress") == []
    assert "peers." not in command(stack, where[0])


@pytest.mark.parametrize("secrets", [{}, {"sacred-council:cockroachdbLicense": "crl-0-free"}], ids=["without", "with"])
def test_with_a_licence_the_nodes_can_report_to_their_vendor(secrets: dict[str, str]) -> None:
    """Without reports a free licence ends: https://www.cockroachlabs.com/docs/stable/licensing-faqs."""
    settings = {**configured(IOWA), "database": {"backup": {"regions": []}}}
    stack = render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()}, secrets=secrets)
    nodes = Pods(
        provider=stack.named("us-central1-cockroachdb-namespace").provider,
        namespace="cockroachdb",
        labels=stateful_set(stack, IOWA[0])["spec"]["template"]["metadata"]["labels"],
    )
    assert may_send_to(stack, nodes, "203.0.113.7", 443) is bool(secrets)


@pytest.mark.parametrize("where", MIXED)
def test_nodes_restart_neither_when_a_region_comes_nor_when_one_goes(where: Where) -> None:
    assert stateful_set(rendered(*MIXED), where[0]) == stateful_set(rendered(*FIVE), where[0])


def test_from_one_region_to_several_and_back_nodes_restart_once_and_are_not_replaced() -> None:
    alone, together = (stateful_set(rendered(*regions), IOWA[0]) for regions in ((IOWA,), GOOGLE))
    assert unchanging(alone) == unchanging(together)
    containers = [one["spec"]["template"]["spec"]["containers"][0] for one in (alone, together)]
    assert containers[0].pop("command") != containers[1].pop("command")
    assert containers[0] == containers[1]


def test_the_certificate_of_a_region_alone_is_good_for_several() -> None:
    requests = [
        rendered(*regions).named(f"{IOWA[0]}-database-node-certificate-request").inputs for regions in ((IOWA,), FIVE)
    ]
    assert requests[0] == requests[1]
    assert "*.peers.cockroachdb.svc" in requests[0]["dnsNames"]


@pytest.mark.parametrize(("before", "after"), [((IOWA,), MIXED), (MIXED, FIVE), (FIVE, MIXED), (MIXED, (IOWA,))])
def test_of_jobs_only_the_one_with_the_list_runs_again(before: tuple[Where, ...], after: tuple[Where, ...]) -> None:
    kept = [name for name, _ in before if name in dict(after)]
    again = {
        f"{region}-{rest}"
        for region in kept
        for rest in changed(rendered(*before), rendered(*after), region)
        if rest.endswith("-job")
    }
    assert again == {f"{IOWA[0]}-database-jobs-regions-job"}


@pytest.mark.parametrize(("before", "after"), [((IOWA,), MIXED), (MIXED, FIVE), (FIVE, MIXED), (MIXED, (IOWA,))])
def test_what_changes_can_change_in_place_but_for_that_job(before: tuple[Where, ...], after: tuple[Where, ...]) -> None:
    old, new = rendered(*before), rendered(*after)
    kept = [name for name, _ in before if name in dict(after)]
    pairs = [
        (one.inputs, of_region(new, region)[key].inputs)
        for region in kept
        for key, one in of_region(old, region).items()
        if one.is_kubernetes_object and key in of_region(new, region)
    ]
    different = [(one, other) for one, other in pairs if one != other]
    assert different
    kinds = {one["kind"] for one, _ in different}
    in_place = {"ConfigMap", "DestinationRule", "Endpoints", "NetworkPolicy", "Secret", "Service"}
    assert kinds <= in_place | {"Job", "StatefulSet", "VirtualService"}
    for one, other in different:
        for key in ("name", "namespace"):
            assert one["metadata"][key] == other["metadata"][key]
        if one["kind"] == "StatefulSet":
            assert unchanging(one) == unchanging(other)
        if one["kind"] == "Service":
            fixed = ("type", "clusterIP", "ports", "selector")
            assert [one["spec"].get(key) for key in fixed] == [other["spec"].get(key) for key in fixed]
        if one["kind"] == "Job":
            assert one["metadata"]["name"] == "cockroachdb-regions"


def test_removing_a_region_leaves_what_the_others_have_and_only_updates_it() -> None:
    before, after = rendered(*FIVE), rendered(*MIXED)
    for name, _ in MIXED:
        assert of_region(before, name).keys() == of_region(after, name).keys()
    gone = [r for r in before.resources if r.name.startswith("asia-east1")]
    assert gone
    assert "asia-east1" not in str([r.inputs for r in after.resources])


def test_the_connection_waits_for_no_other_region_and_not_for_the_list_of_regions() -> None:
    stack = rendered(*FIVE)
    for name, _ in FIVE:
        waited = waits_for(stack, stack.named(f"{name}-database-connection"))
        assert f"{name}-database-jobs-bootstrap-job" in waited
        assert not {one for one in waited if one.endswith(("-database-statefulset", "-job"))} - {
            f"{name}-database-statefulset",
            f"{name}-database-jobs-bootstrap-job",
        }


def test_fewer_nodes_take_their_peer_endpoints_along_and_replace_nothing() -> None:
    """docs/runbooks/fewer-database-nodes.md describes this preview."""
    five, three = (
        rendered_with(MIXED, database={"primaryRegion": IOWA[0], "nodes": nodes, "backup": {"regions": []}})
        for nodes in (5, 3)
    )
    for name, _ in MIXED:
        before, after = of_region(five, name), of_region(three, name)
        gone = {key.partition(" ")[0] for key in before.keys() - after.keys()}
        assert after.keys() <= before.keys()
        assert {"cockroachdb-peer-3-service", "cockroachdb-peer-4-service"} <= gone
        assert all(key.startswith(("cockroachdb-peer-3", "cockroachdb-peer-4")) for key in gone)
        kinds = {key.partition(" ")[2] for key in after if after[key].inputs != before[key].inputs}
        assert "kubernetes:apps/v1:StatefulSet" in kinds
        assert "kubernetes:batch/v1:Job" not in kinds
        nodes = [stateful_set(stack, name) for stack in (five, three)]
        assert unchanging(nodes[0]) == unchanging(nodes[1])
