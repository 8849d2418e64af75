"""Argo CD on its hub: its rights, its entries of the regions, and its roll-outs."""

import base64
import json
from typing import Any

import pytest

from components.gitops import access, rollout
from components.services import RELEASE
from stacks.gitops import unreachable
from tests.support.data_services import waits_for
from tests.support.hubs import GITOPS, REPOSITORY, hub
from tests.support.regions import (
    EARLY,
    FIVE,
    IOWA,
    MIXED,
    SHIFTING,
    VIRGINIA,
    Where,
    changed,
    configured,
    of_region,
    own,
    rendered,
    same,
)
from tests.support.rendering import ROOT, Rendered, Resource, ancestors, render, render_program

pytestmark = pytest.mark.stack

HUB = IOWA[0]
# Argo CD's resources for each region, by the rest of their names: the access to the region, and its entry on the hub.
OF_EVERY_REGION = ("gitops-access", "gitops-cluster")


def spec(stack: Rendered, purpose: str) -> dict[str, Any]:
    """The spec of the hub's project or roll-out."""
    return dict(stack.named(f"{HUB}-gitops-{purpose}").inputs["spec"])


def secret(resource: Resource) -> dict[str, str]:
    """The decoded data of a Secret."""
    return {key: base64.b64decode(value).decode() for key, value in resource.inputs["data"].items()}


def clusters(stack: Rendered) -> dict[str, Resource]:
    """The hub's cluster entries by region."""
    found = [r for r in stack.objects("Secret") if r.inputs["metadata"]["labels"].get(rollout.TYPE_LABEL) == "cluster"]
    return {secret(r)["name"]: r for r in found}


def hub_provider(stack: Rendered) -> str:
    return stack.named(f"{HUB}-gitops-release").provider


@pytest.mark.parametrize("regions", [(IOWA,), MIXED, FIVE])
def test_every_region_has_one_entry_in_the_hub_and_its_name_starts_with_the_region_s(
    regions: tuple[Where, ...],
) -> None:
    stack = hub(*regions)
    found = clusters(stack)
    assert found.keys() == {name for name, _ in regions}
    assert {r.provider for r in found.values()} == {hub_provider(stack)}
    assert {name: r.name for name, r in found.items()} == {name: f"{name}-gitops-cluster" for name in found}


def test_an_entry_logs_in_with_the_region_s_own_token_and_trusts_only_its_authority() -> None:
    entry = secret(clusters(hub(*MIXED))[VIRGINIA[0]])
    assert entry["server"].startswith("https://")
    assert (entry["namespaces"], entry["clusterResources"]) == ("sacred-council", "false")
    config = json.loads(entry["config"])
    assert config["bearerToken"] == "token of us-east-1-gitops-access-token"
    assert config["tlsClientConfig"]["insecure"] is False
    assert config["tlsClientConfig"]["caData"]


def test_the_hub_reaches_itself_from_inside_and_with_no_more_rights_than_elsewhere() -> None:
    entry = secret(clusters(hub(*MIXED))[HUB])
    assert entry["server"] == "https://kubernetes.default.svc"
    assert json.loads(entry["config"])["bearerToken"] == f"token of {HUB}-gitops-access-token"


@pytest.mark.parametrize("where", MIXED)
def test_argo_cd_may_do_nothing_outside_the_services_namespace_and_read_no_secret(where: Where) -> None:
    stack, name = hub(*MIXED), where[0]
    role = stack.named(f"{name}-gitops-access-role").inputs
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "sacred-council")
    assert role["rules"]
    assert not any({"secrets", "*", "pods/exec"} & set(rule["resources"]) for rule in role["rules"])
    assert not any({"*", "escalate", "bind", "impersonate"} & set(rule["verbs"]) for rule in role["rules"])
    assert [r for r in of_region(stack, name) if "gitops" in r and "ClusterRole" in r] == []


def test_the_rights_and_the_project_have_exactly_the_kinds_of_the_chart() -> None:
    services = {"agent-network": {"minReplicas": 5, "maxReplicas": 9, "followTheSun": True}}
    local = render("local", {"sacred-council:services": services})
    (chart,) = local.of_type("sacred-council:helm:LocalChart")
    kinds = {r.inputs["kind"] for r in local.objects() if r.parent == chart.urn}
    allowed = spec(hub(*MIXED), "project")["namespaceResourceWhitelist"]
    assert {one["kind"] for one in allowed} == kinds
    assert {one["group"] for one in allowed} <= {group for rule in access.rules() for group in rule["api_groups"]}


def test_the_project_allows_one_repository_one_namespace_of_each_region_and_nothing_of_the_cluster_s() -> None:
    found = spec(hub(*MIXED), "project")
    assert found["sourceRepos"] == [REPOSITORY["url"]]
    assert found["destinations"] == [{"name": name, "namespace": "sacred-council"} for name, _ in sorted(MIXED)]
    assert found["clusterResourceWhitelist"] == []


def test_the_canary_goes_first_and_the_others_follow_two_at_a_time() -> None:
    stack = hub(*MIXED, gitops={**GITOPS, "canary": VIRGINIA[0]})
    waves = {name: r.inputs["metadata"]["labels"][rollout.WAVE_LABEL] for name, r in clusters(stack).items()}
    assert waves == {HUB: "rest", VIRGINIA[0]: "canary", MIXED[2][0]: "rest"}
    strategy = spec(stack, "rollout")["strategy"]
    steps = strategy["rollingSync"]["steps"]
    assert strategy["type"] == "RollingSync"
    assert [(step["matchExpressions"][0]["values"], step["maxUpdate"]) for step in steps] == [
        (["canary"], 1),
        (["rest"], 2),
    ]
    assert {step["matchExpressions"][0]["key"] for step in steps} == {rollout.WAVE_LABEL}
    template = spec(stack, "rollout")["template"]["metadata"]["labels"]
    assert template == {rollout.WAVE_LABEL: '{{index .metadata.labels "sacred-council.love/rollout"}}'}
    values = stack.named(f"{HUB}-gitops-release").inputs["values"]
    assert values["configs"]["params"] == {"applicationsetcontroller.enable.progressive.syncs": True}


@pytest.mark.parametrize("others", range(1, 40))
def test_one_lost_region_leaves_a_place_for_the_others_and_no_version_goes_to_most_at_once(others: int) -> None:
    """Argo CD counts an application that waits for its cluster as one in progress."""
    lost = 1
    assert rollout.at_once(others) - lost >= 1
    assert rollout.at_once(others) <= max(2, (others + 2) // 3)


def test_argo_cd_learns_of_a_region_when_its_pods_would_get_sidecars_and_can_be_reached() -> None:
    stack = hub(*MIXED)
    entries = clusters(stack)
    assert entries.keys() == {name for name, _ in MIXED}
    for region, entry in entries.items():
        waits = waits_for(stack, entry)
        mesh = {f"{region}-mesh-{part}" for part in ("control-plane-istiod", "control-plane-cni")}
        way_in = {f"{region}-mesh-east-west-{part}" for part in ("release", "gateway")}
        data_services = {f"{region}-{data_service}-connection" for data_service in ("database", "cache", "messaging")}
        assert mesh | way_in | data_services <= waits


def test_the_roll_out_waits_for_the_canary_s_entry_and_for_no_other_region() -> None:
    stack = hub(*FIVE, gitops={**GITOPS, "canary": VIRGINIA[0]})
    waits = stack.named(f"{HUB}-gitops-rollout").dependencies
    assert {name for name, r in clusters(stack).items() if r.urn in waits} == {VIRGINIA[0]}


def test_a_region_is_deployed_from_the_chart_with_its_own_file_of_values_and_under_the_same_name() -> None:
    found = spec(hub(*MIXED), "rollout")["template"]["spec"]
    assert found["source"] == {
        "repoURL": REPOSITORY["url"],
        "targetRevision": "main",
        "path": "charts/sacred-council",
        "helm": {"releaseName": RELEASE, "valueFiles": ["/deploy/{{.name}}.yaml"]},
    }
    assert found["destination"] == {"name": "{{.name}}", "namespace": "sacred-council"}
    assert found["syncPolicy"]["automated"] == {"prune": True}


def test_what_shifts_set_is_left_alone() -> None:
    found = spec(hub(*MIXED, services=SHIFTING), "rollout")["template"]["spec"]
    assert found["ignoreDifferences"] == [
        {
            "group": "autoscaling",
            "kind": "HorizontalPodAutoscaler",
            "name": "agent-network",
            "jsonPointers": ["/spec/minReplicas"],
        }
    ]
    assert "RespectIgnoreDifferences=true" in found["syncPolicy"]["syncOptions"]
    assert "ignoreDifferences" not in spec(hub(*MIXED), "rollout")["template"]["spec"]


def test_the_loss_of_argo_cd_takes_no_service_away() -> None:
    assert spec(hub(*MIXED), "rollout")["syncPolicy"]["preserveResourcesOnDeletion"] is True


def test_nothing_in_a_region_waits_for_argo_cd_or_rancher() -> None:
    stack = hub(*FIVE)
    new = {r.urn for r in stack.resources} - {r.urn for r in rendered(*FIVE).resources}
    of_hub = {r.urn for r in stack.resources if r.urn in new and r.provider == hub_provider(stack)}
    assert of_hub
    waiting = [r.name for r in stack.resources if r.urn not in of_hub and r.custom and r.dependencies & of_hub]
    assert waiting == []


def test_the_hub_waits_for_what_the_others_have_early_and_only_the_entry_of_a_region_for_the_rest_of_it() -> None:
    stack = hub(*FIVE)
    entries = {r.urn for r in clusters(stack).values()}
    owners = {r.urn: name for name, _ in FIVE for r in of_region(stack, name).values()}
    names = {r.urn: r.name for r in stack.resources}
    above = {r.urn: {names[urn] for urn in ancestors(stack, r)} for r in stack.resources}
    assert entries
    foreign = {
        urn
        for r in stack.resources
        if {f"{HUB}-gitops", f"{HUB}-rancher"} & above[r.urn] and r.urn not in entries
        for urn in r.dependencies
        if owners.get(urn, HUB) != HUB
    }
    assert all(owners.get(urn, HUB) in (HUB, name) for name, r in clusters(stack).items() for urn in r.dependencies)
    assert [urn for urn in foreign if not {f"{owners[urn]}-{early}" for early in EARLY} & above[urn]] == []


def test_the_program_leaves_the_services_to_argo_cd() -> None:
    stack = hub(*MIXED)
    assert stack.of_type("sacred-council:helm:LocalChart") == []
    assert stack.objects("HorizontalPodAutoscaler") == []
    assert len(rendered(*MIXED).of_type("sacred-council:helm:LocalChart")) == len(MIXED)
    assert len(stack.of_type("sacred-council:services:Services")) == len(MIXED)


def test_a_cluster_without_a_known_address_keeps_its_services_from_the_program() -> None:
    regions = [*configured(IOWA, VIRGINIA)["regions"], own("cellar")]
    settings = {**configured(IOWA, VIRGINIA), "regions": regions, "gitops": GITOPS}
    stack = render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})
    assert clusters(stack).keys() == {HUB, VIRGINIA[0]}
    assert [r.name for r in stack.of_type("sacred-council:helm:LocalChart")] == ["cellar-services-chart"]
    assert [r for r in of_region(stack, "cellar") if "gitops" in r] == []
    assert "cellar" in unreachable(["cellar"])


def test_a_region_more_is_one_entry_more_and_a_destination_more() -> None:
    off, before, after = rendered(*MIXED), hub(*MIXED), hub(*FIVE)
    usual = changed(off, rendered(*FIVE), HUB)
    assert of_region(before, HUB).keys() == of_region(after, HUB).keys()
    assert changed(before, after, HUB) - usual == {"gitops-project"}
    assert changed(before, after, VIRGINIA[0]) == changed(off, rendered(*FIVE), VIRGINIA[0])
    new = [key.partition(" ")[0] for key in of_region(after, FIVE[3][0]) if "gitops" in key]
    assert {key for key in new if not key.startswith(OF_EVERY_REGION)} == set()
    assert len(new) == len([key for key in of_region(after, VIRGINIA[0]) if "gitops" in key])


def test_the_order_of_the_list_changes_nothing() -> None:
    moved = (MIXED[1], MIXED[2], MIXED[0])
    before, after = ({r.urn: r for r in hub(*order).resources} for order in (MIXED, moved))
    assert before.keys() == after.keys()
    assert [urn for urn in before if not same(before[urn], after[urn])] == []
    assert [urn for urn in before if before[urn].dependencies != after[urn].dependencies] == []


def test_a_hub_that_moves_leaves_the_regions_as_they_are() -> None:
    before, after = hub(*MIXED), hub(*MIXED, gitops={**GITOPS, "hub": VIRGINIA[0], "canary": HUB})
    for name, _ in MIXED:
        mine = {key for key in of_region(before, name).keys() ^ of_region(after, name).keys() if "gitops" not in key}
        assert {key.partition(" ")[0].removesuffix("-namespace") for key in mine} <= {"argocd", "argocd-default-deny"}
        assert changed(before, after, name) == {"gitops-cluster"}


def test_the_passwords_are_in_secrets_and_in_no_chart_s_values() -> None:
    stack = hub(*MIXED)
    release = stack.named(f"{HUB}-gitops-release")
    assert release.secret_paths == frozenset()
    assert "password-of" not in json.dumps(release.inputs)
    assert release.inputs["values"]["configs"]["secret"] == {"createSecret": False}
    settings = secret(stack.named(f"{HUB}-gitops-secrets-settings"))
    assert settings["admin.password"].startswith("hash-of")
    assert secret(stack.named(f"{HUB}-gitops-secrets-admin")).keys() == {"password"}
    made = {stack.named(f"{HUB}-gitops-secrets-{purpose}").urn for purpose in ("settings", "admin", "cache")}
    assert made <= release.dependencies


def test_a_private_repository_is_read_with_a_secret_token_and_a_public_one_without() -> None:
    program = ROOT / "tests" / "programs" / "argo_secrets.py"
    found = secret(render_program("test", {}, program).named("private-repository"))
    assert found == {"type": "git", "url": REPOSITORY["url"], "username": "git", "password": "hunter2"}
    labels = render_program("test", {}, program).named("private-repository").inputs["metadata"]["labels"]
    assert labels[rollout.TYPE_LABEL] == "repository"
    assert [r.name for r in hub(*MIXED).objects("Secret") if r.name.endswith("-repository")] == []


@pytest.mark.parametrize(("place", "port"), [("git.example.org", 443), ("git.example.org:8443", 8443)])
def test_argo_cd_may_call_the_git_server_on_its_port(place: str, port: int) -> None:
    repository = {"url": f"https://{place}/council/platform.git"}
    stack = hub(IOWA, gitops={**GITOPS, "repository": repository})
    egress = stack.named(f"{HUB}-gitops-repo-server-policy").inputs["spec"]["egress"]
    assert [rule["ports"] for rule in egress if "to" not in rule] == [[{"port": port, "protocol": "TCP"}]]


def test_argo_cd_s_namespace_lets_in_only_its_own_pods() -> None:
    stack = hub(*MIXED)
    policies = [r for r in stack.objects("NetworkPolicy") if r.inputs["metadata"]["namespace"] == "argocd"]
    sources = [
        peer for r in policies for rule in r.inputs["spec"].get("ingress", []) for peer in rule.get("from", [{}])
    ]
    assert len(policies) == 6
    assert sources
    assert all(peer.keys() == {"podSelector"} and peer["podSelector"]["matchLabels"] for peer in sources)
