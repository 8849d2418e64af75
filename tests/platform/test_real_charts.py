"""The publishers' charts with the program's values, together with the program's own objects, region by region.

`connections` implements the rules: those of Kubernetes, of the Prometheus operator and of Istio.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest

from components.cluster import MeshPlatform
from components.monitoring import jaeger
from tests.support import connections, controllers, managed, pod_standard, real_charts, rights
from tests.support.cluster_objects import Case, Cluster, cluster
from tests.support.hubs import LOCAL
from tests.support.manifests import Manifest, pod_templates
from tests.support.regions import MATCHING
from tests.support.rendering import BEHIND_A_CDN, TOLD

pytestmark = pytest.mark.conformance

PLATFORMS = get_args(MeshPlatform)


def on(platform: str) -> dict[str, Any]:
    """Return the settings of the local stack on a cluster of this kind."""
    return {"sacred-council:regions": [{"name": "local", "cloud": "existing", "platform": platform}]}


SCALED: dict[str, Any] = {
    "sacred-council:scaling": {"enabled": True},
    "sacred-council:monitoring": {"retention": "4w"},
}
STREAMED: dict[str, Any] = {
    "sacred-council:streaming": {"enabled": True, "topics": [{"name": "decisions", "replicatedTo": "all"}]}
}
MATCHED: dict[str, Any] = {"sacred-council:matching": MATCHING}
LEDGER: dict[str, Any] = {"sacred-council:ledger": {"enabled": True}}
CIRCLES: dict[str, Any] = {"sacred-council:circles": {"enabled": True}}
CASES = {
    "local": Case(stack="local", region="local", overrides={}),
    **{f"local on {platform}": Case(stack="local", region="local", overrides=on(platform)) for platform in PLATFORMS},
    "local with a receiver of alerts": Case(stack="local", region="local", overrides={}, secrets=TOLD),
    "local with KEDA": Case(stack="local", region="local", overrides=SCALED),
    "local with Kafka": Case(stack="local", region="local", overrides=STREAMED),
    "local with matching": Case(stack="local", region="local", overrides=MATCHED),
    "local with a ledger": Case(stack="local", region="local", overrides=LEDGER),
    "local with circles": Case(stack="local", region="local", overrides=CIRCLES),
    "matching with KEDA": Case(stack="multiregion", region="us-central1", overrides={**MATCHED, **SCALED}),
    "Kafka with mirrors": Case(stack="multiregion", region="us-central1", overrides={**STREAMED, **SCALED}),
    "local hub behind a CDN": Case(stack="local", region="local", overrides={**LOCAL, **BEHIND_A_CDN}),
    **{
        f"planetary hub, {region}": Case(stack="planetary", region=region, overrides=LOCAL)
        for region in ("us-central1", "sa-east-1", "southafricanorth")
    },
    **{
        f"data services that {cloud} runs": Case(
            stack="regional",
            region=managed.REGIONS[cloud],
            overrides=managed.settings(cloud, True, managed.DATABASE, managed.CACHE),
        )
        for cloud in managed.CLOUDS
    },
}

GATEWAYS = ("Deployment/istio-ingress/istio-ingressgateway", "Deployment/istio-ingress/istio-eastwestgateway")
DELIBERATE: Mapping[Callable[[Cluster], list[str]], Sequence[str]] = {
    connections.without_api: GATEWAYS,
    connections.closed_traces: GATEWAYS[1:],
    connections.idle_policies: ("NetworkPolicy/cattle-system/webhook",),
    connections.closed_own_load_balancers: ("StatefulSet/cockroachdb/cockroachdb ",),
}
"""Accepted findings, by the beginning of their text.

Istio's chart gives a gateway the right to read Secrets. The control plane checks that right and reads the Secrets for
the gateway; the gateway itself calls no API server. The east-west gateway forwards TLS, so it sees no request to trace.
Rancher itself creates the pods of its webhook.
The database's nodes call the cloud's storage for backups, never a name of the platform.
"""
SECRET_READERS = {
    "cattle-system/rancher": "administers the clusters: it is bound to cluster-admin",
    "cattle-system/rancher-post-delete": "the job that removes what Rancher made, after it is uninstalled",
    "cert-manager/cert-manager": "keeps keys of certificates and of accounts in the namespaces of their resources",
    "cert-manager/cert-manager-cainjector": "copies authorities from Secrets into webhook configurations",
    "istio-system/istio-reader-service-account": "made by Istio's chart for other control planes; nobody has its token",
    "istio-system/istiod": "reads gateways' certificates and other regions' logins",
    "istio-system/remote-secret-access": "other regions' istiod watch with it what they watch in their own region",
    "monitoring/kube-prometheus-stack-operator": "puts the configurations of Prometheus and Alertmanager into Secrets",
}
"""Accounts that may read Secrets outside their own namespace, with the reason."""
NAMES_OTHERS_USE = {
    "cluster-autoscaler": ("rbac/serviceAccount/name",),
    "jaeger": ("fullnameOverride",),
    "kube-prometheus-stack": ("fullnameOverride",),
}
"""Values that change nothing in the rendering, but pin a name that other objects look up."""
PRIVILEGED = {"kube-system", "openshift-dns"}
"""The cluster's own namespaces, which have no level of the Pod Security Standard."""

CHARTS = (
    *("argo-cd", "base", "cert-manager", "cluster-autoscaler", "cni", "gateway", "istiod", "jaeger"),
    *("keda", "kube-prometheus-stack", "rancher", "strimzi-kafka-operator"),
)
Path = tuple[str, ...]


def cluster_of(name: str) -> Cluster:
    """Return the cluster of a case."""
    real_charts.require_some()
    return _cluster_of(name)


@cache
def _cluster_of(name: str) -> Cluster:
    return cluster(CASES[name])


@pytest.fixture(params=list(CASES))
def there(request: pytest.FixtureRequest) -> Cluster:
    """The cluster of each case in turn."""
    return cluster_of(request.param)


@pytest.mark.parametrize("rule", connections.RULES, ids=lambda rule: str(rule.__name__))
def test_nothing_breaks_the_rule(there: Cluster, rule: Callable[[Cluster], list[str]]) -> None:
    deliberate = DELIBERATE.get(rule, ())
    assert [each for each in rule(there) if not each.startswith(tuple(deliberate))] == []


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("planetary")])
def test_a_region_among_others_has_a_network_that_they_would_lose(name: str) -> None:
    there, label = cluster_of(name), "topology.istio.io/network"
    bare = [without_label(each, label) if each["kind"] == "Service" else each for each in there.objects]
    assert connections.lost_networks(replace(there, objects=bare)) == [f"0 Services have the label {label}"]


def without_label(manifest: Manifest, label: str) -> Manifest:
    """Return the object without one of its labels."""
    labels = {key: value for key, value in (manifest["metadata"].get("labels") or {}).items() if key != label}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def test_a_crash_loop_of_any_pod_is_told(there: Cluster) -> None:
    assert connections.silent_loops(there, "PodCrashLooping") == []


def test_every_pod_passes_the_level_of_its_namespace(there: Cluster) -> None:
    levels = {"restricted": pod_standard.violations, "baseline": pod_standard.baseline_violations}
    broken = {}
    for pods in there.pods:
        if pods.namespace not in PRIVILEGED:
            level = there.namespace(pods.namespace)["pod-security.kubernetes.io/enforce"]
            broken[pods.maker] = levels[level](pods.spec)
    assert {maker: found for maker, found in broken.items() if found} == {}


def test_the_control_plane_of_gke_reaches_every_webhook() -> None:
    """The control plane runs in a separate network. GKE opens 443 and 10250; a firewall rule must open other ports."""
    case = CASES["planetary hub, us-central1"]
    (rule,) = (r for r in case.rendered.of_type("gcp:compute/firewall:Firewall") if r.name.startswith(case.region))
    opened = {int(port) for allowed in rule.inputs["allows"] for port in allowed["ports"]}
    assert connections.webhook_ports(cluster_of("planetary hub, us-central1")) <= {443, 10250} | opened


@pytest.mark.parametrize("platform", controllers.TAKEN_PORTS)
def test_no_pod_needs_a_port_that_every_node_already_uses(platform: str) -> None:
    used = connections.host_ports(cluster_of(f"local on {platform}"))
    assert used
    assert used & controllers.TAKEN_PORTS[platform] == set()


def test_grafana_may_read_no_secret(there: Cluster) -> None:
    (grafana,) = (p for p in there.pods if p.labels.get("app.kubernetes.io/name") == "grafana")
    account = (grafana.namespace, grafana.spec["serviceAccountName"])
    assert rights.resources_of(there, account) == {"configmaps"}


def test_only_named_accounts_may_read_secrets_of_other_namespaces(there: Cluster) -> None:
    assert [one for one in rights.secret_readers(there) if one not in SECRET_READERS] == []


def test_every_scrape_keeps_the_interval_that_rules_count_with(there: Cluster) -> None:
    (prometheus,) = there.of_kind("Prometheus")
    interval = prometheus["spec"]["scrapeInterval"]
    said = {
        endpoint.get("interval", interval)
        for monitor in there.of_kind("ServiceMonitor", "PodMonitor")
        for endpoint in monitor["spec"].get("endpoints") or monitor["spec"].get("podMetricsEndpoints")
    }
    assert said == {interval}


def test_a_changed_configuration_restarts_jaeger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart mounts the configuration by `subPath`, and Kubernetes updates no such file in a running pod."""
    (release,) = (r.inputs for r in real_charts.releases(CASES["local"].rendered) if r.inputs["chart"] == "jaeger")
    before = pods_of({**release, "values": jaeger.jaeger_values()})
    monkeypatch.setattr(jaeger, "TRACES_KEPT", "1h")
    assert pods_of({**release, "values": jaeger.jaeger_values()}) != before


def pods_of(release: Mapping[str, Any]) -> list[tuple[str, Manifest]]:
    """Return the pod templates of a release."""
    return list(pod_templates(real_charts.release_objects(release)))


def variants() -> dict[str, list[Mapping[str, Any]]]:
    """Return the inputs of the releases of all cases by chart, each set of values once."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for case in CASES.values():
        for release in real_charts.releases(case.rendered):
            if release.name.startswith(f"{case.region}-"):
                values = json.dumps(release.inputs["values"], sort_keys=True)
                found.setdefault(release.inputs["chart"], {})[values] = release.inputs
    return {chart: list(by_values.values()) for chart, by_values in found.items()}


@pytest.mark.parametrize("chart", CHARTS)
def test_every_value_changes_what_the_chart_renders(chart: str) -> None:
    """Values equal to the chart's default are exempt: they pin a default that we rely on."""
    idle: set[Path] = set()
    for number, release in enumerate(variants()[chart]):
        defaults = real_charts.default_values(chart, release["version"])
        asked = [path for path, value in leaves(release["values"]) if at(defaults, path) != value]
        fresh = [path for path in asked if number == 0 or path in idle]
        idle = {path for path in idle if path not in asked} | without_effect(release, fresh)
    found = sorted("/".join(path) for path in idle)
    assert [path for path in found if path not in NAMES_OTHERS_USE.get(chart, ())] == []


def test_all_charts_are_asked() -> None:
    assert sorted(variants()) == sorted(CHARTS)


def leaves(values: Mapping[str, Any], before: Path = ()) -> list[tuple[Path, Any]]:
    """List the path and the value of every leaf."""
    found = []
    for key, value in values.items():
        path = (*before, key)
        found += leaves(value, path) if isinstance(value, dict) and value else [(path, value)]
    return found


def at(values: Any, path: Path) -> Any:
    """Return the value at `path`, or None."""
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def without_effect(release: Mapping[str, Any], asked: Sequence[Path]) -> set[Path]:
    """Return the paths in `asked` whose values do not change what the chart renders."""
    whole = real_charts.release_text(release)
    with ThreadPoolExecutor(max_workers=2) as pool:
        texts = pool.map(
            lambda path: real_charts.release_text({**release, "values": less(release["values"], path)}), asked
        )
        return {path for path, text in zip(asked, texts, strict=True) if text == whole}


def less(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the values without the one at `path`."""
    first, *rest = path
    if rest:
        return {**values, first: less(values[first], tuple(rest))}
    return {key: value for key, value in values.items() if key != first}
