"""Matching in rendered stacks: who reaches whom, what waits for what, and what one region more changes."""

import json
from typing import Any

import pytest
import yaml

from components.matching import proxy
from components.matching.embedding import APP
from components.metadata import selector
from components.namespaces import MATCHING as MATCHING_NAMESPACE
from components.services.settings import MATCHING_SERVICE
from tests.support.data_services import container, secret_texts, waits_for
from tests.support.managed import CACHE, DATABASE, managed, settings
from tests.support.network_policies import Pods, may_send, may_send_anywhere, may_send_to
from tests.support.regions import (
    FIVE,
    IOWA,
    MATCHING,
    MIXED,
    SHIFTING,
    TAIWAN,
    VIRGINIA,
    changed,
    equipped,
    matched,
    of_region,
    rendered,
)
from tests.support.rendering import ROOT, Rendered, render

pytestmark = pytest.mark.stack

REGIONS = [name for name, _ in MIXED]
WITH_KEDA: dict[str, Any] = {"monitoring": {"retention": "4w"}, "scaling": {"enabled": True}}


def part(stack: Rendered, region: str, rest: str) -> dict[str, Any]:
    """The inputs of a part of the region's matching."""
    return stack.named(f"{region}-matching-{rest}").inputs


def pods(stack: Rendered, region: str, namespace: str, labels: Any) -> Pods:
    provider = stack.named(f"{region}-matching-embedding-deployment").provider
    return Pods(provider=provider, namespace=namespace, labels=labels)


def servers(stack: Rendered, region: str) -> Pods:
    return pods(stack, region, "matching", selector(APP))


def managed_database(cloud: str) -> Rendered:
    """The regional stack with the cloud's PostgreSQL, with matching."""
    values = settings(cloud, True, DATABASE, CACHE)
    return render("regional", {**values, "sacred-council:matching": MATCHING})


def test_without_matching_there_is_nothing_of_it() -> None:
    stack = rendered(*MIXED)
    assert [r.name for r in stack.resources if "matching" in r.name or "embedding" in r.name] == []


@pytest.mark.parametrize("region", REGIONS)
def test_only_the_service_that_uses_them_and_prometheus_reach_the_servers(region: str) -> None:
    stack = matched(*MIXED, monitoring={})
    there = part(stack, region, "embedding-network-policy")["spec"]["ingress"]
    opened = [(rule["from"], [port["port"] for port in rule["ports"]]) for rule in there]
    client = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "sacred-council"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "sacred-matching"}},
    }
    prometheus = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        "podSelector": {"matchLabels": {}},
    }
    assert opened == [([client], [8443]), ([prometheus], [8405])]


def test_the_chart_opens_the_way_to_the_servers_for_the_service_that_uses_them() -> None:
    values = yaml.safe_load((ROOT / "charts" / "sacred-council" / "values.yaml").read_text())
    way = {"namespace": MATCHING_NAMESPACE, "ports": [proxy.PORT], "services": [MATCHING_SERVICE]}
    assert values["networkPolicy"]["to"]["matching"] == way
    assert values["connections"]["matching"]["services"] == [MATCHING_SERVICE]


@pytest.mark.parametrize("region", REGIONS)
def test_the_servers_reach_the_source_of_their_model_and_nothing_else(region: str) -> None:
    stack = matched(*MIXED)
    source = servers(stack, region)
    # MATCHING names port 8443 in the source's address, and this range.
    assert may_send_to(stack, source, "203.0.113.20", 8443)
    assert not may_send_to(stack, source, "203.0.113.20", 443)
    assert not may_send_to(stack, source, "198.51.100.1", 8443)
    assert not any(may_send_anywhere(stack, source, port) for port in (80, 443, 8443))


def test_the_servers_get_the_source_and_the_commit_of_the_model() -> None:
    pod = part(matched(*MIXED), IOWA[0], "embedding-deployment")["spec"]["template"]
    server = container(pod, "embedding")
    variables = {one["name"]: one["value"] for one in server["env"]}
    assert variables["HF_ENDPOINT"] == "https://models.example.org:8443/hub"
    assert server["command"] == ["text-embeddings-router"]
    assert "--revision=614241f622f53c4eeff9890bdc4f31cfecc418b3" in server["args"]
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    cache = next(one for one in server["volumeMounts"] if one["mountPath"] == variables["HF_HOME"])
    assert volumes[cache["name"]]["emptyDir"] == {"sizeLimit": "2Gi"}
    assert int(server["resources"]["limits"]["ephemeral-storage"]) == 2 * 2**30 + 256 * 2**20


@pytest.mark.parametrize("where", MIXED, ids=lambda where: str(where[1]))
def test_where_a_region_has_gpus_each_server_has_one_and_others_use_processors(where: tuple[str, str]) -> None:
    without = TAIWAN if where == IOWA else IOWA
    stack = equipped(where, without, gpus=(where,))
    pod = part(stack, where[0], "embedding-deployment")["spec"]["template"]
    server = container(pod, "embedding")
    # The resource of NVIDIA's device plugin: https://github.com/NVIDIA/k8s-device-plugin.
    assert server["resources"]["limits"]["nvidia.com/gpu"] == server["resources"]["requests"]["nvidia.com/gpu"] == "1"
    assert pod["spec"]["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert server["image"] == "ghcr.io/huggingface/text-embeddings-inference:cuda-1.9.3"
    # The image's own start program chooses the server by the GPU.
    assert "command" not in server
    assert "--revision=614241f622f53c4eeff9890bdc4f31cfecc418b3" in server["args"]
    other = part(stack, without[0], "embedding-deployment")["spec"]["template"]
    assert "tolerations" not in other["spec"]
    assert container(other, "embedding")["image"] == "ghcr.io/huggingface/text-embeddings-inference:cpu-1.9.3"
    assert "nvidia.com/gpu" not in container(other, "embedding")["resources"]["limits"]


def test_on_a_cluster_of_one_s_own_the_settings_say_whether_there_are_gpus() -> None:
    def resources(**keys: bool) -> dict[str, Any]:
        region = {"name": "local", "cloud": "existing", **keys}
        stack = render("local", {"sacred-council:regions": [region], "sacred-council:matching": MATCHING})
        found = container(part(stack, "local", "embedding-deployment")["spec"]["template"], "embedding")["resources"]
        assert isinstance(found["limits"], dict)
        return found["limits"]

    assert "nvidia.com/gpu" not in resources()
    assert resources(gpus=True)["nvidia.com/gpu"] == "1"


def test_the_autoscaler_alone_decides_the_number_of_servers() -> None:
    stack = matched(*MIXED)
    assert "replicas" not in part(stack, IOWA[0], "embedding-deployment")["spec"]
    found = part(stack, IOWA[0], "embedding-autoscaler")["spec"]
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "embedding"}
    (metric,) = found["metrics"]
    assert (metric["containerResource"]["container"], metric["containerResource"]["name"]) == ("embedding", "cpu")


def test_with_keda_a_scaled_object_takes_its_place_and_keda_watches_its_namespace() -> None:
    stack = matched(IOWA, **WITH_KEDA)
    assert [one.name for one in stack.objects("HorizontalPodAutoscaler")] == []
    scaled = stack.named(f"{IOWA[0]}-matching-embedding-scaled")
    assert scaled.inputs["metadata"]["namespace"] == "matching"
    assert scaled.inputs["metadata"]["annotations"]["scaledobject.keda.sh/transfer-hpa-ownership"] == "true"
    keda = stack.named(f"{IOWA[0]}-keda-release")
    assert keda.urn in scaled.dependencies
    assert keda.inputs["values"]["watchNamespace"] == "sacred-council,matching"
    (rules,) = stack.objects("PrometheusRule")
    recorded = {
        rule["record"] for group in rules.inputs["spec"]["groups"] for rule in group["rules"] if "record" in rule
    }
    assert scaled.inputs["spec"]["triggers"][1]["metadata"]["query"] in recorded


def test_the_service_waits_for_its_secret_and_gets_everything_in_it() -> None:
    stack = matched(*MIXED)
    secret = stack.named(f"{IOWA[0]}-matching-connection")
    texts = secret_texts(secret.inputs)
    assert secret.inputs["metadata"]["namespace"] == "sacred-council"
    assert set(texts) == {
        "url",
        "host",
        "port",
        "token",
        "ca.crt",
        "model",
        "dimension",
        "table",
        "database.url",
        "database.username",
        "database.password",
    }
    assert texts["url"] == "https://embedding.matching.svc:8443"
    assert texts["database.url"].startswith(f"postgresql://sacred_matching:{texts['database.password']}@")
    assert texts["database.url"].endswith(
        "/sacred_council?sslmode=verify-full&sslrootcert=/etc/sacred-council/database/ca.crt"
    )
    assert f"{IOWA[0]}-matching-schema-job" in waits_for(stack, secret)
    deployment = stack.named(f"{IOWA[0]}-services-chart-deployment-sacred-matching")
    assert secret.name in waits_for(stack, deployment)


def test_a_slow_model_keeps_no_service_waiting() -> None:
    stack = matched(*MIXED)
    waited = waits_for(stack, stack.named(f"{IOWA[0]}-matching-connection"))
    assert f"{IOWA[0]}-matching-embedding-deployment" not in waited


def test_no_secret_is_in_plain_inputs() -> None:
    stack = matched(*MIXED)
    for rest in ("connection", "embedding-credentials", "schema-credentials"):
        assert any("stringData" in path for path in stack.named(f"{IOWA[0]}-matching-{rest}").secret_paths), rest
    assert "token" not in json.dumps(part(stack, IOWA[0], "embedding-settings"))


def test_only_the_job_of_the_primary_region_makes_the_table_and_all_say_the_same() -> None:
    stack = matched(*MIXED)
    jobs = {region: part(stack, region, "schema-job")["spec"]["template"]["spec"] for region in REGIONS}
    primary = {
        region: next(one["value"] for one in job["containers"][0]["env"] if one["name"] == "IS_PRIMARY_REGION")
        for region, job in jobs.items()
    }
    assert primary == {**dict.fromkeys(REGIONS, "false"), IOWA[0]: "true"}
    statements = [part(stack, region, "schema-settings")["data"]["schema.sql"] for region in REGIONS]
    assert len(set(statements)) == 1
    passwords = [part(stack, region, "connection")["stringData"]["database.password"] for region in REGIONS]
    assert len(set(map(str, passwords))) == 1


def test_the_job_may_reach_the_database_s_nodes_and_waits_for_the_application_s_database() -> None:
    stack = matched(*MIXED)
    job = pods(stack, IOWA[0], "cockroachdb", selector("cockroachdb-matching"))
    nodes = pods(stack, IOWA[0], "cockroachdb", selector("cockroachdb"))
    assert may_send(stack, job, nodes, 26257)
    access = part(stack, IOWA[0], "schema-access")["spec"]
    assert access["podSelector"]["matchLabels"] == selector("cockroachdb")
    assert [one["podSelector"]["matchLabels"] for one in access["ingress"][0]["from"]] == [
        selector("cockroachdb-matching")
    ]


@pytest.mark.parametrize("cloud", ["gcp", "aws", "azure"])
def test_in_a_managed_postgresql_the_job_makes_an_index_of_pgvector(cloud: str) -> None:
    stack = managed_database(cloud)
    region = {"gcp": "us-central1", "aws": "us-east-1", "azure": "westeurope"}[cloud]
    files = part(stack, region, "schema-settings")["data"]
    assert "USING hnsw (embedding vector_cosine_ops)" in files["application.sql"]
    job = part(stack, region, "schema-job")
    assert job["metadata"]["namespace"] == "postgresql"
    variables = {one["name"]: one.get("value") for one in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (variables["PGUSER"], variables["APP_USERNAME"]) == ("sacred_council_owner", "sacred_matching")


def test_azure_alone_must_allow_the_extension_and_without_matching_it_does_not() -> None:
    allowed = {
        cloud: [r.inputs["value"] for r in managed_database(cloud).resources if r.name.endswith("azure-extensions")]
        for cloud in ("gcp", "aws", "azure")
    }
    assert allowed == {"gcp": [], "aws": [], "azure": ["vector"]}
    assert [r.name for r in managed("azure").resources if r.name.endswith("azure-extensions")] == []


def test_the_fifth_service_has_a_route_and_a_path_at_the_edge_like_the_others() -> None:
    stack = matched(*MIXED)
    assert stack.named(f"{IOWA[0]}-mesh-routing-destinationrule-sacred-matching")
    (routes,) = (
        one for one in stack.objects("VirtualService") if one.name == f"{IOWA[0]}-mesh-routing-virtualservice-services"
    )
    assert "/sacred-matching/" in json.dumps(routes.inputs)


def test_a_new_region_changes_nothing_of_matching_in_the_others() -> None:
    before, after = matched(*MIXED), matched(*FIVE)
    for region in REGIONS:
        mine = [key for key in of_region(after, region) if key.startswith("matching")]
        assert len(mine) > 10
        assert [key for key in changed(before, after, region) if key.startswith("matching")] == []


def test_a_region_that_leaves_changes_nothing_of_matching_in_the_others() -> None:
    before, after = matched(*MIXED), matched(IOWA, VIRGINIA)
    for region, _ in (IOWA, VIRGINIA):
        assert [key for key in changed(before, after, region) if key.startswith("matching")] == []


def test_the_order_of_the_regions_means_nothing() -> None:
    one, other = matched(*MIXED), matched(*reversed(MIXED))
    for region, _ in MIXED:
        assert of_region(one, region).keys() == of_region(other, region).keys()
        assert changed(one, other, region) == set()


def test_switching_matching_on_replaces_nothing_and_restarts_no_other_service() -> None:
    off, on = rendered(*MIXED), matched(*MIXED)
    for region, _ in MIXED:
        assert of_region(off, region).keys() <= of_region(on, region).keys()
        touched = changed(off, on, region)
        assert not any("statefulset" in rest or "deployment" in rest for rest in touched)


def test_the_service_may_follow_the_sun() -> None:
    services = {**SHIFTING, "sacred-matching": {"minReplicas": 3, "followTheSun": True}}
    stack = matched(IOWA, services=services)
    assert stack.named(f"{IOWA[0]}-services-chart-cronjob-sacred-matching-night")


def test_the_proxy_s_ports_are_those_of_its_file() -> None:
    pod = part(matched(*MIXED), IOWA[0], "embedding-deployment")["spec"]["template"]
    ports = {one["name"]: one["containerPort"] for one in container(pod, "proxy")["ports"]}
    text = part(matched(*MIXED), IOWA[0], "embedding-settings")["data"]["haproxy.cfg"]
    assert ports == {"https": proxy.PORT, "metrics": proxy.METRICS_PORT}
    assert all(f"bind :{port}" in text for port in ports.values())
    assert {one["port"] for one in part(matched(*MIXED), IOWA[0], "embedding-service")["spec"]["ports"]} == {8443}
