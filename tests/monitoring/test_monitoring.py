"""The monitoring: its targets, its alerts, and who has access."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cluster import DnsServer
from components.context import RegionLabels
from components.monitoring import MonitoringTargets, RegionSize, collector_host, memory, rules
from components.monitoring.collector import collector_config
from components.monitoring.jaeger import jaeger_config, jaeger_values
from components.monitoring.settings import MonitoringSettings
from components.monitoring.stack_values import retention_size, stack_values
from components.sites.site_collector import site_config
from tests.support.hubs import LOCAL as HUB
from tests.support.rendering import ROOT, Rendered, render, render_program

pytestmark = pytest.mark.unit

PROGRAM = ROOT / "tests" / "programs" / "monitoring.py"
TARGETS = MonitoringTargets(
    services="sacred-council",
    ingress="istio-ingress",
    control_plane="istio-system",
    database="cockroachdb",
    cache="redis",
    messaging="nats",
    monitoring="monitoring",
    backups=True,
)
PLACE = RegionLabels(region="here", city="Brussels", latitude=50.85, longitude=4.35)
RULES = [rule for group in rules.rule_groups(TARGETS, PLACE, runbooks="docs/runbooks") for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.fixture(scope="module")
def monitoring() -> Rendered:
    return render_program("test", {}, PROGRAM)


@pytest.fixture(scope="module")
def values(monitoring: Rendered) -> dict[str, Any]:
    return dict(monitoring.named("here-monitoring-prometheus-release").inputs["values"])


def values_of(**changed: Any) -> dict[str, Any]:
    """Return the chart's values, with `changed` arguments."""
    settings = MonitoringSettings(retention="1d", storage="1Gi")
    usual = {
        "region": "r",
        "namespace": "monitoring",
        "settings": settings,
        "storage_class": None,
        "memory": memory(RegionSize(nodes=1, pods=1), settings),
        "dns_server": "coredns",
    }
    return stack_values(**{**usual, **changed})


def ports(rule: dict[str, Any]) -> list[int]:
    return [port["port"] for port in rule.get("ports", [])]


def test_objects_of_every_namespace_are_picked_up(values: dict[str, Any]) -> None:
    spec = values["prometheus"]["prometheusSpec"]
    kinds = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    assert all(spec[f"{kind}SelectorNilUsesHelmValues"] is False for kind in kinds)


def test_metrics_say_which_region_they_are_from(values: dict[str, Any]) -> None:
    assert values["prometheus"]["prometheusSpec"]["externalLabels"] == {"region": "here"}


def test_prometheus_has_the_memory_that_the_region_s_size_asks_for(values: dict[str, Any]) -> None:
    wanted = memory(RegionSize(nodes=3, pods=12), MonitoringSettings()).prometheus
    assert values["prometheus"]["prometheusSpec"]["resources"]["limits"]["memory"] == wanted


def test_what_needs_the_node_is_outside_the_restricted_namespaces(values: dict[str, Any]) -> None:
    assert values["nodeExporter"] == {"enabled": True}
    assert values["prometheus-node-exporter"]["namespaceOverride"] == "kube-system"


@pytest.mark.parametrize(("server", "scraped"), [("coredns", "coreDns"), ("kube-dns", "kubeDns")])
def test_the_dns_server_that_the_cluster_has_is_scraped(server: DnsServer, scraped: str) -> None:
    values = values_of(dns_server=server)
    assert [name for name in ("coreDns", "kubeDns") if values[name]["enabled"]] == [scraped]


@pytest.mark.parametrize(("platform", "scraped"), [("gke", ["kubeDns"]), ("openshift", [])])
def test_the_dns_server_of_an_existing_cluster_is_that_of_its_kind(platform: str, scraped: list[str]) -> None:
    """GKE runs kube-dns, whoever made the cluster. OpenShift's DNS server shows its metrics only with a token."""
    region = {"name": "local", "cloud": "existing", "platform": platform}
    stack = render("local", {"sacred-council:regions": [region]})
    values = stack.named("local-monitoring-prometheus-release").inputs["values"]
    assert [name for name in ("coreDns", "kubeDns") if values[name]["enabled"]] == scraped


def test_grafana_reads_config_maps_of_its_own_namespace_and_nothing_else(
    monitoring: Rendered, values: dict[str, Any]
) -> None:
    role = monitoring.named("here-monitoring-prometheus-grafana-reader").inputs
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    assert values["grafana"]["rbac"] == {"namespaced": True, "useExistingRole": role["metadata"]["name"]}
    for kind in ("dashboards", "datasources"):
        sidecar = values["grafana"]["sidecar"][kind]
        assert (sidecar["resource"], sidecar["searchNamespace"]) == ("configmap", "monitoring")


def test_containers_are_asked_as_often_as_everything_else(values: dict[str, Any]) -> None:
    interval = values["prometheus"]["prometheusSpec"]["scrapeInterval"]
    assert values["kubelet"]["serviceMonitor"]["cAdvisorInterval"] == interval


def test_grafanas_password_is_random_and_only_in_a_secret(monitoring: Rendered, values: dict[str, Any]) -> None:
    secret = monitoring.named("here-monitoring-prometheus-grafana-admin")
    password = secret.inputs["stringData"]["admin-password"]
    assert values["grafana"]["admin"]["existingSecret"] == secret.inputs["metadata"]["name"]
    assert any(path.startswith("stringData") for path in secret.secret_paths)
    assert password not in json.dumps(values)


def test_a_storage_class_reaches_every_volume() -> None:
    values = values_of(storage_class="fast")
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
    with pytest.raises(ValueError, match="storage: expected a number above zero with a unit"):
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
    [
        jaeger_config(),
        json.loads(collector_config(region="r", jaeger_host="j")),
        json.loads(collector_config(region="r", jaeger_host="j", for_sites=True)),
        json.loads(site_config(site="s", home="h")),
    ],
    ids=["jaeger", "collector", "collector of a home", "collector of a site"],
)
def test_pipelines_use_only_what_is_configured_and_all_of_it(document: dict[str, Any]) -> None:
    pipelines = document["service"]["pipelines"].values()
    connectors = set(document.get("connectors", {}))
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in pipelines for name in pipeline.get(kind, [])}
        assert used - connectors == set(document[kind])
        assert kind == "processors" or connectors <= used
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
    assert runbook.is_file(), f"{rule['alert']} names a runbook that is not there: write docs/runbooks/{runbook.name}"
    assert rule["alert"] in runbook.read_text(), f"{runbook.name} does not mention {rule['alert']}"


def test_every_alert_watches_the_namespaces_it_is_given() -> None:
    others: dict[str, Any] = {
        field: f"other-{field}" for field, value in vars(TARGETS).items() if isinstance(value, str)
    }
    elsewhere = replace(TARGETS, **others)
    groups = rules.rule_groups(elsewhere, PLACE, runbooks="x")
    named = [
        namespace
        for group in groups
        for rule in group["rules"]
        for value in re.findall(r'namespace=~?"([^"]*)"', rule["expr"])
        for namespace in value.split("|")
    ]
    assert named
    assert all(namespace.startswith("other-") for namespace in named)


@pytest.mark.parametrize(
    ("monitoring", "where"),
    [({}, "docs/runbooks"), ({"runbooks": "https://example.org/runbooks/"}, "https://example.org/runbooks")],
)
def test_alerts_link_to_where_the_settings_say_that_the_runbooks_are(monitoring: dict[str, str], where: str) -> None:
    stack = render("local", {"sacred-council:monitoring": monitoring})
    links = [
        rule["annotations"]["runbook_url"]
        for group in stack.named("local-monitoring-alerts-rules").inputs["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert links
    assert {link.rpartition("/")[0] for link in links} == {where}


def test_runbooks_can_be_anywhere() -> None:
    groups = rules.rule_groups(TARGETS, PLACE, runbooks="https://example.org/runbooks/")
    assert groups[0]["rules"][0]["annotations"]["runbook_url"] == "https://example.org/runbooks/service-unavailable.md"


def test_nothing_of_the_monitoring_faces_outwards(monitoring: Rendered) -> None:
    assert {r.inputs["spec"].get("type", "ClusterIP") for r in monitoring.objects("Service")} == {"ClusterIP"}
    assert monitoring.objects("Ingress") == []


def test_exemplars_lead_from_a_metric_to_its_trace(values: dict[str, Any]) -> None:
    collector = json.loads(collector_config(region="r", jaeger_host="j"))
    link = values["grafana"]["sidecar"]["datasources"]["exemplarTraceIdDestinations"]
    (jaeger,) = [source for source in values["grafana"]["additionalDataSources"] if source["type"] == "jaeger"]
    assert values["prometheus"]["prometheusSpec"]["enableFeatures"] == ["exemplar-storage"]
    assert link["datasourceUid"] == jaeger["uid"]
    assert link["traceIdLabelName"] == "trace_id"
    assert collector["connectors"]["spanmetrics"]["exemplars"]["enabled"] is True
    assert collector["exporters"]["prometheus"]["enable_open_metrics"] is True


def test_metrics_made_of_spans_are_scraped(monitoring: Rendered) -> None:
    monitor = monitoring.named("here-monitoring-collector-monitor").inputs["spec"]["endpoints"]
    named = {
        p["name"]: p["port"] for p in monitoring.named("here-monitoring-collector-service").inputs["spec"]["ports"]
    }
    policy = monitoring.named("here-monitoring-policy-opentelemetry-collector").inputs["spec"]
    scraped = {named[endpoint["port"]] for endpoint in monitor}
    assert scraped == {8888, 8889}
    assert scraped in [set(ports(rule)) for rule in policy["ingress"]]


def test_what_is_not_deployed_is_not_monitored() -> None:
    bare = MonitoringTargets(services="s", monitoring="m")
    text = json.dumps(rules.rule_groups(bare, PLACE, runbooks="x"))
    assert not re.search(r"istio_|redis_|nats_|liveness|security_certificate|StatefulSet", text)
    assert '"ServiceUnavailable"' in text
    assert bare.all() == ["m", "s"]


def test_backups_are_missed_only_where_they_are_taken() -> None:
    def named(targets: MonitoringTargets) -> set[str]:
        groups = rules.rule_groups(targets, PLACE, runbooks="x")
        return {rule.get("alert", "") for group in groups for rule in group["rules"]}

    elsewhere = replace(TARGETS, backups=False)
    assert named(TARGETS) - named(elsewhere) == {"DatabaseBackupMissing", "DatabaseNotBackedUp"}


def test_a_place_that_is_not_on_earth_is_named() -> None:
    with pytest.raises(ValueError, match="place of mars: 91, 0 is not on earth"):
        RegionLabels(region="mars", city="Olympus", latitude=91, longitude=0)


def test_machines_with_a_known_price_have_a_cost() -> None:
    groups = rules.rule_groups(TARGETS, PLACE, runbooks="x", machine_prices={"b": 2, "a": 97.84})
    (group,) = [group for group in groups if group["name"] == "sacred-council-prices"]
    prices = {rule["labels"]["label_node_kubernetes_io_instance_type"]: rule["expr"] for rule in group["rules"][:-1]}
    assert prices == {"a": "vector(97.84)", "b": "vector(2)"}
    assert group["rules"][-1]["record"] == "machine:cost:usd_per_month"


@pytest.mark.parametrize("name", ["PodCrashLooping", "VolumeFilling"])
def test_an_alert_in_place_of_the_chart_s_own_leaves_no_namespace_out(name: str) -> None:
    groups = rules.rule_groups(TARGETS, PLACE, runbooks="docs/runbooks")
    (alert,) = (rule for group in groups for rule in group["rules"] if rule.get("alert") == name)
    assert "namespace" not in alert["expr"]


def test_every_pod_of_cert_manager_lets_prometheus_in() -> None:
    """The chart's one monitor reads the metrics of controller, cainjector and webhook."""
    policies = [p.inputs for p in render("local", HUB).objects("NetworkPolicy")]
    of_all = [
        p["spec"]
        for p in policies
        if p["metadata"]["namespace"] == "cert-manager" and not p["spec"]["podSelector"].get("matchLabels")
    ]
    assert 9402 in [port for spec in of_all for rule in spec.get("ingress", []) for port in ports(rule)]
