"""The chart alone: Helm accepts it, its schema refuses bad values, and it renders the objects that services need."""

from typing import Any, get_args

import pytest

from components import connection
from components.services import NAMES
from components.versions import KUBERNETES_VERSION
from tests.platform.test_objects import kubeconform
from tests.support.binaries import run
from tests.support.kube_score import critical_findings
from tests.support.manifests import CHART, Manifest, helm, of_kind, pod_templates, template
from tests.support.pod_standard import violations

pytestmark = pytest.mark.conformance

KINDS = ["Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"]
KUBERNETES = f"v{KUBERNETES_VERSION}"
NIGHT = {"name": "night", "cron": "0 23 * * *", "timeZone": "Asia/Tokyo", "min": 2}

# Values that the schema refuses, and Helm's message about them.
BAD: list[tuple[dict[str, Any], str]] = [
    ({"replicas": 3}, "additional properties 'replicas' not allowed"),
    ({"region": ""}, "'/region': '' does not match pattern"),
    ({"imagePullSecrets": ["My_Registry"]}, "'/imagePullSecrets/0': 'My_Registry' does not match pattern"),
    ({"user": 0}, "'/user': minimum: got 0, want 1"),
    ({"services": {"Agent_Network": {}}}, "'Agent_Network' does not match pattern"),
    ({"services": {"agent-network": {"replica": 3}}}, "additional properties 'replica' not allowed"),
    (
        {"services": {"agent-network": {"replicas": {"min": 11}}}},
        "services.agent-network.replicas: min 11 is greater than max 10; raise max or lower min",
    ),
    (
        {"services": {"agent-network": {"replicas": {"shifts": [{**NIGHT, "min": 11}]}}}},
        "services.agent-network.replicas.shifts: min 11 of night is greater than max 10; raise max or lower min",
    ),
    (
        {"services": {"agent-network": {"replicas": {"shifts": [{**NIGHT, "name": "n" * 40}]}}}},
        "is longer than the 52 characters that a CronJob can have; shorten the shift's name",
    ),
    (
        {"services": {"agent-network": {"replicas": {"shifts": [{**NIGHT, "cron": "daily"}]}}}},
        "'/services/agent-network/replicas/shifts/0/cron': 'daily' does not match pattern",
    ),
    (
        {"services": {"agent-network": {"replicas": {"shifts": [{"name": "day", "cron": "0 7 * * *", "min": 2}]}}}},
        "'/services/agent-network/replicas/shifts/0': missing property 'timeZone'",
    ),
    (
        {"services": {"agent-network": {"shutdown": {"drain": 40}}}},
        "services.agent-network.shutdown: drain 40 leaves nothing of grace 40 for the service to end; raise grace",
    ),
    (
        {"services": {"agent-network": {"image": {"repository": "example.org/a", "tag": "latest"}}}},
        "services.agent-network.image: tag latest can be another program tomorrow; name a version or a digest",
    ),
    (
        {"services": {"agent-network": {"image": {"repository": "example.org/a"}}}},
        "'/services/agent-network/image': missing property 'tag'",
    ),
    ({"defaults": {"resources": {"limits": {"memory": "64MB"}}}}, "'64MB' does not match pattern"),
    ({"defaults": {"replicas": {"max": None}}}, "'/defaults/replicas': missing property 'max'"),
    ({"defaults": {"env": {"COUNT": 3}}}, "'/defaults/env/COUNT': got number, want string"),
    ({"ports": {"http": 80}}, "'/ports/http': minimum: got 80, want 1,024"),
    ({"telemetry": {"sampling": 10}}, "'/telemetry/sampling': maximum: got 10, want 1"),
    ({"telemetry": {"endpoint": "collector:4317"}}, "'/telemetry/endpoint': 'collector:4317' does not match pattern"),
    ({"networkPolicy": {"to": {"other": {"ports": [1]}}}}, "'/networkPolicy/to/other': missing property 'namespace'"),
    ({"networkPolicy": {"to": {"other": {"cidr": "10.0.0.0/8"}}}}, "missing property 'ports'"),
    ({"connections": {"database": {"secret": "Big"}}}, "'/connections/database/secret': 'Big' does not match pattern"),
    ({"connections": {"cache": {"services": []}}}, "'/connections/cache/services': minItems: got 0, want 1"),
    ({"networkPolicy": {"to": {"cache": {"services": ["A"]}}}}, "'A' does not match pattern"),
]


@pytest.fixture(scope="module")
def alone() -> list[Manifest]:
    return template({}, namespace="demo")


def named(manifests: list[Manifest], kind: str, name: str = "agent-network") -> Manifest:
    return next(m for m in of_kind(manifests, kind) if m["metadata"]["name"] == name)


def pod(manifests: list[Manifest], name: str = "agent-network") -> dict[str, Any]:
    """The pod spec of one service."""
    return dict(named(manifests, "Deployment", name)["spec"]["template"]["spec"])


def environment(manifests: list[Manifest], name: str = "agent-network") -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in pod(manifests, name)["containers"][0]["env"]}


def test_helm_lints_it_strictly() -> None:
    result = run("helm", "lint", "--strict", CHART)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("values", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_values_are_refused_with_what_is_wrong(values: dict[str, Any], message: str) -> None:
    result = helm("template", "alone", CHART, values=values)
    assert result.returncode != 0
    assert message in result.stderr


def test_alone_it_is_valid_and_nothing_is_critical(alone: list[Manifest]) -> None:
    assert kubeconform(alone) == []
    assert critical_findings(alone, KUBERNETES) == []
    assert [violations(spec["spec"]) for _, spec in pod_templates(alone)] == [[]] * len(NAMES)


def test_each_service_has_one_object_of_each_kind_with_its_name(alone: list[Manifest]) -> None:
    found = sorted((m["kind"], m["metadata"]["name"]) for m in alone)
    assert found == [(kind, name) for kind in KINDS for name in NAMES]


def test_every_object_names_its_namespace_and_has_the_standard_labels(alone: list[Manifest]) -> None:
    assert {m["metadata"]["namespace"] for m in alone} == {"demo"}
    labels = [m["metadata"]["labels"] for m in alone]
    assert all(found["app.kubernetes.io/part-of"] == "sacred-council" for found in labels)
    assert all(found["sacred-council.love/region"] == "local" for found in labels)
    assert all(m["metadata"]["labels"]["app.kubernetes.io/name"] == m["metadata"]["name"] for m in alone)


def test_the_autoscaler_alone_decides_the_number_of_pods(alone: list[Manifest]) -> None:
    assert [d for d in of_kind(alone, "Deployment") if "replicas" in d["spec"]] == []
    autoscaler = named(alone, "HorizontalPodAutoscaler")["spec"]
    assert autoscaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "agent-network"}
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 10)


def test_the_autoscaler_looks_at_the_service_and_not_at_its_sidecar(alone: list[Manifest]) -> None:
    metrics = [metric["containerResource"] for metric in named(alone, "HorizontalPodAutoscaler")["spec"]["metrics"]]
    assert [(m["name"], m["container"]) for m in metrics] == [("cpu", "agent-network"), ("memory", "agent-network")]
    assert pod(alone)["containers"][0]["name"] == "agent-network"


def test_the_selector_holds_nothing_that_configuration_or_releases_change(alone: list[Manifest]) -> None:
    changed = template({"region": "asia-east1", "defaults": {"image": {"tag": "6.9.3"}}}, release="other")
    for kind in ("Deployment", "PodDisruptionBudget"):
        selectors = [named(found, kind)["spec"]["selector"] for found in (alone, changed)]
        assert selectors == [{"matchLabels": {"app.kubernetes.io/name": "agent-network"}}] * 2


def test_ports_are_named_and_http(alone: list[Manifest]) -> None:
    ports = {port["name"]: port for port in named(alone, "Service")["spec"]["ports"]}
    assert {name: port["port"] for name, port in ports.items()} == {"http": 9898, "metrics": 9797}
    assert {port["appProtocol"] for port in ports.values()} == {"http"}
    assert {name for name, port in ports.items() if port["targetPort"] == name} == set(ports)


def test_prometheus_reaches_the_metrics_outside_of_the_mesh(alone: list[Manifest]) -> None:
    annotations = named(alone, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["traffic.sidecar.istio.io/excludeInboundPorts"] == "9797"


def test_readiness_and_liveness_ask_different_things(alone: list[Manifest]) -> None:
    container = pod(alone)["containers"][0]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}


def test_pods_spread_over_zones_and_nodes_but_need_neither(alone: list[Manifest]) -> None:
    (zones,) = pod(alone)["topologySpreadConstraints"]
    assert (zones["topologyKey"], zones["whenUnsatisfiable"]) == ("topology.kubernetes.io/zone", "ScheduleAnyway")
    affinity = pod(alone)["affinity"]["podAntiAffinity"]
    (nodes,) = affinity.pop("preferredDuringSchedulingIgnoredDuringExecution")
    assert nodes["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert affinity == {}


def test_connections_are_files_and_never_variables(alone: list[Manifest]) -> None:
    spec = pod(alone)
    secrets = {v["name"]: v["secret"] for v in spec["volumes"] if "secret" in v}
    assert {name: secret["secretName"] for name, secret in secrets.items()} == {
        "cache-connection": "cache-connection",
        "database-connection": "database-connection",
        "messaging-connection": "messaging-connection",
        "streaming-connection": "streaming-connection",
        "ledger-connection": "ledger-connection",
        "circles-connection": "circles-connection",
    }
    mounts = {m["name"]: m for m in spec["containers"][0]["volumeMounts"] if m["name"] in secrets}
    for data_service in set(get_args(connection.DataService)) - {"matching"}:
        path = mounts[connection.secret_name(data_service)]["mountPath"]
        assert (
            path == connection.mount_path(data_service) == environment(alone)[f"{data_service.upper()}_CONNECTION_DIR"]
        )
    assert all(mount["readOnly"] for mount in mounts.values())
    assert [v for v in spec["containers"][0]["env"] if "valueFrom" in v] == []


MATCHED: dict[str, Any] = {"services": {"sacred-matching": {}}}
"""The services with the one that needs matching."""


def test_only_the_service_that_needs_matching_has_its_connection_and_may_reach_it() -> None:
    manifests = template(MATCHED)
    has = {
        name: (
            "MATCHING_CONNECTION_DIR" in environment(manifests, name),
            policies(named(manifests, "NetworkPolicy", name)["spec"]["egress"], "to").get("matching"),
        )
        for name in (*NAMES, "sacred-matching")
    }
    assert has == {**dict.fromkeys(NAMES, (False, None)), "sacred-matching": (True, [8443])}
    secrets = {v["secret"]["secretName"] for v in pod(manifests, "sacred-matching")["volumes"] if "secret" in v}
    assert secrets == {connection.secret_name(one) for one in get_args(connection.DataService)}
    assert environment(manifests, "sacred-matching")["MATCHING_CONNECTION_DIR"] == connection.mount_path("matching")


def test_a_peer_and_a_connection_may_be_for_some_services() -> None:
    gateway = {"namespace": "istio-ingress", "ports": ["http"], "services": ["agent-network"]}
    values = {
        "networkPolicy": {"from": {"gateway": gateway}},
        "connections": {"cache": {"services": ["agent-network"]}},
    }
    manifests = template(values)
    for name in NAMES:
        reach = policies(named(manifests, "NetworkPolicy", name)["spec"]["ingress"], "from")
        assert ("istio-ingress" in reach) == (name == "agent-network")
        assert ("CACHE_CONNECTION_DIR" in environment(manifests, name)) == (name == "agent-network")


def test_alone_it_starts_without_the_data_services(alone: list[Manifest]) -> None:
    assert {v["secret"]["optional"] for v in pod(alone)["volumes"] if "secret" in v} == {True}


def test_a_connection_can_be_left_out() -> None:
    manifests = template({"connections": {"cache": {"secret": ""}}})
    kept = {"database", "messaging", "streaming", "ledger", "circles"}
    assert {v["name"] for v in pod(manifests)["volumes"]} == {"tmp", *(f"{name}-connection" for name in kept)}
    assert "CACHE_CONNECTION_DIR" not in environment(manifests)


def test_without_a_collector_there_is_no_tracing(alone: list[Manifest]) -> None:
    telemetry = {name: value for name, value in environment(alone).items() if name.startswith("OTEL_")}
    assert telemetry == {"OTEL_SERVICE_NAME": ""}


def test_traces_go_to_the_collector_with_the_share_that_is_asked_for() -> None:
    endpoint = "http://collector.monitoring.svc:4317"
    values = {"region": "asia-east1", "telemetry": {"endpoint": endpoint, "sampling": 0.25}}
    variables = environment(template(values))
    assert variables["OTEL_SERVICE_NAME"] == "agent-network"
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert (variables["OTEL_TRACES_SAMPLER"], variables["OTEL_TRACES_SAMPLER_ARG"]) == (
        "parentbased_traceidratio",
        "0.25",
    )
    assert "cloud.region=asia-east1" in variables["OTEL_RESOURCE_ATTRIBUTES"]


def test_an_image_of_another_repository_starts_its_own_entry_point() -> None:
    image = {"repository": "registry.example.org:5000/a", "tag": "1.2", "digest": f"sha256:{'0' * 64}"}
    manifests = template({"services": {"agent-network": {"image": image}}})
    container = pod(manifests)["containers"][0]
    assert container["image"] == f"registry.example.org:5000/a:1.2@sha256:{'0' * 64}"
    assert "command" not in container
    assert pod(manifests, "sacred-messaging")["containers"][0]["command"][0] == "./podinfo"


def test_another_version_of_the_default_image_keeps_its_command() -> None:
    image = {"repository": "ghcr.io/stefanprodan/podinfo", "tag": "6.9.3"}
    container = pod(template({"services": {"agent-network": {"image": image}}}))["containers"][0]
    assert container["image"].endswith("podinfo:6.9.3")
    assert container["command"][0] == "./podinfo"


def test_a_service_overrides_only_what_it_names() -> None:
    manifests = template({"services": {"agent-network": {"replicas": {"max": 40}, "env": {"MODE": "fast"}}}})
    autoscaler = named(manifests, "HorizontalPodAutoscaler")["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 40)
    assert environment(manifests)["MODE"] == "fast"
    assert "MODE" not in environment(manifests, "sacred-messaging")


def policies(rules: list[dict[str, Any]], peers: str) -> dict[str, list[int]]:
    """Ports by the other side: a namespace, `services`, or an address block."""
    found = {}
    for rule in rules:
        for peer in rule[peers]:
            namespace = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
            side = namespace or peer.get("ipBlock", {}).get("cidr", "services")
            found[side] = [port["port"] for port in rule["ports"]]
    return found


def test_network_policies_open_only_what_is_needed(alone: list[Manifest]) -> None:
    policy = named(alone, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policies(policy["ingress"], "from") == {"services": [9898], "istio-ingress": [9898], "monitoring": [9797]}
    assert policies(policy["egress"], "to") == {
        "services": [9898],
        "kube-system": [53, 53],
        "openshift-dns": [5353, 5353],
        # DNS caches in the nodes' network.
        "169.254.20.10/32": [53, 53],
        "169.254.25.10/32": [53, 53],
        "cockroachdb": [26257],
        # A client asks a Sentinel (26379) which node is the primary.
        "redis": [6379, 26379],
        "nats": [4222],
        "ledger": [8443],
        "circles": [8443],
        "kafka": [9093],
        "istio-system": [15012],
        "monitoring": [4317],
    }


@pytest.mark.parametrize("caches", [["169.254.20.10/32", "169.254.169.254/32"], []])
def test_a_cluster_may_have_other_dns_caches(caches: list[str]) -> None:
    policy = named(template({"networkPolicy": {"dnsCaches": caches}}), "NetworkPolicy")["spec"]
    blocks = [rule for rule in policy["egress"] if any("ipBlock" in peer for peer in rule["to"])]
    assert [[peer["ipBlock"]["cidr"] for peer in rule["to"]] for rule in blocks] == ([caches] if caches else [])
    for rule in blocks:
        assert {(port["port"], port["protocol"]) for port in rule["ports"]} == {(53, "UDP"), (53, "TCP")}


def test_a_flow_can_lead_out_of_the_cluster_instead() -> None:
    database = {"namespace": None, "cidr": "10.9.0.0/24", "ports": [5432]}
    policy = named(template({"networkPolicy": {"to": {"database": database}}}), "NetworkPolicy")["spec"]
    assert policies(policy["egress"], "to")["10.9.0.0/24"] == [5432]
    assert "cockroachdb" not in policies(policy["egress"], "to")


def test_monitors_exist_only_where_the_operator_is(alone: list[Manifest]) -> None:
    monitored = template({"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}})
    monitor = named(monitored, "ServiceMonitor")
    assert of_kind(alone, "ServiceMonitor") == []
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["endpoints"] == [{"port": "metrics", "path": "/metrics", "interval": "30s"}]


def test_without_shifts_nothing_may_change_an_autoscaler(alone: list[Manifest]) -> None:
    assert [m for m in alone if m["kind"] in {"CronJob", "Role", "RoleBinding"}] == []


def test_images_are_pulled_with_the_secrets_that_are_named() -> None:
    alone, named_ones = template({}), template({"imagePullSecrets": ["registry", "mirror"]})
    services = {name: pod["spec"] for name, pod in pod_templates(named_ones) if name.startswith("Deployment")}
    assert len(services) == len(NAMES)
    assert all(spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}] for spec in services.values())
    assert not any("imagePullSecrets" in pod["spec"] for _, pod in pod_templates(alone))
