"""Metrics of all regions: the querier of a region, its certificates, and who reaches what."""

import json
from typing import Any

import pytest

from components.monitoring.thanos import STORE_NAMES, endpoints, query_arguments, sidecar_values
from components.peering import peer_name
from stacks.peering import peer_endpoint_specs
from stacks.settings import parse
from tests.support.rendering import ROOT, Rendered, render_program

pytestmark = pytest.mark.unit

PROGRAM = ROOT / "tests" / "programs" / "monitoring.py"
PREFIX = "here-monitoring-thanos"


@pytest.fixture(scope="module")
def alone() -> Rendered:
    return render_program("test", {}, PROGRAM)


@pytest.fixture(scope="module")
def several() -> Rendered:
    return render_program("test", {"sacred-council:several": "true"}, PROGRAM)


def release(rendered: Rendered) -> dict[str, Any]:
    return dict(rendered.named("here-monitoring-prometheus-release").inputs["values"])


def policy(rendered: Rendered, name: str) -> dict[str, Any]:
    return dict(rendered.named(f"{PREFIX}-query-policy-{name}").inputs["spec"])


def test_a_region_alone_has_nothing_of_it(alone: Rendered) -> None:
    assert [r.name for r in alone.resources if "thanos" in r.name or "global" in r.name] == []
    assert "thanos" not in json.dumps(release(alone))
    assert "RegionNotSeen" not in json.dumps(alone.named("here-monitoring-alerts-rules").inputs)


def test_the_querier_asks_its_own_region_and_all_others_by_name() -> None:
    document = json.loads(endpoints("monitoring", ["south", "north"]))
    assert [one["address"] for one in document["endpoints"]] == [
        "kube-prometheus-stack-thanos-discovery.monitoring.svc:10901",
        f"{peer_name('north', 'monitoring')}:10901",
        f"{peer_name('south', 'monitoring')}:10901",
    ]
    assert document["default_client_config"]["tls_config"]["enabled"] is True


def test_the_order_of_regions_changes_nothing() -> None:
    assert endpoints("monitoring", ["a", "b"]) == endpoints("monitoring", ["b", "a"])


def test_the_sidecar_s_certificate_has_the_names_it_is_asked_by(several: Rendered) -> None:
    request = several.named(f"{PREFIX}-store-request").inputs
    asked = json.loads(endpoints("monitoring", ["north"]))["endpoints"]
    local, other = (one["address"].partition(":")[0] for one in asked)
    assert local in request["dnsNames"]
    assert f"*.{other.partition('.')[2]}" in request["dnsNames"]
    assert len(request["dnsNames"]) == len(STORE_NAMES)


def test_the_sidecar_takes_only_certificates_of_the_root_and_the_querier_has_one(several: Rendered) -> None:
    tls = sidecar_values("128Mi")["thanos"]["grpcServerTlsConfig"]
    (mount,) = sidecar_values("128Mi")["thanos"]["volumeMounts"]
    (volume,) = sidecar_values("128Mi")["volumes"]
    secrets = {r.inputs["metadata"]["name"] for r in several.objects("Secret")}
    assert tls.keys() == {"certFile", "keyFile", "caFile"}
    assert all(path.startswith(f"{mount['mountPath']}/") for path in tls.values())
    assert volume["secret"]["secretName"] in secrets
    uses = {name: several.named(f"{PREFIX}-{name}-certificate").inputs["allowedUses"] for name in ("store", "query")}
    assert uses["store"] == ["digital_signature", "server_auth"]
    assert uses["query"] == ["digital_signature", "client_auth"]


def test_prometheus_waits_for_the_certificate_that_its_pod_mounts(several: Rendered) -> None:
    secret = several.named(f"{PREFIX}-store-secret").urn
    assert secret in several.named("here-monitoring-prometheus-release").dependencies


def test_only_queriers_of_all_regions_reach_the_sidecar(several: Rendered) -> None:
    rules = policy(several, "thanos-store")["ingress"]
    sources = [
        source for rule in rules if {"port": 10901, "protocol": "TCP"} in rule["ports"] for source in rule["from"]
    ]
    assert sources == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "thanos-query"}}},
        {"ipBlock": {"cidr": "198.51.100.1/32"}},
        {"ipBlock": {"cidr": "198.51.100.2/32"}},
    ]


def test_the_querier_reaches_sidecars_and_nothing_else(several: Rendered) -> None:
    rules = policy(several, "thanos-query")["egress"]
    assert [[port["port"] for port in rule["ports"]] for rule in rules] == [[10901], [10901]]
    assert [target["ipBlock"]["cidr"] for target in rules[1]["to"]] == ["203.0.113.1/32", "203.0.113.2/32"]


def test_grafana_and_prometheus_alone_ask_the_querier(several: Rendered) -> None:
    (rule,) = policy(several, "thanos-query")["ingress"]
    names = {source["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for source in rule["from"]}
    assert names == {"grafana", "prometheus"}
    assert "--grpc-address=127.0.0.1:10901" in query_arguments()


def test_dashboards_of_all_regions_ask_the_data_source_that_there_is(several: Rendered) -> None:
    sources = {source["uid"]: source for source in release(several)["grafana"]["additionalDataSources"]}
    service = several.named(f"{PREFIX}-query-service").inputs
    port = service["spec"]["ports"][0]["port"]
    assert sources["thanos"]["url"] == f"http://{service['metadata']['name']}:{port}"
    boards = [r for r in several.objects("ConfigMap") if "-dashboard-global-" in r.name]
    assert len(boards) == len([r for r in several.objects("ConfigMap") if "-dashboard-" in r.name]) / 2
    panels = [panel for r in boards for text in r.inputs["data"].values() for panel in json.loads(text)["panels"]]
    assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {"thanos"}


def test_an_alert_knows_every_other_region(several: Rendered) -> None:
    groups = several.named("here-monitoring-alerts-rules").inputs["spec"]["groups"]
    (group,) = [group for group in groups if group["name"] == "sacred-council-regions"]
    known = [rule["labels"]["peer"] for rule in group["rules"] if "record" in rule]
    assert known == ["north", "south"]


def test_metrics_have_a_peer_endpoint_only_where_there_is_monitoring() -> None:
    base = {"stage": "regional", "regions": [{"name": "here", "cloud": "existing"}]}
    (endpoint,) = peer_endpoint_specs(parse(base))["monitoring"]
    assert (endpoint.port, dict(endpoint.pods)) == (10901, {"app.kubernetes.io/name": "prometheus"})
    assert "monitoring" not in peer_endpoint_specs(parse({**base, "monitoring": {"enabled": False}}))
