"""Services of the chart with scheduled scaling: the effect of a shift, and the rights of its account."""

from typing import Any

import pytest

from components.network import API_SERVER_PORTS
from components.services import NAMES
from tests.platform.test_objects import kubeconform
from tests.services.test_chart import KUBERNETES, NIGHT, named
from tests.support.kube_score import critical_findings
from tests.support.manifests import Manifest, of_kind, pod_templates, template
from tests.support.pod_standard import violations

pytestmark = pytest.mark.conformance

DAY = {"name": "day", "cron": "0 7 * * *", "timeZone": "Asia/Tokyo", "min": 4}


@pytest.fixture(scope="module")
def shifted() -> list[Manifest]:
    replicas = {"replicas": {"min": 4, "shifts": [DAY, NIGHT]}}
    return template({"services": {"agent-network": replicas, "sacred-messaging": replicas}}, namespace="demo")


def cron_job(manifests: list[Manifest], name: str) -> dict[str, Any]:
    return dict(named(manifests, "CronJob", name)["spec"])


def test_services_with_shifts_are_valid_and_nothing_is_critical(shifted: list[Manifest]) -> None:
    assert kubeconform(shifted) == []
    assert critical_findings(shifted, KUBERNETES) == []
    pods = [spec["spec"] for _, spec in pod_templates(shifted)]
    assert [violations(spec) for spec in pods] == [[]] * (len(NAMES) + 4)
    assert {m["metadata"]["namespace"] for m in shifted} == {"demo"}


def test_a_shift_sets_the_minimum_at_the_regions_own_time(shifted: list[Manifest]) -> None:
    assert sorted(m["metadata"]["name"] for m in of_kind(shifted, "CronJob")) == [
        f"{service}-{shift}" for service in ("agent-network", "sacred-messaging") for shift in ("day", "night")
    ]
    night = cron_job(shifted, "agent-network-night")
    assert (night["schedule"], night["timeZone"]) == ("0 23 * * *", "Asia/Tokyo")
    (container,) = night["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][:4] == ["kubectl", "patch", "horizontalpodautoscaler/agent-network", "--namespace=demo"]
    assert '--patch={"spec":{"minReplicas":2}}' in container["command"]


def test_shifts_may_change_their_autoscalers_and_nothing_else(shifted: list[Manifest]) -> None:
    (role,) = of_kind(shifted, "Role")
    assert role["rules"] == [
        {
            "apiGroups": ["autoscaling"],
            "resources": ["horizontalpodautoscalers"],
            "resourceNames": ["agent-network", "sacred-messaging"],
            "verbs": ["get", "patch"],
        }
    ]
    (binding,) = of_kind(shifted, "RoleBinding")
    account = {"kind": "ServiceAccount", "name": "follow-the-sun", "namespace": "demo"}
    assert (binding["roleRef"]["name"], binding["subjects"]) == (role["metadata"]["name"], [account])
    pod_spec = cron_job(shifted, "agent-network-day")["jobTemplate"]["spec"]["template"]
    assert pod_spec["spec"]["serviceAccountName"] == "follow-the-sun"
    assert {p["spec"]["serviceAccountName"] for n, p in pod_templates(shifted) if n.startswith("Deployment")} == set(
        NAMES
    )


def test_shifts_reach_the_kubernetes_api_only(shifted: list[Manifest]) -> None:
    policy = named(shifted, "NetworkPolicy", "follow-the-sun")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == list(API_SERVER_PORTS)
    labels = cron_job(shifted, "agent-network-day")["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert labels.items() >= policy["podSelector"]["matchLabels"].items()


def test_pods_of_shifts_get_no_sidecar_and_are_no_service(shifted: list[Manifest]) -> None:
    labels = cron_job(shifted, "agent-network-day")["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "false"
    assert labels["app.kubernetes.io/component"] != "service"
