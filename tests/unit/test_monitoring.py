"""The monitoring: what is watched, what is said about it, and who may look."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.monitoring import Watched, collector_host, rules
from components.monitoring.dashboards import overview, overview_graphs, overview_stats
from components.monitoring.stack_values import retention_size, stack_values
from components.monitoring.tracing_config import collector_config, jaeger_config, jaeger_values
from tests.rendering import ROOT, Rendered, render_program

PROGRAM = Path(__file__).parent / "programs" / "monitoring.py"
WATCHED = Watched(
    services="sacred-council",
    ingress="istio-ingress",
    control_plane="istio-system",
    database="cockroachdb",
    cache="redis",
    messaging="nats",
    monitoring="monitoring",
)
ALERTS = [rule for group in rules.rule_groups(WATCHED, runbooks="docs/runbooks") for rule in group["rules"]]


@pytest.fixture(scope="module")
def monitoring() -> Rendered:
    return render_program("test", {}, PROGRAM)


@pytest.fixture(scope="module")
def values(monitoring: Rendered) -> dict[str, Any]:
    return dict(monitoring.named("here-monitoring-prometheus-release").inputs["values"])


def ports(rule: dict[str, Any]) -> list[int]:
    return [port["port"] for port in rule.get("ports", [])]


def test_objects_of_every_namespace_are_picked_up(values: dict[str, Any]) -> None:
    spec = values["prometheus"]["prometheusSpec"]
    kinds = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    assert all(spec[f"{kind}SelectorNilUsesHelmValues"] is False for kind in kinds)


def test_metrics_say_which_region_they_are_from(values: dict[str, Any]) -> None:
    assert values["prometheus"]["prometheusSpec"]["externalLabels"] == {"region": "here"}


def test_what_needs_the_node_is_outside_the_restricted_namespaces(values: dict[str, Any]) -> None:
    assert values["nodeExporter"] == {"enabled": True}
    assert values["prometheus-node-exporter"]["namespaceOverride"] == "kube-system"


def test_the_node_exporter_can_be_left_out() -> None:
    values = stack_values(region="r", retention="1d", storage="1Gi", storage_class=None, node_exporter=False)
    assert values["nodeExporter"] == {"enabled": False}


def test_no_init_container_of_grafana_runs_as_root(values: dict[str, Any]) -> None:
    assert values["grafana"]["initChownData"] == {"enabled": False}


def test_grafanas_password_is_random_and_only_in_a_secret(monitoring: Rendered, values: dict[str, Any]) -> None:
    secret = monitoring.named("here-monitoring-prometheus-grafana-admin")
    password = secret.inputs["stringData"]["admin-password"]
    assert values["grafana"]["admin"]["existingSecret"] == secret.inputs["metadata"]["name"]
    assert any(path.startswith("stringData") for path in secret.secret_paths)
    assert password not in json.dumps(values)


def test_a_storage_class_reaches_every_volume() -> None:
    values = stack_values(region="r", retention="1d", storage="1Gi", storage_class="fast", node_exporter=True)
    specs = [
        values["prometheus"]["prometheusSpec"]["storageSpec"],
        values["alertmanager"]["alertmanagerSpec"]["storage"],
    ]
    assert [s["volumeClaimTemplate"]["spec"]["storageClassName"] for s in specs] == ["fast", "fast"]


@given(st.integers(min_value=1, max_value=10_000))
def test_prometheus_never_keeps_more_than_its_volume_has_room_for(gibibytes: int) -> None:
    kept = int(re.fullmatch(r"(\d+)MiB", retention_size(f"{gibibytes}Gi"))[1])  # type: ignore[index]
    assert 0.79 * gibibytes * 1024 - 1 < kept <= 0.8 * gibibytes * 1024


def test_a_size_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="storage: expected a whole positive number with a unit"):
        retention_size("much")


def test_custom_resources_come_after_their_definitions(monitoring: Rendered) -> None:
    release = monitoring.named("here-monitoring-prometheus-release").urn
    found = [r for r in monitoring.objects() if r.inputs["apiVersion"].startswith("monitoring.coreos.com")]
    assert {r.inputs["kind"] for r in found} == {"PrometheusRule", "ServiceMonitor"}
    assert all(release in r.dependencies for r in found)


def test_hooks_can_reach_the_api_server_before_they_run(monitoring: Rendered) -> None:
    waits = monitoring.named("here-monitoring-prometheus-release").dependencies
    policies = {
        monitoring.named(f"here-monitoring-prometheus-policy-admission-{job}").urn for job in ("create", "patch")
    }
    assert policies <= waits


def test_only_the_named_namespaces_send_traces(monitoring: Rendered) -> None:
    policy = monitoring.named("here-monitoring-policy-opentelemetry-collector").inputs["spec"]
    (traces,) = [rule for rule in policy["ingress"] if 4317 in ports(rule)]
    senders = {s["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for s in traces["from"]}
    assert senders == {"sacred-council", "istio-ingress"}


def test_only_the_collector_writes_to_jaeger(monitoring: Rendered) -> None:
    policy = monitoring.named("here-monitoring-policy-jaeger").inputs["spec"]
    (traces,) = [rule for rule in policy["ingress"] if 4317 in ports(rule)]
    assert traces["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "opentelemetry-collector"}}}]


def test_nothing_of_the_monitoring_is_open_to_everyone_but_the_operators_webhook(monitoring: Rendered) -> None:
    open_ports = {
        port
        for r in monitoring.objects("NetworkPolicy")
        for rule in r.inputs["spec"].get("ingress", [])
        if not rule.get("from")
        for port in ports(rule)
    }
    assert open_ports == {10250}


def test_jaeger_keeps_traces_on_a_volume_of_its_own(monitoring: Rendered) -> None:
    values = jaeger_values()
    claim = monitoring.named("here-monitoring-jaeger-claim").inputs["metadata"]["name"]
    (volume,) = values["jaeger"]["extraVolumes"]
    (mount,) = values["jaeger"]["extraVolumeMounts"]
    badger = values["userconfig"]["extensions"]["jaeger_storage"]["backends"]["badger"]["badger"]
    assert volume == {"name": mount["name"], "persistentVolumeClaim": {"claimName": claim}}
    assert badger["ephemeral"] is False
    assert all(directory.startswith(f"{mount['mountPath']}/") for directory in badger["directories"].values())


def test_jaegers_pod_is_restricted() -> None:
    jaeger = jaeger_values()["jaeger"]
    assert jaeger["podSecurityContext"]["runAsNonRoot"] is True
    assert jaeger["podSecurityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert jaeger["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert jaeger["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize(
    "document",
    [jaeger_config(), json.loads(collector_config(region="r", jaeger_host="j"))],
    ids=["jaeger", "collector"],
)
def test_pipelines_use_only_what_is_configured_and_all_of_it(document: dict[str, Any]) -> None:
    pipelines = document["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert {name for pipeline in pipelines for name in pipeline[kind]} == set(document[kind])
    assert set(document["service"]["extensions"]) == set(document["extensions"])


def test_the_collector_limits_memory_first_and_batches_last() -> None:
    pipeline = json.loads(collector_config(region="r", jaeger_host="j"))["service"]["pipelines"]["traces"]
    assert pipeline["processors"][0] == "memory_limiter"
    assert pipeline["processors"][-1] == "batch"


def test_the_collector_restarts_with_a_new_configuration(monitoring: Rendered) -> None:
    template = monitoring.named("here-monitoring-collector-deployment").inputs["spec"]["template"]
    assert re.fullmatch("[0-9a-f]{64}", template["metadata"]["annotations"]["sacred-council.love/checksum"])


def test_the_collector_is_where_clients_look_for_it(monitoring: Rendered) -> None:
    service = monitoring.named("here-monitoring-collector-service").inputs
    address = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    assert collector_host("monitoring") == address
    assert 4317 in [port["port"] for port in service["spec"]["ports"]]


def test_alerts_have_unique_names() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_what_happened_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")
    runbook = ROOT / rule["annotations"]["runbook_url"]
    assert rule["alert"] in runbook.read_text(), f"{runbook.name} does not mention {rule['alert']}"


def test_every_alert_watches_the_namespaces_it_is_given() -> None:
    elsewhere = Watched(**{field: f"other-{field}" for field in vars(WATCHED)})
    groups = rules.rule_groups(elsewhere, runbooks="x")
    named = [
        namespace
        for group in groups
        for rule in group["rules"]
        for value in re.findall(r'namespace=~?"([^"]*)"', rule["expr"])
        for namespace in value.split("|")
    ]
    assert named
    assert all(namespace.startswith("other-") for namespace in named)


def test_runbooks_can_be_anywhere() -> None:
    groups = rules.rule_groups(WATCHED, runbooks="https://example.org/runbooks/")
    assert groups[0]["rules"][0]["annotations"]["runbook_url"] == "https://example.org/runbooks/service-unavailable.md"


def test_the_dashboard_shows_every_chart_from_the_charts_data_source() -> None:
    document = json.loads(overview(WATCHED))
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    charts = [*overview_stats(WATCHED), *overview_graphs(WATCHED)]
    assert [panel["title"] for panel in panels] == [chart.title for chart in charts]
    assert {panel["datasource"]["uid"] for panel in panels} == {"prometheus"}
    assert document["uid"] == "sacred-council-overview"


def test_panels_do_not_overlap() -> None:
    panels = json.loads(overview(WATCHED))["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))


def test_grafana_finds_the_dashboard_by_its_label(monitoring: Rendered) -> None:
    labels = monitoring.named("here-monitoring-alerts-dashboard-overview").inputs["metadata"]["labels"]
    assert labels["grafana_dashboard"] == "1"


def test_nothing_of_the_monitoring_faces_outwards(monitoring: Rendered) -> None:
    assert {r.inputs["spec"].get("type", "ClusterIP") for r in monitoring.objects("Service")} == {"ClusterIP"}
    assert monitoring.objects("Ingress") == []
