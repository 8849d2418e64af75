"""Several regions in one mesh: what each receives about the others, and what changes with their number."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from components.account_token import Login
from components.mesh import LanguageRoute, MeshPeers, chart_values, remote_secrets
from components.mesh.peers import subset_names
from components.mesh.settings import MeshSettings
from tests.support.rendering import ROOT, Rendered, Resource, render_program

pytestmark = pytest.mark.unit

PROGRAM = ROOT / "tests" / "programs" / "mesh_peers.py"
THREE = ("us-central1", "europe-west1", "asia-east1")
FIVE = (*THREE, "us-east-1", "westeurope")
EUROPE = "europe-west1"
LISTS_PEERS = {"remote-regions-secret", "east-west-release", "routing-virtualservice-services"}
KNOWS_PEERS_ROUTES = {
    f"routing-{rule}-{service}"
    for rule in ("destinationrule", "gateways")
    for service in ("agent-network", "sacred-messaging")
}


@cache
def rendered(*regions: str, hidden: tuple[str, ...] = (), closed: tuple[str, ...] = ()) -> Rendered:
    config = {"regions": list(regions), "hidden": list(hidden), "closed": list(closed)}
    return render_program("test", {f"mesh:{key}": value for key, value in config.items()}, PROGRAM)


def of_region(mesh: Rendered, region: str) -> dict[str, Resource]:
    """Return the region's resources, by name without the region's prefix."""
    mine = [r for r in mesh.resources if r.name.startswith(f"{region}-")]
    return {r.name.removeprefix(f"{region}-"): r for r in mine}


def kubeconfigs(mesh: Rendered, region: str) -> dict[str, Any]:
    """Return the kubeconfigs in the Secret for the region's control plane, by region."""
    data = mesh.named(f"{region}-remote-regions-secret").inputs["data"]
    return {name: json.loads(base64.b64decode(value)) for name, value in data.items()}


def spec(mesh: Rendered, name: str) -> dict[str, Any]:
    return dict(mesh.named(name).inputs["spec"])


def test_a_lone_region_has_nothing_of_other_regions() -> None:
    assert {name.partition("-")[0] for name in of_region(rendered(EUROPE), EUROPE)} == {"routing", "kubernetes"}
    rule = spec(rendered(EUROPE), f"{EUROPE}-routing-destinationrule-agent-network")
    assert "subsets" not in rule
    assert rule["trafficPolicy"]["loadBalancer"]["localityLbSetting"] == {"enabled": False}
    assert all(subset.keys() == {"name"} for subset in gateway_rules(rendered(EUROPE), EUROPE)["subsets"])


@pytest.mark.parametrize("region", THREE)
def test_more_regions_change_only_what_lists_them(region: str) -> None:
    three, five = of_region(rendered(*THREE), region), of_region(rendered(*FIVE), region)
    assert three.keys() == five.keys()
    changed = {name for name in three if three[name].inputs != five[name].inputs}
    assert changed == LISTS_PEERS | KNOWS_PEERS_ROUTES


@pytest.mark.parametrize("region", THREE)
def test_the_second_region_only_adds_to_the_first(region: str) -> None:
    alone, three = of_region(rendered(region), region), of_region(rendered(*THREE), region)
    assert alone.keys() < three.keys()
    changed = {name for name in alone if alone[name].inputs != three[name].inputs}
    assert changed <= LISTS_PEERS | KNOWS_PEERS_ROUTES


@pytest.mark.parametrize("regions", [THREE, FIVE])
def test_every_region_has_as_many_resources_however_many_there_are(regions: tuple[str, ...]) -> None:
    counts = {len(of_region(rendered(*regions), region)) for region in regions}
    assert counts == {len(of_region(rendered(*THREE), EUROPE))}


def test_the_order_of_the_regions_changes_nothing() -> None:
    one, other = rendered(*FIVE), rendered(*reversed(FIVE))
    assert {r.urn: r.inputs for r in one.resources} == {r.urn: r.inputs for r in other.resources}


def test_of_another_region_only_its_remote_secret_access_is_waited_for() -> None:
    mesh = rendered(*THREE)
    names = {r.urn: r.name for r in mesh.resources}
    foreign = {
        (r.name, names[urn])
        for region in THREE
        for r in of_region(mesh, region).values()
        for urn in r.dependencies
        if not names[urn].startswith(region)
    }
    tokens = {(f"{a}-remote-regions-secret", f"{b}-remote-secret-access-token") for a in THREE for b in THREE if a != b}
    assert foreign == tokens


def test_one_secret_holds_the_kubeconfigs_of_all_others_by_the_names_of_their_clusters() -> None:
    secret = rendered(*FIVE).named(f"{EUROPE}-remote-regions-secret")
    assert secret.inputs["metadata"]["namespace"] == "istio-system"
    assert secret.inputs["metadata"]["labels"]["istio/multiCluster"] == "true"
    assert set(secret.inputs["data"]) == set(FIVE) - {EUROPE}
    assert any(path.startswith("data") for path in secret.secret_paths)


def test_a_kubeconfig_has_the_readers_token_and_nothing_that_istio_refuses() -> None:
    config = kubeconfigs(rendered(*THREE), EUROPE)["asia-east1"]
    (user,) = config["users"]
    assert user == {"name": "asia-east1", "user": {"token": "token of asia-east1-remote-secret-access-token"}}
    (cluster,) = config["clusters"]
    assert cluster["cluster"]["server"] == "https://asia-east1.example.org"
    authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"])
    assert authority == b"ca.crt of asia-east1-remote-secret-access-token"
    assert config["current-context"] == config["contexts"][0]["name"]


def test_the_clusters_own_authority_goes_before_the_pods() -> None:
    login = Login(certificate_authority="Q0E=", token="t")
    config = remote_secrets.remote_kubeconfig(region="r", endpoint="https://api", login=login)
    (cluster,) = json.loads(config)["clusters"]
    assert cluster["cluster"] == {"server": "https://api", "certificate-authority-data": "Q0E="}


def test_a_region_whose_api_nobody_knows_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    assert set(kubeconfigs(rendered(*THREE, hidden=("asia-east1",)), EUROPE)) == {"us-central1"}
    told = [message for message in caplog.messages if message.startswith("region europe-west1: ")]
    assert len(told) == 1
    assert "its mesh sends no requests to asia-east1, because the address of the Kubernetes API" in told[0]


def test_a_secret_without_any_region_has_no_map_that_the_server_would_drop() -> None:
    secret = rendered(*THREE, hidden=THREE).named(f"{EUROPE}-remote-regions-secret")
    assert "data" not in secret.inputs


def test_the_remote_secret_access_may_only_read() -> None:
    role = rendered(*THREE).named(f"{EUROPE}-remote-secret-access-role").inputs
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert {"endpointslices", "services", "pods", "nodes", "secrets"} <= {
        resource for rule in role["rules"] for resource in rule["resources"]
    }
    assert not any(group == "*" for rule in role["rules"] for group in rule["apiGroups"])
    binding = rendered(*THREE).named(f"{EUROPE}-remote-secret-access-binding").inputs
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    (subject,) = binding["subjects"]
    assert (
        subject["name"] == rendered(*THREE).named(f"{EUROPE}-remote-secret-access-account").inputs["metadata"]["name"]
    )


def test_the_token_belongs_to_the_remote_secret_access() -> None:
    token = rendered(*THREE).named(f"{EUROPE}-remote-secret-access-token").inputs
    assert token["type"] == "kubernetes.io/service-account-token"
    assert token["metadata"]["annotations"]["kubernetes.io/service-account.name"] == "remote-secret-access"


def test_the_gateway_between_networks_belongs_to_the_regions_network() -> None:
    release = rendered(*THREE).named(f"{EUROPE}-east-west-release").inputs
    # istiod takes a Service with this label for the network's gateway, on port 15443.
    # Its pods are in their region and in no zone, see LOCALITY_LABEL.
    assert release["values"]["labels"] == {"topology.istio.io/network": EUROPE, "istio-locality": EUROPE}
    assert release["values"]["env"] == {"ISTIO_META_REQUESTED_NETWORK_VIEW": EUROPE}
    assert release["values"]["service"]["type"] == "LoadBalancer"
    assert release["values"]["service"]["annotations"] == {"example.org/load-balancer": "public"}


def test_the_gateway_between_networks_has_no_port_that_nothing_listens_on() -> None:
    """The chart's `networkGateway` would add 15012 and 15017, which are for control planes of other clusters."""
    values = rendered(*THREE).named(f"{EUROPE}-east-west-release").inputs["values"]
    assert "networkGateway" not in values
    assert {port["port"]: port["targetPort"] for port in values["service"]["ports"]} == {15021: 15021, 15443: 15443}


def test_only_the_other_regions_addresses_may_connect() -> None:
    ranges = rendered(*THREE).named(f"{EUROPE}-east-west-release").inputs["values"]["service"]
    # Slots 3 and 1: asia-east1, us-central1.
    assert ranges["loadBalancerSourceRanges"] == [
        "203.0.113.3/32",
        "198.51.100.3/32",
        "203.0.113.1/32",
        "198.51.100.1/32",
    ]


def test_what_crosses_is_mutual_tls_that_the_gateway_cannot_read() -> None:
    (server,) = spec(rendered(*THREE), f"{EUROPE}-east-west-gateway")["servers"]
    assert server["port"] == {"number": 15443, "name": "tls", "protocol": "TLS"}
    assert server["tls"] == {"mode": "AUTO_PASSTHROUGH"}
    assert server["hosts"] == ["*.sacred-council.svc.cluster.local"]


def test_callers_may_leave_for_the_east_west_port_alone() -> None:
    policy = spec(rendered(*THREE), f"{EUROPE}-east-west-services-callers")
    labels = {"app.kubernetes.io/part-of": "sacred-council", "app.kubernetes.io/component": "service"}
    assert policy["podSelector"] == {"matchLabels": labels}
    assert policy["policyTypes"] == ["Egress"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [15443]


def test_the_gateway_between_networks_reaches_only_istiod_and_the_services() -> None:
    policy = spec(rendered(*THREE), f"{EUROPE}-east-west-policy")
    assert sorted(port["port"] for rule in policy["egress"] for port in rule["ports"]) == [9898, 15012]
    assert all(rule["to"] for rule in policy["egress"])
    anyone = [rule for rule in policy["ingress"] if "from" not in rule]
    assert [port["port"] for rule in anyone for port in rule["ports"]] == [15443, 15021]


def rules(mesh: Rendered, region: str) -> dict[str, Any]:
    return spec(mesh, f"{region}-routing-destinationrule-agent-network")


def gateway_rules(mesh: Rendered, region: str) -> dict[str, Any]:
    """Return what only the gateways of a region take."""
    return spec(mesh, f"{region}-routing-gateways-agent-network")


def preferred(mesh: Rendered, region: str) -> dict[str, str]:
    """Return the cluster that each subset prefers, by the subset's name."""
    found = {}
    for subset in gateway_rules(mesh, region)["subsets"]:
        if "trafficPolicy" in subset:
            (label,) = subset["trafficPolicy"]["loadBalancer"]["localityLbSetting"]["failoverPriority"]
            found[subset["name"]] = label.removeprefix("topology.istio.io/cluster=")
    return found


@pytest.mark.parametrize(
    ("region", "nearest"),
    [("europe-west1", "westeurope"), ("us-central1", "us-east-1"), ("asia-east1", "westeurope")],
)
def test_requests_fail_over_to_the_nearest_region(region: str, nearest: str) -> None:
    policy = rules(rendered(*FIVE), region)["trafficPolicy"]
    assert policy["loadBalancer"]["localityLbSetting"]["failover"] == [{"from": region, "to": nearest}]
    assert policy["outlierDetection"]["maxEjectionPercent"] == 100


def test_requests_fail_over_to_the_nearest_region_in_reach() -> None:
    policy = rules(rendered(*FIVE, hidden=("westeurope",)), EUROPE)["trafficPolicy"]
    assert policy["loadBalancer"]["localityLbSetting"]["failover"] == [{"from": EUROPE, "to": "us-east-1"}]
    alone = rules(rendered(*THREE, hidden=THREE), EUROPE)["trafficPolicy"]
    assert alone["loadBalancer"]["localityLbSetting"] == {"enabled": True, "failover": []}


def test_a_language_does_not_go_where_the_region_s_endpoints_are_unknown() -> None:
    mesh = rendered(*THREE, hidden=("asia-east1",))
    names = {route["name"] for route in spec(mesh, f"{EUROPE}-routing-virtualservice-services")["http"]}
    assert {name for name in names if name.startswith("agent-network-")} == {
        "agent-network-exact-us-central1",
        "agent-network-prefix-us-central1",
    }
    from_there = {route["name"] for route in spec(mesh, "asia-east1-routing-virtualservice-services")["http"]}
    assert "agent-network-prefix-us-central1" in from_there


def test_a_region_without_traffic_gets_no_request_and_may_send_some() -> None:
    mesh = rendered(*FIVE, closed=("westeurope",))
    for region in set(FIVE) - {"westeurope"}:
        assert "westeurope" not in kubeconfigs(mesh, region)
        assert rules(mesh, region)["trafficPolicy"]["loadBalancer"]["localityLbSetting"]["failover"][0]["to"] in FIVE
        routes = json.dumps(spec(mesh, f"{region}-routing-virtualservice-services"))
        assert "westeurope" not in routes
    setting = rules(mesh, EUROPE)["trafficPolicy"]["loadBalancer"]["localityLbSetting"]
    assert setting["failover"] == [{"from": EUROPE, "to": "us-east-1"}]
    assert set(kubeconfigs(mesh, "westeurope")) == set(FIVE) - {"westeurope"}


def test_nobody_is_told_that_a_region_without_traffic_is_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    rendered(*THREE, closed=("europe-west1",))
    assert [message for message in caplog.messages if "sends no requests" in message] == []


@pytest.mark.parametrize(("regions", "closed"), [(THREE, ()), (FIVE, ()), (FIVE, ("westeurope",))])
def test_no_route_names_a_subset_that_was_not_there_before_its_region(
    regions: tuple[str, ...], closed: tuple[str, ...]
) -> None:
    """A subset that comes with its route is missing for a moment: in the proxy, or in a gateway of another region."""
    grown = rendered(*regions, closed=closed)
    known = {subset["name"] for subset in gateway_rules(rendered(EUROPE), EUROPE)["subsets"]}
    for region in THREE:
        assert {subset["name"] for subset in gateway_rules(grown, region)["subsets"]} == known
        routes = spec(grown, f"{region}-routing-virtualservice-services")["http"]
        named = {route["route"][0]["destination"].get("subset") for route in routes} - {None}
        assert named <= known


def test_a_region_is_opened_by_updates_of_what_lists_it_alone() -> None:
    closed, opened = rendered(*FIVE, closed=("westeurope",)), rendered(*FIVE)
    assert {r.urn for r in closed.resources} == {r.urn for r in opened.resources}
    for region in FIVE:
        before, after = of_region(closed, region), of_region(opened, region)
        changed = {name for name in before if before[name].inputs != after[name].inputs}
        assert changed <= (LISTS_PEERS - {"east-west-release"}) | KNOWS_PEERS_ROUTES


def test_every_locality_setting_has_exactly_one_way_and_keeps_a_circles_affinity() -> None:
    policies = [rules(rendered(*FIVE), EUROPE)["trafficPolicy"], *policies_of_subsets(rendered(*FIVE), EUROPE)]
    assert len(policies) == len(FIVE)
    for policy in policies:
        balancer = policy["loadBalancer"]
        assert len(balancer["localityLbSetting"].keys() & {"distribute", "failover", "failoverPriority"}) == 1
        assert balancer["consistentHash"] == {"httpHeaderName": "x-sacred-circle", "maglev": {"tableSize": 5003}}


def policies_of_subsets(mesh: Rendered, region: str) -> list[dict[str, Any]]:
    found = gateway_rules(mesh, region)["subsets"]
    return [subset["trafficPolicy"] for subset in found if "trafficPolicy" in subset]


def test_gateways_take_their_own_rule_and_pods_of_services_have_no_subsets() -> None:
    """Istio looks into the proxy's namespace first. Each subset costs a proxy memory."""
    mesh = rendered(*FIVE)
    of_gateways = mesh.named(f"{EUROPE}-routing-gateways-agent-network").inputs
    assert of_gateways["metadata"]["namespace"] == "istio-ingress"
    assert of_gateways["spec"]["exportTo"] == ["."]
    assert of_gateways["spec"]["host"] == "agent-network.sacred-council.svc.cluster.local"
    assert of_gateways["spec"]["trafficPolicy"] == rules(mesh, EUROPE)["trafficPolicy"]
    assert "subsets" not in rules(mesh, EUROPE)


def test_a_subset_prefers_its_region_and_has_all_others_left_when_that_is_down() -> None:
    mesh = rendered(*FIVE)
    assert sorted(preferred(mesh, EUROPE).values()) == sorted(set(FIVE) - {EUROPE})
    assert all("labels" not in subset for subset in gateway_rules(mesh, EUROPE)["subsets"])


def test_a_region_keeps_its_subset_while_others_come() -> None:
    three, five = preferred(rendered(*THREE), EUROPE), preferred(rendered(*FIVE), EUROPE)
    assert three.items() < five.items()


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ({"a": 1, "b": 64, "c": 31}, {"a": "region-1", "b": "region-0", "c": "region-15"}),
        ({"a": 33, "b": 1}, {"b": "region-1", "a": "region-2"}),
        ({"a": 15, "b": 31, "c": 16}, {"a": "region-15", "c": "region-0", "b": "region-1"}),
        (
            {str(n): n for n in range(100, 118)},
            {str(n): f"region-{n % 16}" for n in range(100, 116)} | {"116": "region-16", "117": "region-17"},
        ),
    ],
)
def test_regions_with_the_same_remainder_take_the_next_free_subset(
    numbers: dict[str, int], names: dict[str, str]
) -> None:
    assert subset_names(numbers) == names


@pytest.mark.parametrize("regions", [1, 16, 17, 64, 200])
def test_no_two_regions_share_a_subset(regions: int) -> None:
    names = subset_names({f"region{number}": 7 * number % 256 for number in range(regions)})
    assert len(set(names.values())) == regions


def test_a_subset_leaves_out_a_region_after_one_request_without_an_answer() -> None:
    """Whoever tries again then gets an answer from another region."""
    policies = policies_of_subsets(rendered(*FIVE), EUROPE)
    assert {policy["outlierDetection"]["consecutiveLocalOriginFailures"] for policy in policies} == {1}
    # One slow request must not take a pod's circles away.
    rule = rules(rendered(*FIVE), EUROPE)
    assert rule["trafficPolicy"]["outlierDetection"]["consecutiveLocalOriginFailures"] == 2


def test_a_language_goes_to_the_region_that_serves_it_and_all_else_stays() -> None:
    mesh = rendered(*THREE)
    routes = spec(mesh, f"{EUROPE}-routing-virtualservice-services")["http"]
    mine = [route for route in routes if route["name"].startswith("agent-network")]
    *languages, plain = mine
    assert [route["name"] for route in languages] == [
        "agent-network-exact-asia-east1",
        "agent-network-exact-us-central1",
        "agent-network-prefix-asia-east1",
        "agent-network-prefix-us-central1",
    ]
    for route in languages:
        assert preferred(mesh, EUROPE)[route["route"][0]["destination"]["subset"]] == route["name"].split("-", 3)[3]
        assert all(match["headers"].keys() == {"x-sacred-language"} for match in route["match"])
        assert {key: route[key] for key in ("rewrite", "timeout", "retries")} == {
            key: plain[key] for key in ("rewrite", "timeout", "retries")
        }
    assert "subset" not in plain["route"][0]["destination"]
    assert all("headers" not in match for match in plain["match"])


def mesh_peers(failover: Sequence[str], languages: Sequence[str] = ()) -> MeshPeers:
    routes = tuple(LanguageRoute(region=region, match="exact", tags=("en",)) for region in languages)
    numbers = {region: number for number, region in enumerate(("here", *failover))}
    return MeshPeers(region="here", failover=tuple(failover), numbers=numbers, languages=routes)


@pytest.mark.parametrize("failover", [(), ("there", "here")])
def test_mesh_peers_are_of_others(failover: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="failover: expected the regions other than here, nearest first"):
        mesh_peers(failover)


def test_every_region_of_the_mesh_has_a_number() -> None:
    with pytest.raises(ValueError, match="numbers: expected those of here, there, got here"):
        replace(mesh_peers(["there"]), numbers={"here": 1})


def test_a_language_is_not_sent_where_nobody_is() -> None:
    with pytest.raises(ValueError, match="languages: nowhere is not one of the regions in reach"):
        mesh_peers(["there"], ["nowhere"])
    with pytest.raises(ValueError, match="languages: there is not one of the regions in reach"):
        replace(mesh_peers(["there"], ["there"]), unreachable=frozenset({"there"}))


def test_a_control_plane_is_told_of_others_only() -> None:
    with pytest.raises(ValueError, match="kubeconfigs: expected those of the regions other than here"):
        remote_secrets.known_regions("here", {"here": "{}"})


def test_a_gateway_between_networks_that_lets_in_anyone_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed_sources: expected addresses, got none; anyone could connect"):
        chart_values.east_west_values(
            MeshSettings(),
            region="here",
            network="net",
            service_type="LoadBalancer",
            annotations={},
            allowed_sources=[],
        )
