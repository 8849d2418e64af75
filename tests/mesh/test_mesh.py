"""The mesh: Istio's settings, the order of resources, and who may reach whom."""

import socket
from typing import Any, get_args

import pytest

from components.cluster import MeshPlatform
from components.mesh import chart_values, routing
from components.mesh.settings import MeshSettings
from components.services import NAMES
from tests.support.data_services import waits_for
from tests.support.rendering import ROOT, Rendered, render, render_program

pytestmark = pytest.mark.unit

PROGRAM = ROOT / "tests" / "programs" / "mesh.py"


@pytest.fixture(scope="module")
def mesh() -> Rendered:
    return render_program("test", {}, PROGRAM)


@pytest.fixture(scope="module")
def bare() -> Rendered:
    return render_program("test", {"mesh:bare": "true"}, PROGRAM)


def release(rendered: Rendered, name: str) -> dict[str, Any]:
    """Return the values of the release with the logical name `name`."""
    return dict(rendered.named(name).inputs["values"])


def istiod_values(**overrides: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "settings": MeshSettings(),
        "region": "here",
        "network": "net",
        "trace_collector": "collector",
        "shared_services": ["agent-network.sacred-council.svc.cluster.local"],
        "platform": None,
        "sidecars": 12,
    }
    return chart_values.istiod_values(**{**arguments, **overrides})


@pytest.mark.parametrize(("sidecars", "wanted"), [(12, "512Mi"), (300, "512Mi"), (400, "640Mi"), (2_000, "1792Mi")])
def test_istiod_has_the_memory_of_its_load_test(sidecars: int, wanted: str) -> None:
    """1.5 GB for 2,000 sidecars: https://istio.io/v1.16/docs/ops/deployment/performance-and-scalability/."""
    assert istiod_values(sidecars=sidecars)["resources"]["limits"]["memory"] == wanted
    rule = f"{chart_values.ISTIOD_BASE} MiB + {chart_values.ISTIOD_MIB_OF_A_SIDECAR:g} MiB x pods of services"
    assert rule in (ROOT / "docs" / "monitoring.md").read_text()


@pytest.mark.parametrize(("settings", "wanted"), [({}, "1152Mi"), ({"mesh": {"memory": "3Gi"}}, "3Gi")])
def test_a_region_with_more_pods_has_a_larger_istiod_unless_settings_say_its_size(
    settings: dict[str, Any], wanted: str
) -> None:
    services = {"agent-network": {"maxReplicas": 1_100}}
    overrides = {f"sacred-council:{key}": value for key, value in {"services": services, **settings}.items()}
    (istiod,) = [
        r for r in render("local", overrides).of_type("kubernetes:helm.sh/v3:Release") if r.inputs["chart"] == "istiod"
    ]
    assert istiod.inputs["values"]["resources"]["requests"]["memory"] == wanted


def test_a_lone_region_already_has_its_place_in_a_mesh_of_many(mesh: Rendered) -> None:
    values = release(mesh, "here-mesh-istiod")["global"]
    assert values["meshID"] == "sacred-council"
    assert values["multiCluster"] == {"clusterName": "here"}
    assert values["network"] == "here-network"


def test_the_control_planes_namespace_names_the_network_that_istiod_is_told(local: Rendered) -> None:
    (namespace,) = [r for r in local.objects("Namespace") if r.inputs["metadata"]["name"] == "istio-system"]
    (istiod,) = [r for r in local.of_type("kubernetes:helm.sh/v3:Release") if r.inputs["chart"] == "istiod"]
    network = istiod.inputs["values"]["global"]["network"]
    assert namespace.inputs["metadata"]["labels"]["topology.istio.io/network"] == network


def test_pods_are_injected_exactly_where_istiod_lets_proxies_in(local: Rendered) -> None:
    injected = {
        r.inputs["metadata"]["name"]
        for r in local.objects("Namespace")
        if r.inputs["metadata"]["labels"].get("istio-injection") == "enabled"
    }
    (policy,) = [r for r in local.objects("NetworkPolicy") if r.inputs["metadata"]["name"] == "istiod"]
    (xds,) = [rule for rule in policy.inputs["spec"]["ingress"] if rule["ports"][0]["port"] == chart_values.XDS_PORT]
    assert injected == {s["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for s in xds["from"]}


def test_all_istio_charts_have_one_version(mesh: Rendered) -> None:
    releases = mesh.of_type("kubernetes:helm.sh/v3:Release")
    assert {r.inputs["chart"] for r in releases} == {"base", "istiod", "cni", "gateway"}
    assert len({r.inputs["version"] for r in releases}) == 1


def test_releases_have_fixed_names_and_undo_what_fails(mesh: Rendered) -> None:
    releases = mesh.of_type("kubernetes:helm.sh/v3:Release")
    assert {r.inputs["name"] for r in releases} == {"istio-base", "istiod", "istio-cni", "istio-ingressgateway"}
    assert all(r.inputs["atomic"] and r.inputs["cleanupOnFail"] and r.inputs["timeout"] == 600 for r in releases)


def test_the_cni_plugin_is_outside_the_restricted_namespaces(mesh: Rendered) -> None:
    assert mesh.named("here-mesh-cni").inputs["namespace"] == "kube-system"
    assert release(mesh, "here-mesh-istiod")["cni"] == {"enabled": True}


PLATFORMS = ("gke", "k3d", "k3s", "microk8s", "minikube", "openshift")
"""Platforms with a profile in Istio's charts of 1.30 (manifests/helm-profiles/platform-*.yaml)."""


def test_the_platforms_are_those_that_istio_s_charts_know() -> None:
    assert get_args(MeshPlatform) == PLATFORMS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_istio_finds_a_cluster_s_directories_by_its_platform(platform: MeshPlatform) -> None:
    assert chart_values.cni_values(platform=platform)["global"]["platform"] == platform
    assert istiod_values(platform=platform)["global"]["platform"] == platform


def test_a_region_s_platform_reaches_istio_s_charts() -> None:
    stack = render("local", {"sacred-council:regions": [{"name": "local", "cloud": "existing", "platform": "k3s"}]})
    releases = {r.inputs["chart"]: r.inputs["values"] for r in stack.of_type("kubernetes:helm.sh/v3:Release")}
    assert [releases[chart]["global"]["platform"] for chart in ("istiod", "cni")] == ["k3s", "k3s"]


def test_on_a_plain_kubelet_the_charts_defaults_are_right() -> None:
    assert "platform" not in chart_values.cni_values(platform=None)["global"]
    assert "platform" not in istiod_values()["global"]
    assert "cni" not in chart_values.cni_values(platform=None)


def test_on_gke_the_directory_does_not_hang_on_what_the_cluster_calls_its_version() -> None:
    """The chart's profile `gke` sets `cni.cniBinDir` to "", which overrides `cniBinDir` of the first level."""
    assert chart_values.cni_values(platform="gke")["cni"] == {"cniBinDir": "/home/kubernetes/bin"}


def is_cluster_local(host: str, settings: list[dict[str, Any]]) -> bool:
    """Decide as Istio does (pilot/pkg/model/cluster_local.go): by the exact host, else by the longest wildcard."""
    said = {name: each["settings"]["clusterLocal"] for each in settings for name in each["hosts"]}
    wildcards = [name for name in said if name.startswith("*") and host.endswith(name[1:])]
    best = host if host in said else max(wildcards, key=len, default=None)
    return False if best is None else bool(said[best])


def test_regions_share_the_four_services_and_no_data_service(local: Rendered) -> None:
    (istiod,) = [r for r in local.of_type("kubernetes:helm.sh/v3:Release") if r.inputs["chart"] == "istiod"]
    settings = istiod.inputs["values"]["meshConfig"]["serviceSettings"]
    services = [r.inputs["metadata"] for r in local.objects("Service")]
    hosts = {f"{each['name']}.{each['namespace']}.svc.cluster.local" for each in services}
    # Services of charts: the public gateway, the control plane and the collector of traces.
    hosts |= {f"{name}.svc.cluster.local" for name in ("istio-ingressgateway.istio-ingress", "istiod.istio-system")}
    hosts |= {istiod.inputs["values"]["meshConfig"]["extensionProviders"][0]["opentelemetry"]["service"]}
    shared = {host for host in hosts if not is_cluster_local(host, settings)}
    assert shared == {f"{name}.sacred-council.svc.cluster.local" for name in NAMES}
    assert len(hosts) > 10


def test_no_connection_is_silent_for_so_long_that_a_cloud_forgets_it() -> None:
    """Azure's load balancers and NATs forget after 4 minutes, AWS's after 350 seconds."""
    seconds = 240
    pool = routing.destination_rule("agent-network", "sacred-council")["trafficPolicy"]["connectionPool"]
    every_connection = istiod_values()["meshConfig"]["tcpKeepalive"]
    assert pool["tcp"]["tcpKeepalive"] == every_connection
    assert int(every_connection["time"].removesuffix("s")) <= 60
    assert int(pool["http"]["idleTimeout"].removesuffix("s")) < seconds


def test_the_gateway_keeps_connections_of_cdns_and_users_known_to_its_load_balancer(mesh: Rendered) -> None:
    spec = mesh.named("here-gateway-keepalive").inputs["spec"]
    assert spec["workloadSelector"]["labels"] == {"istio": "ingressgateway"}
    (patch,) = spec["configPatches"]
    options = {(each["level"], each["name"]): each["int_value"] for each in patch["patch"]["value"]["socket_options"]}
    assert options[socket.SOL_SOCKET, socket.SO_KEEPALIVE] == 1
    assert options[socket.IPPROTO_TCP, socket.TCP_KEEPIDLE] <= 60
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) in options
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPCNT) in options


def test_the_regions_authority_signs_for_the_mesh(mesh: Rendered) -> None:
    secret = mesh.named("here-mesh-cacerts")
    assert secret.inputs["metadata"]["name"] == "cacerts"
    assert secret.inputs["metadata"]["namespace"] == "istio-system"
    assert secret.inputs["stringData"] == {
        "ca-cert.pem": "certificate of authority-of-here-certificate\n",
        "ca-key.pem": "key of authority-of-here-key\n",
        "root-cert.pem": "certificate of root-of-here-certificate\n",
        "cert-chain.pem": "certificate of authority-of-here-certificate\ncertificate of root-of-here-certificate\n",
    }
    assert secret.secret_paths


def test_istiod_starts_with_the_regions_authority_and_network_policies(mesh: Rendered) -> None:
    assert {"here-mesh-base", "here-mesh-cacerts", "here-mesh-policy"} <= waits_for(
        mesh, mesh.named("here-mesh-istiod")
    )


@pytest.mark.parametrize("group", ["networking.istio.io", "security.istio.io", "telemetry.istio.io"])
def test_custom_resources_come_after_their_definitions_and_so_go_before_them(mesh: Rendered, group: str) -> None:
    found = [r for r in mesh.objects() if r.inputs["apiVersion"].startswith(group)]
    assert found
    assert all({"here-mesh-base", "here-mesh-istiod"} <= waits_for(mesh, r) for r in found)


def test_the_gateway_waits_for_the_injector_and_its_network(mesh: Rendered) -> None:
    waits = waits_for(mesh, mesh.named("here-gateway-release"))
    assert {"here-mesh-istiod", "here-mesh-cni", "here-gateway-policy"} <= waits


@pytest.mark.parametrize(
    ("switch", "environment", "curves", "edge_version"),
    [
        ("off", {}, None, "TLSV1_2"),
        ("prefer", {}, ["X25519MLKEM768", "X25519", "P-256"], "TLSV1_2"),
        ("strict", {"COMPLIANCE_POLICY": "pqc"}, None, "TLSV1_3"),
    ],
)
def test_the_post_quantum_switch(
    switch: str, environment: dict[str, str], curves: list[str] | None, edge_version: str
) -> None:
    rendered = render_program("test", {"mesh:postQuantum": switch}, PROGRAM)
    values = release(rendered, "here-mesh-istiod")
    assert values["env"] == {"PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS": "false", **environment}
    assert values["meshConfig"].get("tlsDefaults", {}).get("ecdhCurves") == curves
    assert "ecdhCurves" not in values["meshConfig"]["meshMTLS"]
    https = rendered.named("here-gateway-gateway").inputs["spec"]["servers"][1]
    assert https["tls"]["minProtocolVersion"] == edge_version


def test_only_mutual_tls_is_spoken_in_the_mesh(mesh: Rendered) -> None:
    policy = mesh.named("here-mesh-mutual-tls").inputs
    assert policy["metadata"]["namespace"] == "istio-system"
    assert policy["metadata"]["name"] == "default"
    assert policy["spec"] == {"mtls": {"mode": "STRICT"}}


def test_plain_text_is_taken_on_the_metrics_port_alone(mesh: Rendered) -> None:
    policy = mesh.named("here-routing-peerauthentication-plain-metrics").inputs["spec"]
    assert policy["mtls"] == {"mode": "STRICT"}
    assert policy["portLevelMtls"] == {"9797": {"mode": "PERMISSIVE"}}


def test_nobody_may_call_the_services_but_the_gateway_and_the_services(mesh: Rendered) -> None:
    policies = {r.inputs["metadata"]["name"]: r.inputs["spec"] for r in mesh.objects("AuthorizationPolicy")}
    assert policies["default-deny"] == {}
    (rule,) = policies["allow-callers"]["rules"]
    assert rule["from"] == [
        {"source": {"principals": ["sacred-council.love/ns/istio-ingress/sa/istio-ingressgateway"]}},
        {"source": {"namespaces": ["sacred-council"]}},
    ]
    assert rule["to"] == [{"operation": {"ports": ["9898"]}}]
    (metrics,) = policies["allow-metrics"]["rules"]
    assert metrics == {"to": [{"operation": {"ports": ["9797"], "methods": ["GET"], "paths": ["/metrics"]}}]}


def test_plain_http_is_only_sent_to_https(mesh: Rendered) -> None:
    plain, secure = mesh.named("here-gateway-gateway").inputs["spec"]["servers"]
    assert plain["port"]["number"] == 80
    assert plain["tls"] == {"httpsRedirect": True}
    assert secure["tls"]["credentialName"] == "gateway-certificate"
    assert mesh.named("here-gateway-certificate-secret").inputs["metadata"]["namespace"] == "istio-ingress"


def test_every_service_has_its_path_and_sees_none_of_it(mesh: Rendered) -> None:
    spec = mesh.named("here-routing-virtualservice-services").inputs["spec"]
    assert spec["gateways"] == ["istio-ingress/sacred-council"]
    route = spec["http"][0]
    assert route["match"] == [{"uri": {"exact": "/agent-network"}}, {"uri": {"prefix": "/agent-network/"}}]
    assert route["rewrite"] == {"uri": "/"}
    host = "agent-network.sacred-council.svc.cluster.local"
    assert route["route"] == [{"destination": {"host": host, "port": {"number": 9898}}}]


def test_no_path_of_one_service_leads_to_another() -> None:
    spec = routing.virtual_service(
        domain="d", gateway="g", namespace="n", services={"agent": 1, "agent-network": 2, "agents": 3}
    )
    prefixes = {route["name"]: route["match"][1]["uri"]["prefix"] for route in spec["http"]}
    assert not any(
        f"/{name}/".startswith(prefix) for name in prefixes for other, prefix in prefixes.items() if other != name
    )


def test_the_order_of_the_services_changes_nothing() -> None:
    one = routing.virtual_service(domain="d", gateway="g", namespace="n", services={"a": 1, "b": 2})
    other = routing.virtual_service(domain="d", gateway="g", namespace="n", services={"b": 2, "a": 1})
    assert one == other


def test_nothing_that_a_service_has_seen_is_sent_again() -> None:
    (route,) = routing.virtual_service(domain="d", gateway="g", namespace="n", services={"a": 1})["http"]
    seen = {"5xx", "gateway-error", "reset", "retriable-4xx", "retriable-status-codes", "unavailable"}
    assert not seen & set(route["retries"]["retryOn"].split(","))


def test_the_first_attempt_may_take_as_long_as_the_request() -> None:
    (route,) = routing.virtual_service(domain="d", gateway="g", namespace="n", services={"a": 1})["http"]
    assert route["timeout"] == "15s"
    assert "perTryTimeout" not in route["retries"]


def test_a_circle_keeps_its_pod_in_all_zones_and_a_whole_region_can_be_ejected() -> None:
    policy = routing.destination_rule("agent-network", "sacred-council")["trafficPolicy"]
    assert policy["loadBalancer"] == {
        "consistentHash": {"httpHeaderName": "x-sacred-circle", "maglev": {"tableSize": 5003}},
        "localityLbSetting": {"enabled": False},
    }
    assert policy["outlierDetection"]["maxEjectionPercent"] == 100


def test_a_table_of_places_has_a_size_that_envoy_takes() -> None:
    """A prime: https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#maglevlbconfig."""
    policy = routing.destination_rule("agent-network", "sacred-council")["trafficPolicy"]
    size = policy["loadBalancer"]["consistentHash"]["maglev"]["tableSize"]
    assert all(size % factor for factor in range(2, size))


def test_the_gateways_pods_are_in_their_region_and_in_no_zone(mesh: Rendered) -> None:
    # Istio reads this label before those of the node, as region/zone/subzone (LocalityLabel in its pkg/model/proxy.go).
    assert release(mesh, "here-gateway-release")["labels"]["istio-locality"] == "here"


def test_the_gateways_pods_pass_the_restricted_standard(mesh: Rendered) -> None:
    context = release(mesh, "here-gateway-release")["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "sysctls" not in context


def test_the_gateway_binds_no_privileged_port(mesh: Rendered) -> None:
    ports = {p["port"]: p["targetPort"] for p in release(mesh, "here-gateway-release")["service"]["ports"]}
    assert ports == {15021: 15021, 80: 8080, 443: 8443}


def test_budgets_never_stop_the_drain_of_a_node() -> None:
    single, double = MeshSettings(), MeshSettings(replicas=2)
    assert istiod_values(settings=single)["global"]["defaultPodDisruptionBudget"] == {"enabled": False}
    assert istiod_values(settings=double)["global"]["defaultPodDisruptionBudget"] == {"enabled": True}
    one = chart_values.gateway_values(single, region="here", service_type="ClusterIP", annotations={})
    two = chart_values.gateway_values(double, region="here", service_type="ClusterIP", annotations={})
    assert one["podDisruptionBudget"] == {}
    assert two["podDisruptionBudget"] == {"maxUnavailable": 1}


@pytest.mark.parametrize(
    ("values", "pods"),
    [
        (istiod_values(), {"app": "istiod"}),
        (
            chart_values.gateway_values(
                MeshSettings(replicas=2), region="here", service_type="ClusterIP", annotations={}
            ),
            {"istio": "ingressgateway"},
        ),
    ],
)
def test_replicas_are_spread_over_zones_and_nodes(values: dict[str, Any], pods: dict[str, str]) -> None:
    spread = values["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert all(one["labelSelector"] == {"matchLabels": pods} for one in spread)


def test_traces_go_to_the_collector_in_the_configured_share(mesh: Rendered) -> None:
    telemetry = mesh.named("here-mesh-tracing").inputs["spec"]["tracing"][0]
    providers = release(mesh, "here-mesh-istiod")["meshConfig"]["extensionProviders"]
    assert [p["name"] for p in telemetry["providers"]] == [p["name"] for p in providers]
    assert telemetry["randomSamplingPercentage"] == 25
    assert providers[0]["opentelemetry"] == {
        "service": "opentelemetry-collector.monitoring.svc.cluster.local",
        "port": 4317,
    }


def test_the_mesh_works_without_monitoring(bare: Rendered) -> None:
    kinds = {r.inputs["kind"] for r in bare.objects()}
    assert not kinds & {"ServiceMonitor", "PodMonitor", "Telemetry"}
    assert release(bare, "here-mesh-istiod")["meshConfig"]["extensionProviders"] == []


def test_proxies_and_istiod_are_scraped(mesh: Rendered) -> None:
    assert {r.inputs["metadata"]["namespace"] for r in mesh.objects("PodMonitor")} == {
        "istio-ingress",
        "sacred-council",
    }
    assert mesh.named("here-mesh-monitor").inputs["spec"]["endpoints"][0]["port"] == "http-monitoring"


def test_istiod_takes_proxies_only_from_injected_namespaces(mesh: Rendered) -> None:
    rules = mesh.named("here-mesh-policy").inputs["spec"]["ingress"]
    (xds,) = [rule for rule in rules if rule["ports"][0]["port"] == 15012]
    namespaces = {s["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for s in xds["from"]}
    assert namespaces == {"sacred-council", "istio-ingress"}


def test_the_gateway_reaches_only_istiod_traces_and_its_services(mesh: Rendered) -> None:
    rules = mesh.named("here-gateway-policy").inputs["spec"]["egress"]
    assert sorted(port["port"] for rule in rules for port in rule["ports"]) == [4317, 9898, 15012]
    assert all(rule["to"] for rule in rules)
