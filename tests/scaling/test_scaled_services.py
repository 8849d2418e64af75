"""The scaled object of each service."""

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest
import yaml

from components.monitoring import ScalingPlan, ServiceDemand, TimedEvent
from components.scaling.scaled_services import FAILURES, scaled_object
from components.services.settings import ServiceSettings
from stacks.scaling import scaling_plan
from stacks.settings import parse
from tests.support.bad_settings import GOOD
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

CHART = ROOT / "charts" / "sacred-council"
EVENT = TimedEvent(name="new-year", begins=0, ends=1, users=1)
DEMAND = ServiceDemand(name="agent-network", users_metric="x", users_per_replica=1, requests_per_replica=1)
PLAN = ScalingPlan(services=[DEMAND], weeks=3, lead_minutes=15, max_growth=2.0, events=[EVENT])


def spec(plan: ScalingPlan = PLAN, **keys: object) -> dict[str, Any]:
    settings = ServiceSettings.model_validate({"minReplicas": 5, "maxReplicas": 9, **keys})
    return scaled_object("agent-network", settings, plan=plan, time_zone="Asia/Tokyo")


def trigger(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = (each for each in found["triggers"] if each["name"] == name)
    return dict(one)


def test_replicas_are_never_below_the_minimum_nor_above_the_maximum() -> None:
    assert (spec()["minReplicaCount"], spec()["maxReplicaCount"]) == (5, 9)


def test_keda_takes_over_the_autoscaler_of_the_same_name() -> None:
    assert spec()["advanced"]["horizontalPodAutoscalerConfig"]["name"] == "agent-network"
    assert spec()["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "agent-network"}


def test_a_series_in_replicas_has_a_target_of_one() -> None:
    assert trigger(spec(), "load") == {
        "type": "prometheus",
        "name": "load",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": "http://kube-prometheus-stack-prometheus.monitoring.svc.cluster.local:9090",
            "query": 'service:load:replicas{service="agent-network"}',
            "threshold": "1",
            "ignoreNullValues": "false",
        },
    }


def test_no_answer_about_the_load_is_an_error_and_no_forecast_and_no_event_is_zero() -> None:
    missing = {name: trigger(spec(), name)["metadata"]["ignoreNullValues"] for name in ("load", "forecast", "events")}
    assert missing == {"load": "false", "forecast": "true", "events": "true"}


def test_without_prometheus_replicas_stay_and_cpu_and_memory_may_add_to_them() -> None:
    assert spec()["fallback"] == {
        "failureThreshold": FAILURES,
        "replicas": 5,
        "behavior": "currentReplicasIfHigher",
    }
    for name in ("cpu", "memory"):
        assert trigger(spec(), name)["type"] == name
        assert trigger(spec(), name)["metadata"]["containerName"] == "agent-network"


def test_cpu_and_memory_have_the_targets_of_the_chart_s_own_autoscaler() -> None:
    chart = yaml.safe_load((CHART / "values.yaml").read_text())["defaults"]["autoscaling"]
    found = {name: trigger(spec(), name) for name in ("cpu", "memory")}
    assert {name: one["metadata"]["value"] for name, one in found.items()} == {
        name: str(percent) for name, percent in chart.items()
    }
    assert {one["metricType"] for one in found.values()} == {"Utilization"}


def test_the_page_has_the_targets_of_the_chart() -> None:
    chart = yaml.safe_load((CHART / "values.yaml").read_text())["defaults"]["autoscaling"]
    targets = f"{chart['cpu']} % of the requested CPU, {chart['memory']} % of the memory"
    assert targets in (ROOT / "docs" / "scaling.md").read_text()


def test_replicas_come_and_go_as_fast_as_with_the_chart_s_own_autoscaler() -> None:
    template = (CHART / "templates" / "horizontalpodautoscaler.yaml").read_text()
    _, _, block = template.partition("\n  behavior:\n")
    block, end, _ = block.partition("{{- end }}")
    assert end, "the behavior is the last of the template"
    assert spec()["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == yaml.safe_load(dedent(block))


def test_there_are_only_triggers_for_what_there_is() -> None:
    def names(**keys: Any) -> list[str]:
        return [each["name"] for each in spec(replace(PLAN, **keys))["triggers"]]

    assert names() == ["cpu", "memory", "load", "forecast", "events"]
    assert names(weeks=0) == ["cpu", "memory", "load", "events"]
    assert names(events=[]) == ["cpu", "memory", "load", "forecast"]


def test_a_service_that_follows_the_sun_has_fewer_replicas_at_night_in_its_region() -> None:
    found = spec(followTheSun=True)
    assert found["minReplicaCount"] == 3
    assert trigger(found, "follow-the-sun") == {
        "type": "cron",
        "name": "follow-the-sun",
        "metadata": {"timezone": "Asia/Tokyo", "start": "0 7 * * *", "end": "0 23 * * *", "desiredReplicas": "5"},
    }
    # If Prometheus is gone at night, the day may have begun before it is back.
    assert found["fallback"]["replicas"] == 5


def planned(time_zone: str, **event: object) -> TimedEvent:
    events = [{"name": "new-year", "start": "2027-01-01T00:00", "users": 1000, **event}]
    scaling = {"enabled": True, "events": events}
    plan = scaling_plan(parse({**GOOD, "monitoring": {"retention": "4w"}, "scaling": scaling}), time_zone)
    assert plan is not None
    (found,) = plan.events
    return found


NEW_YEAR = 1_798_761_600
"""2027-01-01 00:00 UTC: `date -u -d 2027-01-01 +%s`."""
MINUTE, HOUR = 60, 3600


def test_an_event_at_its_local_time_is_at_another_moment_in_each_region() -> None:
    for zone, hours in (("Asia/Tokyo", 9), ("Etc/UTC", 0), ("America/Chicago", -6)):
        event = planned(zone)
        assert event.begins == NEW_YEAR - hours * HOUR - 15 * MINUTE
        assert event.ends == NEW_YEAR - hours * HOUR + 2 * HOUR


def test_an_event_in_a_time_zone_is_at_one_moment_everywhere() -> None:
    for zone in ("Asia/Tokyo", "America/Chicago"):
        assert planned(zone, timeZone="Europe/Brussels").begins == NEW_YEAR - HOUR - 15 * MINUTE


def test_the_clock_of_an_event_is_that_of_its_season() -> None:
    winter = planned("Europe/Brussels", start="2027-03-27T12:00").begins
    summer = planned("Europe/Brussels", start="2027-03-28T12:00").begins
    assert summer - winter == 23 * HOUR


def test_without_keda_there_is_no_plan() -> None:
    assert scaling_plan(parse(GOOD), "Etc/UTC") is None
