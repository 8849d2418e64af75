"""Metrics of all regions: asked in every region, read only by each other, and nothing of it for a region alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.crossing import peer_name
from components.monitoring.thanos_config import STORE_NAMES, endpoints, query_arguments, sidecar_values
from stacks.doors import store_doors
from stacks.settings import parse
from tests.rendering import Rendered, render, render_program
from tests.unit import regions
from tests.unit.regions import BELGIUM, GOOGLE, IOWA, MIXED, Where, changed, of_region

PROGRAM = Path(__file__).parent / "programs" / "monitoring.py"
PREFIX = "here-monitoring-thanos"

# Of the monitoring, what must know the other regions. All of it can change in place.
KNOWS_PEERS = {
    "monitoring-alerts-rules",
    "monitoring-door-0-service",
    "monitoring-peers-endpoints",
    "monitoring-thanos-query-endpoints",
    "monitoring-thanos-query-policy-thanos-query",
    "monitoring-thanos-query-policy-thanos-store",
}


@pytest.fixture(scope="module")
def alone() -> Rendered:
    return render_program("test", {}, PROGRAM)


@pytest.fixture(scope="module")
def several() -> Rendered:
    return render_program("test", {"sacred-council:several": "true"}, PROGRAM)


@pytest.fixture(scope="module")
def stacks() -> dict[tuple[Where, ...], Rendered]:
    """Stacks with monitoring, of one, two and three regions."""
    found: dict[tuple[Where, ...], Rendered] = {}
    for chosen in ((IOWA,), (IOWA, BELGIUM), GOOGLE):
        config = {**regions.configured(*chosen), "monitoring": {}}
        found[chosen] = render("multiregion", {f"sacred-council:{key}": value for key, value in config.items()})
    return found


def of_monitoring(before: Rendered, after: Rendered) -> set[str]:
    """What changes of the first region's monitoring."""
    return {name for name in changed(before, after, IOWA[0]) if name.startswith("monitoring-")}


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
    tls = sidecar_values()["thanos"]["grpcServerTlsConfig"]
    (mount,) = sidecar_values()["thanos"]["volumeMounts"]
    (volume,) = sidecar_values()["volumes"]
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
    assert all('"uid": "thanos"' in next(iter(r.inputs["data"].values())) for r in boards)


def test_an_alert_knows_every_other_region(several: Rendered) -> None:
    groups = several.named("here-monitoring-alerts-rules").inputs["spec"]["groups"]
    (group,) = [group for group in groups if group["name"] == "sacred-council-regions"]
    known = [rule["labels"]["peer"] for rule in group["rules"] if "record" in rule]
    assert known == ["north", "south"]


def test_metrics_have_a_door_only_where_there_is_monitoring() -> None:
    base = {"stage": "regional", "regions": [{"name": "here", "cloud": "existing"}]}
    (door,) = store_doors(parse(base))["monitoring"]
    assert (door.port, door.guarded, dict(door.pods)) == (10901, True, {"app.kubernetes.io/name": "prometheus"})
    assert "monitoring" not in store_doors(parse({**base, "monitoring": {"enabled": False}}))


def test_without_known_callers_there_is_no_door_to_metrics_and_nobody_asks_for_them() -> None:
    places = {"latitude": 50.0, "longitude": 4.0, "timeZone": "Europe/Brussels", "languages": ["nl"]}
    mine = [
        {"name": name, "cloud": "existing", "context": name, "geography": places, "slot": slot}
        for slot, name in enumerate(["one", "two"], start=200)
    ]
    settings = {
        "sacred-council:regions": mine,
        "sacred-council:database": {"founder": "one"},
        "sacred-council:messaging": {"servers": 3},
    }
    stack = render("local", settings)
    assert [r.name for r in stack.resources if "monitoring-door" in r.name or "thanos" in r.name] == []
    assert [r.name for r in stack.resources if "nats-door" in r.name and r.type.endswith(":Service")] != []


def test_a_second_region_only_adds_and_changes_what_is_told_of_it(stacks: dict[tuple[Where, ...], Rendered]) -> None:
    before, after = stacks[IOWA,], stacks[IOWA, BELGIUM]
    assert of_region(before, IOWA[0]).keys() <= of_region(after, IOWA[0]).keys()
    assert of_monitoring(before, after) == {"monitoring-alerts-rules", "monitoring-prometheus-release"}


def test_a_third_region_changes_only_what_knows_its_peers(stacks: dict[tuple[Where, ...], Rendered]) -> None:
    before, after = stacks[IOWA, BELGIUM], stacks[GOOGLE]
    assert of_region(before, IOWA[0]).keys() == of_region(after, IOWA[0]).keys()
    assert of_monitoring(before, after) == KNOWS_PEERS


def test_every_region_is_asked_in_every_region(stacks: dict[tuple[Where, ...], Rendered]) -> None:
    stack = stacks[GOOGLE]
    for name, _ in GOOGLE:
        text = stack.named(f"{name}-monitoring-thanos-query-endpoints").inputs["data"]["endpoints.yaml"]
        asked = {one["address"].partition(".")[0] for one in json.loads(text)["endpoints"]}
        others = {f"{other}-0" for other, _ in GOOGLE if other != name}
        assert asked == {"kube-prometheus-stack-thanos-discovery"} | others


def test_doors_to_metrics_exist_on_all_clouds() -> None:
    config = {**regions.configured(*MIXED), "monitoring": {}}
    stack = render("multiregion", {f"sacred-council:{key}": value for key, value in config.items()})
    for name, _ in MIXED:
        door = stack.named(f"{name}-monitoring-door-0-service").inputs["spec"]
        assert len(door["loadBalancerSourceRanges"]) >= len(MIXED) - 1
        assert [port["port"] for port in door["ports"]] == [10901]
