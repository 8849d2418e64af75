"""The services' component: what it gives to the chart, and what it refuses."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pulumi_kubernetes as k8s
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.local_chart import FUNCTION, type_token
from components.services import (
    CPU_BURST,
    HTTP_PORT,
    METRICS_PORT,
    NAMES,
    ServicesArgs,
    Workload,
    cpu_limit,
    image_values,
    workload_values,
)
from components.versions import KUBECTL_IMAGE, SAMPLE_SERVICE_IMAGE
from tests.rendering import ROOT, Rendered, Resource, render_program

NO_RENDERER = cast(k8s.Provider, None)
DIGEST = f"sha256:{'0a' * 32}"
SAMPLE = Workload(image=SAMPLE_SERVICE_IMAGE, min_replicas=1, max_replicas=3, cpu="50m", memory="64Mi")

PROGRAM = """
from dataclasses import replace

import pulumi
import pulumi_kubernetes as k8s
from components.local_chart import chart_renderer
from components.services import NAMES, Services, ServicesArgs, Shift, Workload

provider = k8s.Provider("r1-kubernetes")
renderer = chart_renderer("charts", pulumi.ResourceOptions())
crds = k8s.core.v1.ConfigMap("r1-crds", opts=pulumi.ResourceOptions(provider=provider))
night = Shift(name="night", cron="0 23 * * *", time_zone="Asia/Tokyo", min_replicas=1)
workload = Workload(image="ghcr.io/example/a:1.2", min_replicas=2, max_replicas=9, cpu="0.5", memory="1Gi")
services = Services(
    "r1-services",
    ServicesArgs(
        namespace="sacred-council",
        renderer=renderer,
        region="r1",
        workloads={**dict.fromkeys(NAMES, workload), "agent-network": replace(workload, shifts=[SHIFTS])},
        MORE
    ),
    pulumi.ResourceOptions(providers=[provider]),
)
pulumi.export("endpoints", services.endpoints)
"""
CONNECTED = """
        data_services=["database"],
        telemetry_endpoint="http://collector.monitoring.svc:4317",
        trace_sampling=0.25,
        monitored_by=crds,
"""


def rendered(directory: Path, more: str = "", shifts: str = "") -> Rendered:
    program = directory / "program.py"
    program.write_text(PROGRAM.replace("MORE", more).replace("SHIFTS", shifts))
    return render_program("test", {"pulumi:disable-default-providers": ["*"]}, program)


def chart(found: Rendered) -> dict[str, Any]:
    """The options with which the component had its chart rendered."""
    [(token, arguments)] = found.calls
    assert token == FUNCTION
    return dict(json.loads(arguments["jsonOpts"]))


def deployment(found: Rendered) -> Resource:
    return found.named("r1-services-chart-deployment-agent-network")


@pytest.fixture(scope="module")
def chart_values() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "charts" / "sacred-council" / "values.yaml").read_text()))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return rendered(tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return rendered(tmp_path_factory.mktemp("shifted"), shifts="night")


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return rendered(tmp_path_factory.mktemp("connected"), CONNECTED)


def test_the_chart_comes_from_the_repository_by_a_relative_path(alone: Rendered) -> None:
    path = chart(alone)["path"]
    assert not Path(path).is_absolute()
    assert (ROOT / path / "Chart.yaml").is_file()


def test_the_chart_belongs_to_the_component_in_the_namespace(alone: Rendered) -> None:
    assert alone.named("r1-services-chart").parent.endswith("::r1-services")
    assert chart(alone)["namespace"] == "sacred-council"
    assert chart(alone)["release_name"] == "sacred-council"


def test_the_renderer_reaches_no_cluster_and_the_objects_go_to_the_region(alone: Rendered) -> None:
    assert json.loads(alone.named("charts").inputs["kubeconfig"]) == {"apiVersion": "v1", "kind": "Config"}
    objects = alone.objects()
    assert {one.inputs["kind"] for one in objects} >= {"Deployment", "Service", "NetworkPolicy"}
    assert all("::r1-kubernetes::" in one.provider for one in objects if one.name != "r1-crds")


def test_pods_come_after_what_they_need_and_services_do_not_wait_for_them(alone: Rendered) -> None:
    kinds = Counter(urn.split("::")[2].rpartition(":")[2] for urn in deployment(alone).dependencies)
    assert kinds == {"NetworkPolicy": len(NAMES), "ServiceAccount": len(NAMES)}


@pytest.mark.parametrize(
    ("api_version", "kind", "token"),
    [
        ("v1", "Service", "kubernetes:core/v1:Service"),
        ("apps/v1", "Deployment", "kubernetes:apps/v1:Deployment"),
        ("monitoring.coreos.com/v1", "ServiceMonitor", "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"),
    ],
)
def test_a_kind_has_the_type_that_the_sdk_gives_it(api_version: str, kind: str, token: str) -> None:
    assert type_token(api_version, kind) == token


def test_a_workload_becomes_the_values_of_its_service(alone: Rendered) -> None:
    assert chart(alone)["values"]["services"]["agent-network"] == {
        "image": {"repository": "ghcr.io/example/a", "tag": "1.2", "digest": ""},
        "replicas": {"min": 2, "max": 9, "shifts": []},
        "resources": {"requests": {"cpu": "0.5", "memory": "1Gi"}, "limits": {"cpu": "2000m", "memory": "1Gi"}},
    }


def test_alone_there_is_no_connection_no_tracing_and_no_monitor(alone: Rendered) -> None:
    values = chart(alone)["values"]
    assert values["telemetry"]["endpoint"] == ""
    assert values["serviceMonitor"] == {"enabled": False}
    assert values["connections"] == {store: {"secret": ""} for store in ("database", "cache", "messaging")}


def test_pods_wait_for_the_secrets_that_they_are_given(connected: Rendered) -> None:
    connections = chart(connected)["values"]["connections"]
    assert connections["database"] == {"secret": "database-connection", "optional": False}
    assert connections["cache"] == {"secret": ""}


def test_traces_and_monitors_follow_the_arguments(connected: Rendered) -> None:
    values = chart(connected)["values"]
    assert values["telemetry"] == {"endpoint": "http://collector.monitoring.svc:4317", "sampling": 0.25}
    assert values["serviceMonitor"] == {"enabled": True}


def test_monitors_wait_for_what_brings_their_kind(connected: Rendered, alone: Rendered) -> None:
    monitor = connected.named("r1-services-chart-servicemonitor-agent-network")
    assert [urn.rpartition("::")[2] for urn in monitor.dependencies] == ["r1-crds"]
    assert alone.objects("ServiceMonitor") == []


def test_endpoints_are_urls_inside_the_cluster(alone: Rendered) -> None:
    urls = {name: f"http://{name}.sacred-council.svc.cluster.local:9898" for name in NAMES}
    services = alone.named("r1-services")
    assert alone.registered_outputs[services.urn]["endpoints"] == urls


def test_the_chart_alone_runs_the_same_image_on_the_same_ports(chart_values: dict[str, Any]) -> None:
    image = chart_values["defaults"]["image"]
    assert image_values(SAMPLE_SERVICE_IMAGE) == {part: image[part] for part in ("repository", "tag", "digest")}
    assert chart_values["ports"] == {"http": HTTP_PORT, "metrics": METRICS_PORT}


def test_the_chart_alone_sets_shifts_with_the_same_kubectl(chart_values: dict[str, Any]) -> None:
    assert image_values(KUBECTL_IMAGE) == chart_values["kubectl"]


def test_the_minimum_of_a_service_with_shifts_is_left_to_them(shifted: Rendered, alone: Rendered) -> None:
    autoscalers = {r.inputs["metadata"]["name"]: r.ignored for r in shifted.objects("HorizontalPodAutoscaler")}
    assert autoscalers.pop("agent-network") == ("spec.minReplicas",)
    assert set(autoscalers.values()) == {()}
    assert {r.ignored for r in alone.objects("HorizontalPodAutoscaler")} == {()}


def test_a_shift_becomes_a_cron_job_that_comes_after_what_it_may_do(shifted: Rendered) -> None:
    job = shifted.named("r1-services-chart-cronjob-agent-network-night")
    role = shifted.named("r1-services-chart-role-follow-the-sun")
    assert role.urn in job.dependencies
    assert chart(shifted)["values"]["services"]["agent-network"]["replicas"]["shifts"] == [
        {"name": "night", "cron": "0 23 * * *", "timeZone": "Asia/Tokyo", "min": 1}
    ]


def test_the_component_knows_the_services_of_the_chart(chart_values: dict[str, Any]) -> None:
    assert sorted(chart_values["services"]) == list(NAMES)


def test_the_values_name_only_what_the_chart_has(connected: Rendered, chart_values: dict[str, Any]) -> None:
    given = chart(connected)["values"]
    assert set(given) <= set(chart_values)
    assert set(given["services"]["agent-network"]) <= set(chart_values["defaults"])


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("busybox:1.37", ("busybox", "1.37", "")),
        ("registry.example.org:5000/team/a:1.2", ("registry.example.org:5000/team/a", "1.2", "")),
        (f"registry.example.org:5000/a@{DIGEST}", ("registry.example.org:5000/a", "", DIGEST)),
        (f"ghcr.io/example/a:1.2@{DIGEST}", ("ghcr.io/example/a", "1.2", DIGEST)),
    ],
)
def test_an_image_is_taken_apart(image: str, parts: tuple[str, str, str]) -> None:
    assert tuple(image_values(image).values()) == parts


@pytest.mark.parametrize("image", ["busybox", "registry.example.org:5000/a"])
def test_an_image_without_tag_and_digest_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match=f"image: expected a tag or a digest, got '{image}'"):
        image_values(image)


@given(st.integers(min_value=1, max_value=64_000))
def test_the_limit_is_a_multiple_of_the_request_however_it_is_written(thousandths: int) -> None:
    expected = f"{thousandths * CPU_BURST}m"
    assert cpu_limit(f"{thousandths}m") == expected
    assert cpu_limit(f"{thousandths / 1000:.3f}") == expected


@pytest.mark.parametrize("cpu", ["", "half", "1 CPU", "-1", "1u"])
def test_a_wrong_cpu_is_refused(cpu: str) -> None:
    with pytest.raises(ValueError, match=f"cpu: expected a number of CPUs .*, got '{cpu}'"):
        cpu_limit(cpu)


def test_memory_is_never_promised_twice() -> None:
    resources = workload_values(SAMPLE)["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


@pytest.mark.parametrize(("low", "high"), [(0, 3), (4, 3)])
def test_wrong_bounds_are_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match=rf"min_replicas: {low} is not between 1 and max_replicas \({high}\)"):
        Workload(image=SAMPLE_SERVICE_IMAGE, min_replicas=low, max_replicas=high, cpu="50m", memory="64Mi")


def test_a_service_that_the_chart_would_run_with_its_own_settings_is_refused() -> None:
    workloads = {name: SAMPLE for name in NAMES if name != "agent-network"}
    with pytest.raises(
        ValueError, match="workloads: agent-network not given, but the chart runs each of agent-network, "
    ):
        ServicesArgs(namespace="x", region="r1", workloads=workloads, renderer=NO_RENDERER)


def test_a_share_of_traces_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="trace_sampling: expected a share from 0 to 1, got 10"):
        ServicesArgs(
            namespace="x", region="r1", workloads=dict.fromkeys(NAMES, SAMPLE), renderer=NO_RENDERER, trace_sampling=10
        )
