"""The CronJobs for scheduled scaling: their commands, with their account's rights, on a real API server."""

from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest

from sandbox.controlplane import Cluster
from tests.support import apiserver
from tests.support.manifests import Manifest, of_kind, stream, template

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

NAMESPACE = "demo"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:follow-the-sun"
NIGHT = {"name": "night", "cron": "0 23 * * *", "timeZone": "Asia/Taipei", "min": 2}
VALUES = {"services": {"agent-network": {"replicas": {"min": 4, "shifts": [NIGHT]}}}}


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return template(VALUES, namespace=NAMESPACE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, manifests: list[Manifest]) -> Iterator[Cluster]:
    """A control plane with the chart's objects except Deployments, in a namespace under the restricted standard."""
    with apiserver.running(tmp_path_factory.mktemp("shifts"), "shifts", slot=20) as running:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        objects = [namespace, *(manifest for manifest in manifests if manifest["kind"] != "Deployment")]
        applied = running.kubectl("apply", "--server-side", "-f", "-", stdin=stream(objects))
        assert applied.returncode == 0, applied.stderr
        yield running


def pod(manifests: list[Manifest]) -> dict[str, Any]:
    """The pod spec of the only shift."""
    (job,) = of_kind(manifests, "CronJob")
    return dict(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])


def as_the_account(cluster: Cluster, manifests: list[Manifest], service: str) -> CompletedProcess[str]:
    """Run the shift's command for `service`, as the shift's account."""
    kubectl, *arguments = pod(manifests)["containers"][0]["command"]
    assert kubectl == "kubectl"
    changed = [part.replace("agent-network", service) for part in arguments if not part.startswith("--cache-dir")]
    return cluster.kubectl(*changed, f"--as={ACCOUNT}")


def minimum(cluster: Cluster, service: str) -> str:
    query = "jsonpath={.spec.minReplicas}"
    return cluster.kubectl("get", "hpa", service, "-n", NAMESPACE, "-o", query).stdout


def test_a_shift_sets_the_minimum_of_its_service(cluster: Cluster, manifests: list[Manifest]) -> None:
    assert minimum(cluster, "agent-network") == "4"
    result = as_the_account(cluster, manifests, "agent-network")
    assert result.returncode == 0, result.stderr
    assert minimum(cluster, "agent-network") == "2"


def as_the_provider(cluster: Cluster, autoscaler: Manifest) -> CompletedProcess[str]:
    """Apply the object as one owner of its fields, without taking fields from other owners."""
    owner = ("--server-side", "--field-manager", "sacred-council-here")
    return cluster.kubectl("apply", *owner, "-n", NAMESPACE, "-f", "-", stdin=stream([autoscaler]))


def test_an_update_of_the_program_leaves_what_a_shift_has_set(cluster: Cluster, manifests: list[Manifest]) -> None:
    (made,) = [m for m in of_kind(manifests, "HorizontalPodAutoscaler") if m["metadata"]["name"] == "agent-network"]
    cluster.kubectl("delete", "hpa", "agent-network", "-n", NAMESPACE)
    applied = as_the_provider(cluster, made)
    assert applied.returncode == 0, applied.stderr
    assert as_the_account(cluster, manifests, "agent-network").returncode == 0

    grown = {**made, "spec": {**made["spec"], "maxReplicas": 12}}
    assert "conflict" in as_the_provider(cluster, grown).stderr
    # The provider does not apply an ignored path once another manager owns the field.
    ignoring = {**grown, "spec": {field: value for field, value in grown["spec"].items() if field != "minReplicas"}}
    applied = as_the_provider(cluster, ignoring)
    assert applied.returncode == 0, applied.stderr
    query = "jsonpath={.spec.minReplicas} {.spec.maxReplicas}"
    assert cluster.kubectl("get", "hpa", "agent-network", "-n", NAMESPACE, "-o", query).stdout == "2 12"


def test_a_shift_may_touch_no_service_without_shifts(cluster: Cluster, manifests: list[Manifest]) -> None:
    before = minimum(cluster, "sacred-messaging")
    assert before.isdigit()
    result = as_the_account(cluster, manifests, "sacred-messaging")
    assert "forbidden" in result.stderr
    assert minimum(cluster, "sacred-messaging") == before


def test_its_account_may_do_nothing_else(cluster: Cluster) -> None:
    for verb, kind in (("list", "secrets"), ("create", "pods"), ("delete", "hpa"), ("list", "hpa")):
        answer = cluster.kubectl("auth", "can-i", verb, kind, "-n", NAMESPACE, f"--as={ACCOUNT}")
        assert answer.stdout.strip() == "no"


def test_the_restricted_standard_allows_its_pod(cluster: Cluster, manifests: list[Manifest]) -> None:
    metadata = {"name": "shift", "namespace": NAMESPACE}
    shift = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod(manifests)}
    result = cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=stream([shift]))
    assert result.returncode == 0, result.stderr
