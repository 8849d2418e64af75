"""KEDA in a stack: its objects, its rights, its connections, and what an added region changes."""

from typing import Any

import pytest

from components.monitoring.network_policies import PROMETHEUS
from components.scaling.keda import METRICS_SERVER, OPERATOR
from components.services import NAMES
from tests.support.network_policies import Pods, may_send
from tests.support.regions import IOWA, MIXED, VIRGINIA, changed, of_region, scaled
from tests.support.regions import targets as without_keda
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack

LOCAL = {"sacred-council:monitoring": {"retention": "4w"}, "sacred-council:scaling": {"enabled": True}}
SUN = {"agent-network": {"minReplicas": 5, "maxReplicas": 9, "followTheSun": True}}


def local(**sections: Any) -> Rendered:
    return render("local", {**LOCAL, **{f"sacred-council:{key}": value for key, value in sections.items()}})


def pods(stack: Rendered, namespace: str, labels: Any) -> Pods:
    provider = stack.objects("PrometheusRule")[0].provider
    return Pods(provider=provider, namespace=namespace, labels=labels)


def test_each_service_has_a_scaled_object_and_no_autoscaler_of_the_chart() -> None:
    stack = local(services=SUN)
    assert sorted(one.inputs["metadata"]["name"] for one in stack.objects("ScaledObject")) == sorted(NAMES)
    assert stack.objects("HorizontalPodAutoscaler") == []
    assert stack.objects("CronJob") == []


def test_without_keda_the_chart_s_autoscalers_stay() -> None:
    stack = render("local", {"sacred-council:services": SUN})
    assert stack.objects("ScaledObject") == []
    assert sorted(one.inputs["metadata"]["name"] for one in stack.objects("HorizontalPodAutoscaler")) == sorted(NAMES)
    assert [r.name for r in stack.resources if "keda" in r.name] == []


def test_switching_keda_on_changes_no_deployment() -> None:
    def deployments(stack: Rendered) -> list[dict[str, Any]]:
        return [one.inputs for one in stack.some_objects("Deployment")]

    assert deployments(local()) == deployments(render("local"))


def test_scaled_objects_wait_for_keda_and_are_deleted_while_it_runs() -> None:
    stack = local()
    release = stack.named("local-keda-release")
    for one in stack.some_objects("ScaledObject"):
        assert release.urn in one.dependencies
        assert one.inputs["metadata"]["annotations"]["scaledobject.keda.sh/transfer-hpa-ownership"] == "true"


def test_keda_watches_the_services_only_and_reads_no_secret_of_others() -> None:
    values = local().named("local-keda-release").inputs["values"]
    assert values["watchNamespace"] == "sacred-council"
    assert values["permissions"] == {
        "operator": {"restrict": {"secret": True}},
        "metricServer": {"restrict": {"secret": True}},
    }
    assert values["rbac"] == {"enabledCustomScaledRefKinds": False}
    assert values["webhooks"] == {"enabled": False}


def test_keda_s_operator_asks_prometheus_and_no_other_pod_of_keda_does() -> None:
    stack = local()
    prometheus = pods(stack, "monitoring", PROMETHEUS)
    operator, server = pods(stack, "keda", OPERATOR), pods(stack, "keda", METRICS_SERVER)
    assert may_send(stack, operator, prometheus, 9090)
    assert not may_send(stack, server, prometheus, 9090)
    assert may_send(stack, server, operator, 9666)
    (opened,) = (one for one in stack.objects("NetworkPolicy") if one.name == "local-keda-prometheus-policy")
    assert opened.inputs["spec"]["podSelector"]["matchLabels"] == PROMETHEUS
    assert opened.inputs["spec"]["policyTypes"] == ["Ingress"]
    (rule,) = opened.inputs["spec"]["ingress"]
    assert rule["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}},
            "podSelector": {"matchLabels": OPERATOR},
        }
    ]


def test_a_region_more_changes_nothing_of_scaling_in_the_others() -> None:
    two, three = scaled(IOWA, VIRGINIA), scaled(*MIXED)
    for region, _ in (IOWA, VIRGINIA):
        mine = [rest for rest in of_region(three, region) if rest.startswith(("keda", "scaling"))]
        assert len(mine) == 13
        assert [rest for rest in changed(two, three, region) if rest.startswith(("keda", "scaling"))] == []


def test_the_order_of_the_regions_means_nothing() -> None:
    one, other = scaled(*MIXED), scaled(*reversed(MIXED))
    for region, _ in MIXED:
        assert of_region(one, region).keys() == of_region(other, region).keys()
        assert changed(one, other, region) == set()


def test_switching_keda_on_removes_autoscalers_only() -> None:
    off, on = without_keda(IOWA), scaled(IOWA)
    before, after = of_region(off, IOWA[0]), of_region(on, IOWA[0])
    gone = {name.partition(" ")[0] for name in before.keys() - after.keys()}
    assert gone == {f"services-chart-horizontalpodautoscaler-{service}" for service in NAMES}


def test_events_at_local_time_are_at_different_moments_in_the_regions() -> None:
    event = {"name": "new-year", "start": "2027-01-01T00:00", "users": 8000}
    stack = scaled(*MIXED, events=[event])
    moments = set()
    for rules in stack.objects("PrometheusRule"):
        (group,) = (one for one in rules.inputs["spec"]["groups"] if one["name"] == "sacred-council-scaling")
        moments |= {rule["expr"] for rule in group["rules"] if rule.get("record") == "event:expected:replicas"}
    assert len(moments) == len(MIXED)


def test_with_argo_cd_the_program_still_makes_the_scaled_objects() -> None:
    stack = local(gitops={"enabled": True, "repository": {"url": "https://git.example.org/council/platform.git"}})
    assert stack.objects("Deployment") != []
    assert len(stack.objects("ScaledObject")) == len(NAMES)
