"""Edge sites of a stack of three regions: what a site is, what it has of its home, and what changes when sites come."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.local_chart import FUNCTION
from components.monitoring import collector_host, trace_endpoint
from components.namespaces import COCKROACHDB, MONITORING, NATS, SERVICES
from components.peering import PEER_NAMES, peer_name
from components.settings.values import bytes_of
from components.sites import site_collector
from picture.map import draw
from picture.world import world
from report.cost import lines
from stacks import quotas
from stacks.settings import parse
from stacks.sites import MOST_REPLICAS, plan_of, settings_of
from tests.platform import test_contracts as contracts
from tests.support.data_services import container, waits_for
from tests.support.edge_sites import LISBON, OULU
from tests.support.network_policies import Pods, may_send_anywhere, may_send_to
from tests.support.plans import plan_of as report_plan_of
from tests.support.plans import preview_of
from tests.support.regions import BELGIUM, GOOGLE, IOWA, MIXED, Where, changed, configured, of_region, rendered_with
from tests.support.rendering import Rendered, render
from tests.support.super_cluster import object_of

pytestmark = pytest.mark.stack

HOME = BELGIUM[0]
MESSAGING = {
    "servers": 3,
    "storage": "5Gi",
    "streams": [
        {"name": "councils", "subjects": ["councils.>"], "home": HOME, "mirroredIn": "all"},
        {"name": "orders", "subjects": ["orders.>"], "home": IOWA[0], "mirroredIn": HOME},
        {"name": "local", "subjects": ["local.>"], "home": IOWA[0]},
    ],
}
SERVICE_PODS = {"app.kubernetes.io/part-of": "sacred-council", "app.kubernetes.io/component": "service"}

KNOWS_SITES = {
    "cockroachdb-peer-0-service",
    "database-network-policy",
    "messaging-network-policy",
    "messaging-settings",
    "messaging-statefulset",
    "messaging-users",
    "nats-sites-service",
}
"""Resources of the home that know its sites, by the rest of their names."""
RUNS_AGAIN = {"messaging-streams-job", "messaging-streams-settings"}
"""The Job that makes the streams, which carries the list of outboxes."""


def stack(*sites: dict[str, Any], regions: tuple[Where, ...] = GOOGLE) -> Rendered:
    return rendered_with(regions, messaging=MESSAGING, edgeSites=list(sites))


def monitored(*sites: dict[str, Any]) -> Rendered:
    """The same stack with monitoring, where sites collect traces."""
    return rendered_with(GOOGLE, messaging=MESSAGING, monitoring={}, edgeSites=list(sites))


def settings(*sites: dict[str, Any], **more: Any) -> Any:
    given = {**configured(*GOOGLE), "messaging": MESSAGING, "edgeSites": list(sites), **more}
    return parse({"stage": "continental", **given})


def data(rendered: Rendered, name: str) -> dict[str, str]:
    return dict(rendered.named(name).inputs["data"])


def test_a_site_has_gateway_services_cache_and_messaging_but_no_database_and_no_monitoring() -> None:
    mine = of_region(stack(LISBON), "lisbon")
    sets = {r.inputs["metadata"]["name"] for r in mine.values() if r.type == "kubernetes:apps/v1:StatefulSet"}
    assert sets == {"nats", "redis"}
    releases = {r.inputs["name"] for r in mine.values() if r.type == "kubernetes:helm.sh/v3:Release"}
    assert releases == {"istio-base", "istiod", "istio-cni", "istio-ingressgateway"}
    kinds = {r.type for r in mine.values() if r.type.startswith("sacred-council:")}
    assert "sacred-council:sites:HomeDatabase" in kinds
    assert {"sacred-council:database:CockroachDB", "sacred-council:monitoring:Monitoring"} & kinds == set()


def test_everything_of_a_site_is_in_its_cluster() -> None:
    rendered = stack(LISBON, OULU)
    for site in ("lisbon", "oulu"):
        providers = {
            r.provider.rpartition("::")[0].rpartition("::")[2]
            for r in of_region(rendered, site).values()
            if r.is_kubernetes_object
        }
        assert providers == {f"{site}-cluster-kubernetes"}
        provider = rendered.named(f"{site}-cluster-kubernetes").inputs
        assert (provider["context"], provider["clusterIdentifier"]) == (site, site)
        assert str(provider["skipUpdateUnreachable"]).lower() == "true"


@pytest.mark.parametrize("made", [stack, monitored])
def test_the_contracts_of_regions_hold_with_sites(made: Callable[..., Rendered]) -> None:
    rendered = made(LISBON, OULU)
    contracts.test_every_resource_has_a_component_as_its_parent(rendered)
    contracts.test_every_component_registers_its_outputs(rendered)
    contracts.test_logical_names_are_unique(rendered)
    contracts.test_every_kubernetes_resource_has_an_explicit_provider(rendered)
    contracts.test_every_object_has_a_fixed_name_and_the_standard_labels(rendered)
    contracts.test_every_object_names_one_owner_of_its_fields(rendered)
    contracts.test_an_api_server_takes_the_name_of_every_object(rendered)
    contracts.test_every_namespaced_object_names_its_namespace(rendered)
    contracts.test_every_namespace_is_restricted_and_closed(rendered)
    contracts.test_secret_values_are_secret_in_state(rendered)
    contracts.test_no_config_map_holds_a_secret(rendered)
    contracts.test_chart_values_hold_no_secret(rendered)


@pytest.mark.parametrize("regions", [GOOGLE, MIXED])
def test_a_site_changes_only_what_knows_it_at_its_home(regions: tuple[Where, ...]) -> None:
    site = {**LISBON, "home": regions[1][0]}
    messaging = {"servers": 3, "streams": [{"name": "councils", "subjects": ["councils.>"], "home": regions[1][0]}]}
    before = rendered_with(regions, messaging=messaging, edgeSites=[])
    after = rendered_with(regions, messaging=messaging, edgeSites=[site])
    for name, _ in regions:
        here = name == regions[1][0]
        assert changed(before, after, name) == ((KNOWS_SITES | RUNS_AGAIN) - {"nats-sites-service"} if here else set())
        gone = of_region(before, name).keys() - of_region(after, name).keys()
        assert gone == set()
        new = {key.partition(" ")[0] for key in of_region(after, name).keys() - of_region(before, name).keys()}
        assert (not new) if not here else all("nats-sites" in rest for rest in new)


def test_a_second_site_changes_nothing_of_the_first_and_of_other_regions() -> None:
    before, after = stack(LISBON), stack(LISBON, OULU)
    for name in ("lisbon", IOWA[0], GOOGLE[2][0]):
        assert of_region(before, name).keys() == of_region(after, name).keys()
        assert changed(before, after, name) == set()
    assert changed(before, after, HOME) == KNOWS_SITES | RUNS_AGAIN
    assert of_region(before, HOME).keys() == of_region(after, HOME).keys()


def test_the_order_of_sites_and_of_regions_means_nothing() -> None:
    before = stack(LISBON, OULU)
    for after in (stack(OULU, LISBON), stack(LISBON, OULU, regions=tuple(reversed(GOOGLE)))):
        for name in ("lisbon", "oulu", *(name for name, _ in GOOGLE)):
            assert of_region(before, name).keys() == of_region(after, name).keys()
            assert changed(before, after, name) == set()


def test_a_region_that_is_added_changes_nothing_of_a_site_of_another() -> None:
    before, after = stack(LISBON, regions=GOOGLE[:2]), stack(LISBON)
    assert changed(before, after, "lisbon") == set()


@pytest.mark.parametrize("made", [stack, monitored])
def test_no_region_waits_for_anything_of_a_site_but_its_password(made: Callable[..., Rendered]) -> None:
    rendered = made(LISBON, OULU)
    for name, _ in GOOGLE:
        waited = {found for r in of_region(rendered, name).values() for found in waits_for(rendered, r)}
        assert {one for one in waited if one.startswith(("lisbon", "oulu"))} <= {
            "lisbon-link-password",
            "oulu-link-password",
        }


@pytest.mark.parametrize("made", [stack, monitored])
def test_a_site_waits_for_its_homes_addresses_and_for_nothing_that_runs_there(made: Callable[..., Rendered]) -> None:
    rendered = made(LISBON)
    waited = {found for r in of_region(rendered, "lisbon").values() for found in waits_for(rendered, r)}
    workloads = {
        r.name
        for name, _ in GOOGLE
        for r in of_region(rendered, name).values()
        if r.type.rpartition(":")[2] in ("StatefulSet", "Deployment", "Job", "Release")
    }
    assert workloads
    assert waited & workloads == set()


def test_a_site_reaches_its_home_by_a_name_that_its_home_is_certified_for() -> None:
    rendered = stack(LISBON)
    link = data_of_secret(rendered, "nats-users", "lisbon")["home.conf"]
    name = peer_name(HOME, NATS)
    assert f"tls://site-lisbon:password-of-lisbon-link-password@{name}:7422" in link
    certified = rendered.named(f"{HOME}-messaging-certificate-request").inputs["dnsNames"]
    assert f"*.{name.partition('.')[2]}" in certified
    (subset,) = rendered.named("lisbon-messaging-peers-endpoints").inputs["subsets"]
    addresses = rendered.named(f"{HOME}-nats-sites-service")
    assert [one["hostname"] for one in subset["addresses"]] == [f"{HOME}-0"]
    assert subset["addresses"][0]["ip"]
    assert addresses.inputs["spec"]["loadBalancerSourceRanges"] == ["203.0.113.71/32"]
    assert addresses.inputs["spec"]["ports"][0]["port"] == 7422


def data_of_secret(rendered: Rendered, name: str, site: str, namespace: str = NATS) -> dict[str, str]:
    return dict(object_of(rendered, site, "Secret", name, namespace)["stringData"])


def test_a_sites_services_reach_all_nodes_of_the_homes_database_by_one_name() -> None:
    rendered = rendered_with(
        GOOGLE,
        messaging=MESSAGING,
        edgeSites=[LISBON],
        database={"primaryRegion": IOWA[0], "nodes": 3},
    )
    secret = data_of_secret(rendered, "database-connection", "lisbon", SERVICES)
    assert secret["host"] == f"{HOME}-any.peers.cockroachdb.svc"
    assert f"@{secret['host']}:26257/" in secret["url"]
    assert "sslmode=verify-full" in secret["url"]
    assert f"*.{secret['host'].partition('.')[2]}" in [pattern.format(COCKROACHDB) for pattern in PEER_NAMES]
    (subset,) = rendered.named("lisbon-database-peers-endpoints").inputs["subsets"]
    of_nodes = {one["ip"] for one in subset["addresses"] if one["hostname"] != f"{HOME}-any"}
    of_any = {one["ip"] for one in subset["addresses"] if one["hostname"] == f"{HOME}-any"}
    assert len(of_nodes) == 3
    assert of_any == of_nodes
    entry = rendered.named("lisbon-database-entry").inputs["spec"]
    assert set(entry["addresses"]) == {f"{address}/32" for address in of_nodes}
    services = Pods(provider=rendered.named("lisbon-database-entry").provider, namespace=SERVICES, labels=SERVICE_PODS)
    for address in of_nodes:
        assert may_send_to(rendered, services, address, 26257)
    assert not may_send_to(rendered, services, "198.51.100.77", 26257)
    assert not may_send_anywhere(rendered, services, 26257)


def test_the_homes_database_admits_its_sites_and_other_regions_do_not() -> None:
    rendered = stack(LISBON)
    for name, _ in GOOGLE:
        ranges = rendered.named(f"{name}-cockroachdb-peer-0-service").inputs["spec"]["loadBalancerSourceRanges"]
        assert ("203.0.113.71/32" in ranges) == (name == HOME)
        gateway = rendered.named(f"{name}-nats-peer-0-service").inputs["spec"]["loadBalancerSourceRanges"]
        assert "203.0.113.71/32" not in gateway


def test_a_site_holds_copies_and_outboxes() -> None:
    rendered = stack(LISBON)
    files = data(rendered, "lisbon-messaging-streams-settings")
    assert sorted(files) == ["_outbox-lisbon_councils.json", "councils.json", "orders.json", "streams.sh"]
    copy, outbox = json.loads(files["councils.json"]), json.loads(files["_outbox-lisbon_councils.json"])
    assert copy["mirror"] == {"name": "councils", "external": {"api": f"$JS.{HOME}.API"}}
    assert json.loads(files["orders.json"])["mirror"]["external"] == {"api": f"$JS.{HOME}.API"}
    assert (outbox["subjects"], outbox["retention"], outbox["discard"]) == (["councils.>"], "workqueue", "new")
    assert (outbox["max_age"], outbox["num_replicas"]) == (0, 1)
    home = json.loads(data(rendered, f"{HOME}-messaging-streams-settings")["councils.json"])
    assert home["sources"] == [{"name": "_outbox-lisbon_councils", "external": {"api": "$JS.lisbon.API"}}]
    assert "sources" not in json.loads(data(rendered, f"{IOWA[0]}-messaging-streams-settings")["orders.json"])


def test_only_what_copies_streams_may_cross_a_sites_link() -> None:
    rendered = stack(LISBON)
    text = data(rendered, f"{HOME}-messaging-settings")["nats.conf"]
    (line,) = [line for line in text.splitlines() if '"site-lisbon"' in line]
    publish, subscribe = (json.loads(part.partition("}")[0]) for part in line.split("allow: ")[1:])
    assert publish == [
        f"$JS.{HOME}.API.CONSUMER.CREATE.councils",
        f"$JS.{HOME}.API.CONSUMER.CREATE.orders",
        "$JSC.R.*",
        "$JS.S.*",
        "$JS.FC.>",
    ]
    assert subscribe == ["$JS.lisbon.API.CONSUMER.>", "$JSC.R.*", "$JS.M.*", "$JS.FC.>"]
    assert 'allowed_connection_types: ["LEAFNODE"]' in line
    assert "site-" not in data(rendered, f"{IOWA[0]}-messaging-settings")["nats.conf"]


def test_the_exporter_tells_of_links_where_there_are_sites() -> None:
    rendered = stack(LISBON)
    for name, _ in GOOGLE:
        pod = rendered.named(f"{name}-messaging-statefulset").inputs["spec"]["template"]
        assert ("-leafz" in container(pod, "exporter")["args"]) == (name == HOME)


def test_a_site_is_small() -> None:
    wanted = settings_of(settings(LISBON).edge_sites[0], settings(LISBON))
    assert (wanted.messaging.servers, wanted.messaging.storage) == (1, "4Gi")
    assert (wanted.cache.engine, wanted.cache.replicas) == ("redis", 1)
    assert {service.max_replicas for service in wanted.services.by_name().values()} == {MOST_REPLICAS}
    assert {service.min_replicas for service in wanted.services.by_name().values()} == {1}
    assert not wanted.peering_enabled


def test_a_sites_plan_has_its_place_and_no_peers() -> None:
    whole = settings(LISBON, OULU)
    plan = plan_of(whole.edge_sites[0], whole)
    assert (plan.place.latitude, plan.place.time_zone, plan.peers) == (38.72, "Europe/Lisbon", ())


def test_a_sites_mesh_trusts_itself_only() -> None:
    rendered = stack(LISBON, OULU)
    for site in ("lisbon", "oulu"):
        secret = rendered.named(f"{site}-mesh-control-plane-cacerts").inputs["stringData"]
        assert secret["root-cert.pem"] == f"certificate of {site}-mesh-root-certificate\n"


def test_outputs_tell_where_a_site_is() -> None:
    outputs = stack(LISBON).outputs["edgeSites"]["lisbon"]
    assert outputs["messaging"]["host"] == "nats.nats.svc"
    assert outputs["database"]["host"] == f"{HOME}-any.peers.cockroachdb.svc"
    assert "gateway" in outputs
    assert "edgeSites" not in stack().outputs


def test_a_homes_load_balancer_for_sites_counts_in_its_quota() -> None:
    without, with_sites = settings(), settings(LISBON)
    assert quotas.public_addresses(with_sites, HOME) == quotas.public_addresses(without, HOME) + 1
    assert quotas.public_addresses(with_sites, IOWA[0]) == quotas.public_addresses(without, IOWA[0])


def test_with_monitoring_a_home_has_a_second_load_balancer_for_sites() -> None:
    without, with_sites = settings(monitoring={}), settings(LISBON, monitoring={})
    assert quotas.public_addresses(with_sites, HOME) == quotas.public_addresses(without, HOME) + 2


@pytest.mark.parametrize(
    ("cdn", "record"), [("gcp", "gcp:dns/recordSet:RecordSet"), ("aws", "aws:route53/record:Record")]
)
def test_users_near_a_site_with_a_public_address_are_steered_there(cdn: str, record: str) -> None:
    edge = {"domain": "example.org", "cdn": cdn}
    steered = rendered_with(
        GOOGLE, messaging=MESSAGING, edge=edge, edgeSites=[{**LISBON, "gatewayAddress": "203.0.113.80"}, OULU]
    )
    records = json.dumps([r.inputs for r in steered.of_type(record)])
    assert "203.0.113.80" in records
    assert "oulu" not in records
    gateway = steered.named("lisbon-mesh-gateway-gateway").inputs["spec"]
    assert "example.org" in str(gateway)
    assert [r.name for r in steered.resources if r.name == "lisbon-mesh-origin-authentication"]
    assert [r.name for r in steered.resources if r.name == "oulu-mesh-origin-authentication"] == []


def test_a_site_is_on_the_map_beside_its_home() -> None:
    config = {
        "sacred-council:messaging": {"servers": 3, "storage": "5Gi"},
        "sacred-council:edgeSites": [LISBON],
    }
    preview = preview_of("multiregion", render("multiregion", config))
    values = {key.removeprefix("sacred-council:"): value for key, value in config.items()}
    found = world(replace(preview, settings={**preview.settings, **values}))
    (site,) = [marker for marker in found.markers if marker.name == "lisbon"]
    assert (site.latitude, site.home, site.notes) == (38.72, HOME, (f"edge site of {HOME}",))
    assert site.gateways == ("public",)
    assert "3 regions with 1 edge site" in draw(found)


def test_a_report_has_no_price_for_a_sites_machine_and_names_the_site() -> None:
    plan = report_plan_of(stack(LISBON))
    assert plan.clouds["lisbon"] == "existing"
    priced = [line for line in lines(plan) if line.region == "lisbon" and line.kind == "priced"]
    assert priced == []


# Traces.

COLLECTOR_PODS = {"app.kubernetes.io/name": "opentelemetry-collector"}


def collector_file(rendered: Rendered, name: str) -> dict[str, Any]:
    return dict(json.loads(data(rendered, name)["config.yaml"]))


def chart_values(rendered: Rendered, region: str) -> dict[str, Any]:
    """The values of the services' chart in a region or at a site."""
    given = [json.loads(arguments["jsonOpts"])["values"] for token, arguments in rendered.calls if token == FUNCTION]
    (found,) = [values for values in given if values["region"] == region]
    return dict(found)


def collector_pods(rendered: Rendered, site: str) -> Pods:
    provider = rendered.named(f"{site}-collector-statefulset").provider
    return Pods(provider=provider, namespace=MONITORING, labels=COLLECTOR_PODS)


def test_where_the_stack_has_monitoring_a_site_has_a_collector_and_nothing_else_of_it() -> None:
    mine = of_region(monitored(LISBON), "lisbon")
    in_monitoring = {
        (r.inputs["kind"], r.inputs["metadata"]["name"])
        for r in mine.values()
        if r.is_kubernetes_object and r.inputs["metadata"].get("namespace") == MONITORING
    }
    assert {name for kind, name in in_monitoring if kind in ("Deployment", "StatefulSet")} == {
        "opentelemetry-collector"
    }
    assert {kind for kind, _ in in_monitoring} == {
        "ConfigMap",
        "Endpoints",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Secret",
        "Service",
        "ServiceAccount",
        "StatefulSet",
    }
    assert not [r for r in mine.values() if r.type == "sacred-council:monitoring:Monitoring"]


def test_services_and_proxies_of_a_site_send_traces_to_its_collector() -> None:
    rendered = monitored(LISBON)
    service = rendered.named("lisbon-collector-service").inputs
    address = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    assert address == collector_host(MONITORING)
    mesh = rendered.named("lisbon-mesh-control-plane-istiod").inputs["values"]["meshConfig"]
    assert [provider["opentelemetry"]["service"] for provider in mesh["extensionProviders"]] == [address]
    assert chart_values(rendered, "lisbon")["telemetry"]["endpoint"] == trace_endpoint(MONITORING)
    policy = rendered.named("lisbon-collector-network-policy").inputs["spec"]
    (allowed,) = policy["ingress"]
    assert {port["port"] for port in allowed["ports"]} == {4317, 4318}
    senders = {one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in allowed["from"]}
    assert senders == {"sacred-council", "istio-ingress"}


def test_without_monitoring_nobody_sends_traces_and_nobody_waits_for_any() -> None:
    rendered = stack(LISBON)
    names = {r.name for r in rendered.resources}
    assert not {name for name in names if "collector" in name or name.endswith("monitoring-sites-service")}
    assert chart_values(rendered, "lisbon")["telemetry"]["endpoint"] == ""


def test_a_sites_collector_reaches_its_homes_by_a_name_that_the_home_is_certified_for() -> None:
    rendered = monitored(LISBON)
    exporter = collector_file(rendered, "lisbon-collector-config")["exporters"]["otlp_grpc/home"]
    name, _, port = exporter["endpoint"].rpartition(":")
    assert (name, port) == (peer_name(HOME, MONITORING), "4319")
    certified = rendered.named(f"{HOME}-monitoring-collector-certificate-request").inputs["dnsNames"]
    assert f"*.{name.partition('.')[2]}" in certified
    (subset,) = rendered.named("lisbon-collector-peers-endpoints").inputs["subsets"]
    assert [one["hostname"] for one in subset["addresses"]] == [name.partition(".")[0]]
    endpoint = rendered.named(f"{HOME}-monitoring-sites-service").inputs
    assert endpoint["spec"]["loadBalancerSourceRanges"] == ["203.0.113.71/32"]
    assert endpoint["spec"]["ports"][0]["targetPort"] == 4319
    pod = rendered.named(f"{HOME}-monitoring-collector-deployment").inputs["spec"]["template"]
    assert endpoint["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert 4319 in [one["containerPort"] for one in container(pod, "collector")["ports"]]


def test_both_collectors_show_certificates_of_the_platform_and_ask_for_them() -> None:
    rendered = monitored(LISBON)
    home = collector_file(rendered, f"{HOME}-monitoring-collector-config")["receivers"]["otlp/sites"]
    tls = home["protocols"]["grpc"]["tls"]
    # Without `client_ca_file`, a receiver takes clients without a certificate (configtls, README).
    assert {"cert_file", "key_file", "client_ca_file"} <= tls.keys()
    exporter = collector_file(rendered, "lisbon-collector-config")["exporters"]["otlp_grpc/home"]
    assert {"cert_file", "key_file", "ca_file"} <= exporter["tls"].keys()
    assert "insecure" not in exporter["tls"]
    assert {tls["min_version"], exporter["tls"]["min_version"]} == {"1.3"}
    for name in ("lisbon-collector-statefulset", f"{HOME}-monitoring-collector-deployment"):
        pod = rendered.named(name).inputs["spec"]["template"]
        mounts = {one["name"]: one["mountPath"] for one in container(pod, "collector")["volumeMounts"]}
        assert tls["key_file"] == exporter["tls"]["key_file"] == f"{mounts['certificates']}/tls.key"
        (volume,) = [one for one in pod["spec"]["volumes"] if one["name"] == "certificates"]
        assert volume["secret"]["secretName"] == "opentelemetry-collector-certificate"
    usages = {
        name: rendered.named(f"{name}-certificate-certificate").inputs["allowedUses"]
        for name in ("lisbon-collector", f"{HOME}-monitoring-collector")
    }
    assert "client_auth" in usages["lisbon-collector"]
    assert "server_auth" in usages[f"{HOME}-monitoring-collector"]


def test_a_sites_collector_reaches_its_home_and_nothing_else() -> None:
    rendered = monitored(LISBON)
    (subset,) = rendered.named("lisbon-collector-peers-endpoints").inputs["subsets"]
    pods = collector_pods(rendered, "lisbon")
    assert may_send_to(rendered, pods, subset["addresses"][0]["ip"], 4319)
    assert not may_send_to(rendered, pods, "198.51.100.77", 4319)
    assert not may_send_anywhere(rendered, pods, 4319)


def test_only_the_home_takes_traces_of_sites_and_only_from_their_addresses() -> None:
    rendered = monitored(LISBON)
    for name, _ in GOOGLE:
        policy = rendered.named(f"{name}-monitoring-policy-opentelemetry-collector").inputs["spec"]
        found = [rule["from"] for rule in policy["ingress"] if 4319 in [port["port"] for port in rule["ports"]]]
        assert found == ([[{"ipBlock": {"cidr": "203.0.113.71/32"}}]] if name == HOME else [])
        receivers = collector_file(rendered, f"{name}-monitoring-collector-config")["receivers"]
        assert ("otlp/sites" in receivers) == (name == HOME)


def test_spans_of_a_site_keep_its_name_and_make_no_metrics_of_its_home() -> None:
    rendered = monitored(LISBON)
    document = collector_file(rendered, f"{HOME}-monitoring-collector-config")
    pipeline = document["service"]["pipelines"]["traces/sites"]
    assert pipeline["exporters"] == ["otlp_grpc/jaeger"]
    # `resource` would write the home's name over the site's.
    assert pipeline["processors"] == ["memory_limiter", "batch"]
    (named,) = collector_file(rendered, "lisbon-collector-config")["processors"]["resource"]["attributes"]
    assert (named["key"], named["value"]) == ("cloud.region", "lisbon")


def test_traces_that_the_home_has_not_taken_wait_on_a_disk_for_ever() -> None:
    rendered = monitored(LISBON)
    document = collector_file(rendered, "lisbon-collector-config")
    exporter = document["exporters"]["otlp_grpc/home"]
    # exporterhelper, README: the queue is in memory without `storage`, and 0 never ends the attempts.
    extension = document["extensions"][exporter["sending_queue"]["storage"]]
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert exporter["sending_queue"]["sizer"] == "bytes"
    stateful = rendered.named("lisbon-collector-statefulset").inputs["spec"]
    mounts = container(stateful["template"], "collector")["volumeMounts"]
    (disk,) = [one for one in mounts if one["name"] == "data"]
    assert extension["directory"].startswith(f"{disk['mountPath']}/")
    assert not disk.get("readOnly", False)
    (claim,) = stateful["volumeClaimTemplates"]
    room = bytes_of(claim["spec"]["resources"]["requests"]["storage"])
    # A compaction writes the file anew beside the old one.
    assert 2 * exporter["sending_queue"]["queue_size"] < room
    assert exporter["sending_queue"]["queue_size"] == site_collector.QUEUE_BYTES


def test_a_second_site_does_not_restart_its_homes_collector() -> None:
    before, after = monitored(LISBON), monitored(LISBON, OULU)
    found = changed(before, after, HOME)
    assert {"monitoring-sites-service", "monitoring-policy-opentelemetry-collector"} <= found
    assert {"monitoring-collector-config", "monitoring-collector-deployment"} & found == set()
    for name in ("lisbon", IOWA[0], GOOGLE[2][0]):
        assert changed(before, after, name) == set()
