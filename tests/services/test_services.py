"""The services' component: the values that it gives to the chart, and the arguments that it refuses."""

import json
import re
import zoneinfo
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components import namespaces
from components.local_chart import FUNCTION, type_token
from components.services import CPU_BURST, HTTP_PORT, METRICS_PORT, NAMES
from components.services.services import cpu_limit, follow_the_sun, image_values, values_of
from components.services.settings import MATCHING_SERVICE, USERS_METRIC, ServiceSettings
from components.versions import KUBECTL_IMAGE, SAMPLE_SERVICE_IMAGE
from tests.support.rendering import ROOT, Rendered, Resource, render_program

pytestmark = pytest.mark.unit

DIGEST = f"sha256:{'0a' * 32}"

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from components.context import RegionContext, RegionLabels
from components.local_chart import chart_renderer
from components.services import NAMES, Services, chart_values
from components.services.settings import ServicesSettings
from components.trust import RegionAuthority, RegionAuthorityArgs, RootAuthority, RootAuthorityArgs

provider = k8s.Provider("r1-kubernetes")
renderer = chart_renderer("charts", pulumi.ResourceOptions())
crds = k8s.core.v1.ConfigMap("r1-crds", opts=pulumi.ResourceOptions(provider=provider))
root = RootAuthority("root", RootAuthorityArgs(common_name="root"))
context = RegionContext(
    labels=RegionLabels(region="r1", city="Brussels", latitude=50.85, longitude=4.35),
    domain="example.org",
    namespaces={},
    authority=RegionAuthority("r1-authority", RegionAuthorityArgs(root=root, common_name="r1")),
    options=pulumi.ResourceOptions(providers=[provider]),
    monitored_by=crds if CONNECTED else None,
)
service = {"image": "ghcr.io/example/a:1.2", "minReplicas": 2, "maxReplicas": 9, "cpu": "0.5", "memory": "1Gi"}
shifted = {**service, "minReplicas": 4, "followTheSun": SHIFTED}
settings = ServicesSettings.model_validate({**dict.fromkeys(NAMES, service), "sacred-messaging": shifted})
values = chart_values(
    settings,
    region="r1",
    time_zone="Asia/Tokyo",
    data_services=["database"] if CONNECTED else [],
    telemetry_endpoint="http://collector.monitoring.svc:4317" if CONNECTED else None,
    trace_sampling=0.25,
    monitored=CONNECTED,
)
services = Services("r1-services", context, settings, values=values, renderer=renderer)
pulumi.export("endpoints", services.endpoints)
"""


def rendered(directory: Path, *, connected: bool = False, shifted: bool = False) -> Rendered:
    program = directory / "program.py"
    program.write_text(PROGRAM.replace("CONNECTED", str(connected)).replace("SHIFTED", str(shifted)))
    return render_program("test", {"pulumi:disable-default-providers": ["*"]}, program)


def chart(found: Rendered) -> dict[str, Any]:
    """The options with which the component rendered its chart."""
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
    return rendered(tmp_path_factory.mktemp("shifted"), shifted=True)


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return rendered(tmp_path_factory.mktemp("connected"), connected=True)


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


def test_a_service_s_settings_become_its_values(alone: Rendered) -> None:
    assert chart(alone)["values"]["services"]["agent-network"] == {
        "image": {"repository": "ghcr.io/example/a", "tag": "1.2", "digest": ""},
        "replicas": {"min": 2, "max": 9, "shifts": []},
        "resources": {"requests": {"cpu": "0.5", "memory": "1Gi"}, "limits": {"cpu": "2000m", "memory": "1Gi"}},
    }


def test_alone_there_is_no_connection_no_tracing_and_no_monitor(alone: Rendered) -> None:
    values = chart(alone)["values"]
    assert values["telemetry"]["endpoint"] == ""
    assert values["serviceMonitor"] == {"enabled": False}
    assert values["connections"] == {
        data_service: {"secret": ""}
        for data_service in ("database", "cache", "messaging", "streaming", "matching", "ledger", "circles")
    }


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
    assert autoscalers.pop("sacred-messaging") == ("spec.minReplicas",)
    assert set(autoscalers.values()) == {()}
    assert {r.ignored for r in alone.objects("HorizontalPodAutoscaler")} == {()}


def test_a_shift_becomes_a_cron_job_that_comes_after_what_it_may_do(shifted: Rendered) -> None:
    job = shifted.named("r1-services-chart-cronjob-sacred-messaging-night")
    role = shifted.named("r1-services-chart-role-follow-the-sun")
    assert role.urn in job.dependencies
    assert chart(shifted)["values"]["services"]["sacred-messaging"]["replicas"]["shifts"] == [
        {"name": "day", "cron": "0 7 * * *", "timeZone": "Asia/Tokyo", "min": 4},
        {"name": "night", "cron": "0 23 * * *", "timeZone": "Asia/Tokyo", "min": 2},
    ]


@given(st.integers(1, 1000))
def test_nights_keep_half_the_replicas_and_two_where_there_were_two(base: int) -> None:
    day, night = follow_the_sun("Asia/Tokyo", base)
    assert (day["min"], day["timeZone"], night["timeZone"]) == (base, "Asia/Tokyo", "Asia/Tokyo")
    assert min(base, 2) <= night["min"] <= base
    assert night["min"] >= base / 2


def test_day_starts_at_seven_and_night_at_eleven_local_time() -> None:
    day, night = follow_the_sun("Europe/Brussels", 10)
    assert (day["cron"], night["cron"], night["min"]) == ("0 7 * * *", "0 23 * * *", 5)
    assert (day["name"], night["name"]) == ("day", "night")
    assert zoneinfo.ZoneInfo(day["timeZone"])


def test_every_service_says_whether_a_metric_of_it_counts_users() -> None:
    published = yaml.safe_load((ROOT / "components/monitoring/contracts/services.yaml").read_text())["metrics"]
    assert set(USERS_METRIC) == {*NAMES, MATCHING_SERVICE}
    assert [metric for metric in USERS_METRIC.values() if metric and metric not in published] == []


def test_the_chart_alone_runs_every_service(chart_values: dict[str, Any]) -> None:
    assert sorted(chart_values["services"]) == list(NAMES)


def test_the_chart_s_network_policies_name_the_namespaces_of_the_program(chart_values: dict[str, Any]) -> None:
    policy = chart_values["networkPolicy"]
    assert {name: peer["namespace"] for name, peer in policy["from"].items()} == {
        "gateway": namespaces.INGRESS,
        "monitoring": namespaces.MONITORING,
    }
    assert {name: peer["namespace"] for name, peer in policy["to"].items()} == {
        "database": namespaces.COCKROACHDB,
        "cache": namespaces.REDIS,
        "messaging": namespaces.NATS,
        "streaming": namespaces.KAFKA,
        "matching": namespaces.MATCHING,
        "ledger": namespaces.LEDGER,
        "circles": namespaces.CIRCLES,
        "mesh": namespaces.ISTIO,
        "telemetry": namespaces.MONITORING,
    }


def test_compose_runs_every_service_under_its_own_name() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.local.yml").read_text())["services"]
    named = {name: one["environment"]["SERVICE_NAME"] for name, one in compose.items() if "ports" in one}
    assert named == {name: name for name in NAMES}


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
    resources = values_of(ServiceSettings(), "Etc/UTC")["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PAGES = ("README.md", "docs/architecture.md", "docs/getting-started.md", "docker-compose.local.yml")


@pytest.mark.parametrize("page", PAGES)
def test_pages_count_the_services_of_every_stack(page: str) -> None:
    counted = re.findall(rf"\b({'|'.join(NUMBERS)}) services\b", (ROOT / page).read_text().lower())
    assert set(counted) == {NUMBERS[len(NAMES)]}


def test_the_pages_name_every_service() -> None:
    assert [name for name in NAMES if f"`{name}`" not in (ROOT / "README.md").read_text()] == []
    scaling = (ROOT / "docs" / "scaling.md").read_text()
    publishing = [metric for metric in USERS_METRIC.values() if metric is not None]
    assert f"{NUMBERS[len(publishing)].capitalize()} services publish a metric of their users" in scaling
    silent = [name for name, metric in USERS_METRIC.items() if metric is None]
    assert [name for name in (*publishing, *silent) if f"`{name}`" not in scaling] == []
