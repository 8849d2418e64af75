"""A region of a cloud that is Rancher's hub, and whose services move to Argo CD and back.

Argo CD's own controllers run as processes, where they have been built. Rancher does not run. The program's objects for
both are real. The tests build on each other.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.support import argo_cd
from tests.support.hubs import GITOPS, RANCHER
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

REGION = "us-central1"
SERVICES = "deployments,services,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies,serviceaccounts"
CHART = "sacred-council:helm:LocalChart"
FORGOTTEN = f"::{REGION}-services-chart"
"""The part of a URN by which the runbook finds the services of one region to hand over."""

Uids = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("hub") / "project", "regional", saves_once=True)
    yield made
    made.run("down", made.stack)


@pytest.fixture(scope="module")
def up(sandbox: Sandbox) -> str:
    """The output of `up` for the stack as the repository has it."""
    return sandbox.run("up", sandbox.stack)


@pytest.fixture(scope="module")
def services(sandbox: Sandbox, up: str) -> Uids:
    """The services' objects before the hand-over."""
    return uids(sandbox)


@pytest.fixture(scope="module")
def shipped(sandbox: Sandbox, services: Uids) -> str:
    """The output of `up` after the services were removed from the state and both were enabled."""
    sandbox.configure({"gitops": GITOPS, "rancher": RANCHER})
    for urn in reversed([resource["urn"] for resource in sandbox.resources() if FORGOTTEN in resource["urn"]]):
        sandbox.run("exec", "--", "pulumi", "state", "delete", urn, "--yes", "--stack", sandbox.stack)
    return sandbox.run("up", sandbox.stack)


@pytest.fixture(scope="module")
def back(sandbox: Sandbox, shipped: str) -> str:
    """The output of `up` after both were disabled again."""
    sandbox.configure({"gitops": {"enabled": False}, "rancher": {"enabled": False}})
    return sandbox.pulumi("up", "--yes", "--skip-preview")


def test_the_regional_stack_comes_up_as_it_is(sandbox: Sandbox, up: str) -> None:
    assert "Stack regional is up in the sandbox" in up
    assert [line for line in up.splitlines() if "warning" in line] == []
    sandbox.pulumi("preview", "--expect-no-changes")


def test_the_hub_knows_its_clusters_and_what_to_deploy_there(sandbox: Sandbox, shipped: str) -> None:
    [cluster] = sandbox.objects("secrets", "-n", "argocd", "-l", "argocd.argoproj.io/secret-type=cluster")
    assert cluster["metadata"]["name"].endswith(REGION)
    [rollout] = sandbox.objects("applicationsets.argoproj.io", "-n", "argocd")
    assert rollout["spec"]["strategy"]["type"] == "RollingSync"
    assert sandbox.objects("clusters.provisioning.cattle.io", "-A") == []


def test_the_services_go_on_while_they_are_handed_over(sandbox: Sandbox, services: Uids, shipped: str) -> None:
    assert [r["urn"] for r in sandbox.resources() if CHART in r["urn"]] == []
    assert uids(sandbox) == services


def test_a_second_run_changes_nothing(sandbox: Sandbox, shipped: str) -> None:
    sandbox.pulumi("preview", "--expect-no-changes")


def test_argo_cd_takes_the_services_over_as_they_are(sandbox: Sandbox, services: Uids, shipped: str) -> None:
    argo_cd.require_programs()
    before = templates(sandbox)
    with argo_cd.argo_cd(sandbox, REGION) as argo:
        argo.await_done(argo.first, REGION)
        eventually(partial(is_synchronized, argo), seconds=120, what="the end of the sync")
    assert uids(sandbox) == services
    assert templates(sandbox) == before
    tracked = sandbox.objects("deployments", "-n", "sacred-council")
    assert all("argocd.argoproj.io/tracking-id" in one["metadata"]["annotations"] for one in tracked)


def test_the_program_takes_the_services_back_as_they_are(sandbox: Sandbox, services: Uids, back: str) -> None:
    assert [r["urn"] for r in sandbox.resources() if CHART in r["urn"]]
    assert uids(sandbox) == services
    assert sandbox.kubectl("get", "namespaces", "argocd", "cattle-system", "--ignore-not-found") == ""


def is_synchronized(argo: argo_cd.ArgoCd) -> bool:
    """Whether the last sync of the region has ended well."""
    found: str = argo.applications()[REGION]["status"]["operationState"]["phase"]
    return found == "Succeeded"


def templates(sandbox: Sandbox) -> dict[str, Any]:
    """The pods that each Deployment of the services wants. Another template restarts them."""
    found = sandbox.objects("deployments", "-n", "sacred-council")
    assert found
    return {one["metadata"]["name"]: one["spec"]["template"] for one in found}


def uids(sandbox: Sandbox) -> Uids:
    """The UID of each of the services' objects, by kind and name. A recreated object has a new UID."""
    found = {
        (item["kind"], item["metadata"]["name"]): item["metadata"]["uid"]
        for item in sandbox.objects(SERVICES, "-n", "sacred-council", "-l", "app.kubernetes.io/managed-by=Helm")
    }
    assert found
    return found
