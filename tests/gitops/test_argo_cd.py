"""Argo CD's own controllers take the services of three regions on three clouds over, roll out, and lose some regions.

The controllers, the repo server and the API server of Argo CD run as processes with what the program deployed for them:
settings, rights, Secrets of the clusters, project and application set. They read a repository on this disk, and deploy
to the regions' real API servers. Nodes are simulated, so every image runs; one that nobody can pull is refused by a
policy of the API server instead. The tests build on each other.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.gitops.rollout import DEPLOYED
from components.namespaces import ARGO_CD, SERVICES
from components.services import NAMES
from sandbox.controllers import argocd
from tests.support import argo_cd
from tests.support.argo_cd import PATIENCE, ArgoCd, as_entry, kubectl
from tests.support.hubs import GITOPS
from tests.support.regions import MIXED, configured
from tests.support.sandboxes import Sandbox, end_region
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(2400)]

HUB, CANARY, OTHER = (name for name, _ in MIXED)
REGIONS = (HUB, CANARY, OTHER)
SERVICE = "agent-network"
REPOSITORY = "ghcr.io/stefanprodan/podinfo"
UNKNOWN = "missing.invalid/agent-network:1.0.0"
"""An image that no registry has."""
REFUSES_UNKNOWN = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "unknown-images"},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                    ]
                },
                "validations": [
                    {"expression": "object.spec.containers.all(c, !c.image.startsWith('missing.invalid/'))"}
                ],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "unknown-images"},
            "spec": {"policyName": "unknown-images", "validationActions": ["Deny"]},
        },
    ],
}


def version(tag: str) -> dict[str, Any]:
    """The services with a version of one of them."""
    return {SERVICE: {"image": f"{REPOSITORY}:{tag}"}}


SETTINGS = {
    **configured(*MIXED),
    "mesh": {"enabled": False},
    "edge": {},
    "gitops": {"enabled": False},
    "services": version("6.9.2"),
}
"""No mesh, because Argo CD's part ends with the services' objects. Argo CD comes later."""
HANDED_OVER = "deployments,services,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies,serviceaccounts"

Objects = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    argo_cd.require_programs()
    made = Sandbox.of(tmp_path_factory.mktemp("argo-cd") / "project", "multiregion", saves_once=True)
    made.configure(SETTINGS)
    made.run("up", made.stack)
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def deployed(sandbox: Sandbox) -> Objects:
    """The services as the program has deployed them, by region."""
    return {region: handed_over(sandbox, region) for region in REGIONS}


@pytest.fixture(scope="module")
def argo(sandbox: Sandbox, deployed: Objects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoCd]:
    """Argo CD on its hub, and its first roll-out, of services that the program has handed over."""
    forget_services(sandbox, tmp_path_factory.mktemp("state") / "state.json")
    sandbox.configure({"gitops": {**GITOPS, "canary": CANARY}})
    sandbox.pulumi("up", "--yes", "--skip-preview")
    with argo_cd.argo_cd(sandbox, HUB) as made:
        made.await_done(made.first, *REGIONS)
        yield made


def forget_services(sandbox: Sandbox, file: Path) -> None:
    """Take the services out of the state, as the runbook does one by one."""
    sandbox.pulumi("stack", "export", "--file", str(file))
    state = json.loads(file.read_text())
    before = state["deployment"]["resources"]
    parts = tuple(f"::{region}-services-chart" for region in REGIONS)
    state["deployment"]["resources"] = [one for one in before if not any(part in one["urn"] for part in parts)]
    assert len(before) - len(state["deployment"]["resources"]) > len(REGIONS) * len(NAMES)
    file.write_text(json.dumps(state))
    sandbox.pulumi("stack", "import", "--file", str(file))


def handed_over(sandbox: Sandbox, region: str) -> dict[str, str]:
    """What each object of the services is, and what pods it wants: another object or another template is a change."""
    where = (f"--namespace={SERVICES}", "--selector=app.kubernetes.io/managed-by=Helm", "--output=json")
    found = json.loads(kubectl(argo_cd.clusters(sandbox)[region], "get", HANDED_OVER, *where))["items"]
    assert found
    return {
        f"{one['kind']}/{one['metadata']['name']}": json.dumps(
            [one["metadata"]["uid"], one["spec"]["template"] if one["kind"] == "Deployment" else None]
        )
        for one in found
    }


def operation(argo: ArgoCd, region: str) -> dict[str, Any]:
    """The last sync of a region."""
    found: dict[str, Any] = argo.applications()[region]["status"]["operationState"]
    return found


@pytest.mark.parametrize("region", REGIONS)
def test_the_hand_over_keeps_every_object_of_a_region(argo: ArgoCd, deployed: Objects, region: str) -> None:
    eventually(lambda: operation(argo, region)["phase"] == "Succeeded", seconds=PATIENCE, what="the end of the sync")
    assert handed_over(argo.sandbox, region) == deployed[region]
    for one in argo.objects(region, "deployments"):
        assert "argocd.argoproj.io/tracking-id" in one["metadata"]["annotations"]


def test_argo_cd_logs_in_to_every_region_with_the_token_of_its_entry(argo: ArgoCd) -> None:
    found = argo.connections()
    assert found.keys() == set(REGIONS)
    assert {name: one["connectionState"]["status"] for name, one in found.items()} == dict.fromkeys(
        REGIONS, "Successful"
    )
    for region in REGIONS:
        who = as_entry(argo.cluster(region), argo.entry(region), "auth", "whoami", "--output=json")
        user = json.loads(who.stdout)["status"]["userInfo"]["username"]
        assert user == f"system:serviceaccount:{SERVICES}:argocd-manager"


def test_every_region_has_one_application_and_the_whole_chart(argo: ArgoCd) -> None:
    assert argo.applications().keys() == set(REGIONS)
    for region in REGIONS:
        assert argo.images(region) == dict.fromkeys(NAMES, f"{REPOSITORY}:6.9.2")
        environment = argo.objects(region, "deployments")[0]["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "REGION", "value": region} in environment


def test_the_canary_is_healthy_before_another_region_begins(argo: ArgoCd) -> None:
    canary = operation(argo, CANARY)
    for region in (HUB, OTHER):
        assert operation(argo, region)["startedAt"] >= canary["finishedAt"]
        assert operation(argo, region)["operation"]["initiatedBy"]["username"] == "applicationset-controller"


def test_nothing_is_refused_and_nothing_is_left_to_do(argo: ArgoCd) -> None:
    apps = argo.applications()
    assert [app["status"]["conditions"] for app in apps.values() if app["status"].get("conditions")] == []
    for program in (argocd.CONTROLLER, argocd.SETS, argocd.SERVER, argocd.REPO_SERVER):
        lines = argo.hub.log(program).read_text().splitlines()
        assert [line for line in lines if "forbidden" in line.lower()] == []


def test_a_new_version_reaches_every_region(argo: ArgoCd) -> None:
    revision = argo.ship(version("6.9.3"))
    argo.refresh(CANARY)
    eventually(lambda: argo.seen()[CANARY] == revision, seconds=PATIENCE, what="the canary sees the commit")
    argo.refresh(HUB, OTHER)
    argo.await_done(revision, *REGIONS)
    for region in REGIONS:
        assert argo.images(region)[SERVICE] == f"{REPOSITORY}:6.9.3"


def test_a_bad_image_stops_at_the_canary(argo: ArgoCd) -> None:
    for region in REGIONS:
        kubectl(argo.cluster(region), "apply", "--server-side", "--filename=-", stdin=json.dumps(REFUSES_UNKNOWN))
        eventually(partial(is_refused, argo, region), seconds=60, what="the policy holds")
    revision = argo.ship({SERVICE: {"image": UNKNOWN}})
    argo.refresh(CANARY)
    eventually(lambda: argo.steps()[CANARY] == "Progressing", seconds=PATIENCE, what="the canary tries")
    argo.refresh(HUB, OTHER)
    eventually(
        lambda: {argo.seen()[HUB], argo.seen()[OTHER]} == {revision}, seconds=PATIENCE, what="the others see the commit"
    )
    eventually(lambda: operation(argo, CANARY)["phase"] == "Succeeded", seconds=PATIENCE, what="the canary's sync")
    argo.refresh(*REGIONS)
    assert argo.steps() == {CANARY: "Progressing", HUB: "Waiting", OTHER: "Waiting"}
    assert argo.applications()[CANARY]["status"]["health"]["status"] == "Progressing"
    assert argo.images(CANARY)[SERVICE] == UNKNOWN
    assert {argo.images(region)[SERVICE] for region in (HUB, OTHER)} == {f"{REPOSITORY}:6.9.3"}
    for region in REGIONS:
        (deployment,) = [d for d in argo.objects(region, "deployments") if d["metadata"]["name"] == SERVICE]
        assert deployment["status"]["availableReplicas"] >= 1


def is_refused(argo: ArgoCd, region: str) -> bool:
    """Whether the region's API server refuses a pod of the unknown image."""
    run = argo.cluster(region).kubectl("run", "any", f"--image={UNKNOWN}", "--dry-run=server", "--namespace=default")
    return "unknown-images" in run.stderr


def test_a_commit_that_takes_it_back_frees_the_roll_out(argo: ArgoCd) -> None:
    revision = argo.ship(version("6.9.3"))
    argo.refresh(*REGIONS)
    argo.await_done(revision, *REGIONS)
    assert {argo.images(region)[SERVICE] for region in REGIONS} == {f"{REPOSITORY}:6.9.3"}


def test_a_chart_without_an_object_takes_it_away_and_the_roll_out_goes_on(argo: ArgoCd) -> None:
    shifting = {SERVICE: {**version("6.9.3")[SERVICE], "minReplicas": 4, "maxReplicas": 8, "followTheSun": True}}
    revision = argo.ship(shifting)
    argo.refresh(CANARY)
    eventually(lambda: argo.seen()[CANARY] == revision, seconds=PATIENCE, what="the canary sees the commit")
    argo.refresh(HUB, OTHER)
    argo.await_done(revision, *REGIONS)
    assert argo.objects(CANARY, "cronjobs")
    revision = argo.ship(version("6.9.4"))
    argo.refresh(CANARY)
    eventually(lambda: argo.seen()[CANARY] == revision, seconds=PATIENCE, what="the canary sees the commit")
    argo.refresh(HUB, OTHER)
    argo.await_done(revision, *REGIONS)
    for region in REGIONS:
        assert argo.objects(region, "cronjobs") == []
        assert argo.images(region)[SERVICE] == f"{REPOSITORY}:6.9.4"


@pytest.mark.parametrize("region", REGIONS)
def test_its_token_allows_the_kinds_of_the_chart_in_one_namespace(argo: ArgoCd, region: str) -> None:
    cluster, entry = argo.cluster(region), argo.entry(region)
    for group, resource, _ in DEPLOYED:
        for verb in ("create", "delete", "get", "list", "patch", "update", "watch"):
            assert may(argo, region, verb, group, resource, SERVICES), f"{verb} {resource}"
            assert not may(argo, region, verb, group, resource, "default"), f"{verb} {resource}"
    run = as_entry(cluster, entry, "auth", "can-i", "--list", f"--namespace={SERVICES}", "--no-headers")
    assert run.returncode == 0, run.stderr


def may(argo: ArgoCd, region: str, verb: str, group: str, resource: str, namespace: str) -> bool:
    """What the region's API server says about the entry's token, also of kinds that it does not have yet."""
    asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    # The token may not list definitions, which kubectl does to check an object itself.
    creates = ("create", "--validate=false", "--filename=-", "--output=json")
    run = as_entry(argo.cluster(region), argo.entry(region), *creates, stdin=json.dumps(review))
    assert run.returncode == 0, run.stderr
    return bool(json.loads(run.stdout)["status"]["allowed"])


FORBIDDEN = {
    "reads a Secret": ("get", "secrets", f"--namespace={SERVICES}"),
    "reads a ConfigMap": ("get", "configmaps", f"--namespace={SERVICES}"),
    "deletes a pod": ("delete", "pods", "--all", f"--namespace={SERVICES}"),
    "makes a token": ("create", "token", "default", f"--namespace={SERVICES}"),
    "makes a namespace": ("create", "namespace", "another"),
    "lists nodes": ("get", "nodes"),
    "reads another namespace": ("get", "deployments", "--namespace=istio-system"),
    "runs in another namespace": ("create", "deployment", "any", "--image=any:1", "--namespace=default"),
    "scales another namespace": ("scale", "deployment/istiod", "--replicas=0", "--namespace=istio-system"),
    "makes a cluster role": ("create", "clusterrole", "any", "--verb=get", "--resource=pods"),
    "gives itself rights": (*("create", "role", "any", "--verb=get", "--resource=secrets", f"--namespace={SERVICES}"),),
    "becomes another": ("get", "pods", "--as=system:admin", f"--namespace={SERVICES}"),
}


@pytest.mark.parametrize("attempt", FORBIDDEN)
@pytest.mark.parametrize("region", REGIONS)
def test_its_token_is_refused_everything_else(argo: ArgoCd, region: str, attempt: str) -> None:
    run = as_entry(argo.cluster(region), argo.entry(region), *FORBIDDEN[attempt])
    assert run.returncode != 0
    assert "forbidden" in run.stderr.lower()


@pytest.mark.parametrize("account", [argocd.CONTROLLER, argocd.SETS, argocd.SERVER])
def test_its_own_accounts_have_rights_in_its_own_namespace_only(argo: ArgoCd, account: str) -> None:
    who = f"--as=system:serviceaccount:{ARGO_CD}:{account}"
    hub = argo.hub.cluster
    assert hub.kubectl("auth", "can-i", "list", "secrets", who, f"--namespace={ARGO_CD}").returncode == 0
    for namespace in (SERVICES, "kube-system", "istio-system"):
        for verb, kind in (("list", "secrets"), ("create", "pods"), ("patch", "deployments.apps")):
            run = hub.kubectl("auth", "can-i", verb, kind, who, f"--namespace={namespace}")
            assert run.stdout.strip() == "no"
    assert hub.kubectl("auth", "can-i", "get", "nodes", who).stdout.strip() == "no"


FOREIGN: dict[str, dict[str, Any]] = {
    "a kind that is not the chart's": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "foreign"},
        "data": {"any": "thing"},
    },
    "another namespace": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "foreign", "namespace": "default"},
        "spec": {"ports": [{"port": 80}]},
    },
    "an object of the whole cluster": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "foreign"},
        "rules": [],
    },
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_a_commit_may_not_bring_stops_at_the_canary(argo: ArgoCd, what: str) -> None:
    template = argo.work / "charts" / "sacred-council" / "templates" / "foreign.yaml"
    template.write_text(yaml.safe_dump(FOREIGN[what]))
    bad = argo.push("Foreign")
    argo.refresh(CANARY)
    eventually(lambda: argo.seen()[CANARY] == bad, seconds=PATIENCE, what="the canary sees the commit")
    eventually(lambda: is_rejected(argo), seconds=PATIENCE, what="the project, or the token's rights, refuse")
    assert {argo.steps()[HUB], argo.steps()[OTHER]} <= {"Healthy", "Waiting"}
    kind, namespace = FOREIGN[what]["kind"], FOREIGN[what]["metadata"].get("namespace", SERVICES)
    found = argo.cluster(CANARY).kubectl("get", kind, "foreign", f"--namespace={namespace}")
    assert "NotFound" in found.stderr
    template.unlink()
    good = argo.push("Not foreign")
    argo.refresh(*REGIONS)
    argo.await_done(good, *REGIONS)


def is_rejected(argo: ArgoCd) -> bool:
    """Whether the canary says that the project, or its API server, does not allow an object of the commit."""
    said = json.dumps(argo.applications()[CANARY]["status"])
    return (
        "not permitted in project" in said or f'system:serviceaccount:{SERVICES}:argocd-manager\\" cannot get' in said
    )


def test_a_lost_region_stops_no_other(argo: ArgoCd, sandbox: Sandbox) -> None:
    end_region(sandbox, OTHER)
    revision = argo.ship(version("6.9.5"))
    argo.refresh(CANARY)
    eventually(lambda: argo.seen()[CANARY] == revision, seconds=PATIENCE, what="the canary sees the commit")
    argo.refresh(HUB, OTHER)
    argo.await_done(revision, CANARY, HUB)
    assert {argo.images(region)[SERVICE] for region in (CANARY, HUB)} == {f"{REPOSITORY}:6.9.5"}
    assert argo.steps()[OTHER] != "Healthy"


def test_a_region_that_is_back_catches_up(argo: ArgoCd, sandbox: Sandbox) -> None:
    sandbox.run("start", sandbox.stack)
    revision = argo.ship(version("6.9.6"))
    argo.refresh(CANARY)
    eventually(lambda: argo.seen()[CANARY] == revision, seconds=PATIENCE, what="the canary sees the commit")
    argo.refresh(HUB, OTHER)
    argo.await_done(revision, *REGIONS)
    assert argo.images(OTHER)[SERVICE] == f"{REPOSITORY}:6.9.6"


def test_a_lost_canary_stops_all_until_another_one_is_named(argo: ArgoCd, sandbox: Sandbox) -> None:
    end_region(sandbox, CANARY)
    revision = argo.ship(version("6.9.7"))
    argo.refresh(CANARY)
    eventually(lambda: argo.steps()[CANARY] != "Healthy", seconds=PATIENCE, what="the canary is lost")
    argo.refresh(HUB, OTHER)
    eventually(
        lambda: {argo.seen()[HUB], argo.seen()[OTHER]} == {revision}, seconds=PATIENCE, what="the others see the commit"
    )
    assert {argo.steps()[HUB], argo.steps()[OTHER]} == {"Waiting"}
    sandbox.configure({"gitops": {**GITOPS, "canary": OTHER}})
    sandbox.pulumi("up", "--yes", "--skip-preview")
    argo.await_done(revision, HUB, OTHER)
    assert {argo.images(region)[SERVICE] for region in (HUB, OTHER)} == {f"{REPOSITORY}:6.9.7"}
    assert operation(argo, HUB)["startedAt"] >= operation(argo, OTHER)["finishedAt"]


def test_without_its_hub_every_region_goes_on(argo: ArgoCd, sandbox: Sandbox) -> None:
    sandbox.run("start", sandbox.stack)
    before = {region: generations(argo, region) for region in (CANARY, OTHER)}
    assert all(before.values())
    argo.running.stop()
    end_region(sandbox, HUB)
    # Only the autoscaler's and the deployments' own controllers act now.
    for region in (CANARY, OTHER):
        kubectl(argo.cluster(region), "delete", "pods", "--all", f"--namespace={SERVICES}", "--wait=false")
        eventually(partial(all_available, argo, region), seconds=PATIENCE, what="new pods")
        assert generations(argo, region) == before[region]


def generations(argo: ArgoCd, region: str) -> dict[str, tuple[str, int]]:
    """Identity and generation of the services' objects; the generation grows with each change of what is wanted."""
    return {
        f"{item['kind']}/{item['metadata']['name']}": (item["metadata"]["uid"], item["metadata"].get("generation", 0))
        for item in argo.objects(region, "deployments,services,networkpolicies,poddisruptionbudgets")
    }


def all_available(argo: ArgoCd, region: str) -> bool:
    """Whether every service of a region has all its pods."""
    found = argo.objects(region, "deployments")
    return all(one["status"].get("availableReplicas") == one["spec"]["replicas"] for one in found)
