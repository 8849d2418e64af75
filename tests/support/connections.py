"""The connections of pods in a region's cluster, and rules about them: those of Kubernetes and of its controllers.

Each rule returns one sentence for each violation.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.support import controllers, pod_files, rights, strimzi_objects
from tests.support.cluster_objects import Cluster
from tests.support.manifests import Manifest, identity
from tests.support.network_rules import Pods, matches

ADDRESS = re.compile(r"(?<![\w.@/-])(?P<host>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?):(?P<port>\d{2,5})(?!\d)")
URL = re.compile(r"https?://(?P<host>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)(?::(?P<port>\d+))?")
JOB = re.compile(r'\bjob(=~?)"([^"]+)"')
NAMESPACE = re.compile(r'\bnamespace=~?"([^"]+)"')
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
OUR_RULES = "sacred-council"
XDS_PORT = 15012


@dataclass(frozen=True, kw_only=True)
class Scrape:
    """Prometheus reads `port` of `pods` (None: of nodes or of the API server) because of `monitor`."""

    monitor: str
    port: int
    pods: Pods | None


def monitors(cluster: Cluster) -> Iterator[tuple[Manifest, list[Scrape] | str]]:
    """Every monitor, with the scrapes that it causes or the reason why it causes none."""
    for monitor in cluster.of_kind("ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            yield monitor, _scraped_services(cluster, monitor, endpoint)
    for monitor in cluster.of_kind("PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            yield monitor, _scraped_pods(cluster, monitor, endpoint)


def monitors_without_targets(cluster: Cluster) -> list[str]:
    """Prometheus must select every monitor, and Services and pods must have its ports."""
    unread = [
        f"{identity(monitor)}: no Prometheus selects it"
        for monitor in cluster.of_kind("ServiceMonitor", "PodMonitor")
        if not any(_reads(cluster, each, monitor) for each in cluster.of_kind("Prometheus"))
    ]
    return sorted({*unread, *(f"{identity(m)}: {found}" for m, found in monitors(cluster) if isinstance(found, str))})


def closed_scrapes(cluster: Cluster) -> list[str]:
    """Prometheus reaches every port that it reads, and a port behind a proxy of the mesh takes plain text."""
    (prometheus,) = (p for p in cluster.pods if p.maker.startswith("Prometheus/"))
    found = []
    for scrape in [each for _, scrapes in monitors(cluster) if not isinstance(scrapes, str) for each in scrapes]:
        found += [f"{scrape.monitor}: {each}" for each in _closed(cluster, prometheus, scrape.pods, scrape.port)]
        if scrape.pods and controllers.meshed(scrape.pods) and not _plain(cluster, scrape.pods, scrape.port):
            found.append(f"{scrape.monitor}: {scrape.pods.maker} wants mutual TLS on {scrape.port}")
    return sorted(set(found))


def unknown_jobs(cluster: Cluster) -> list[str]:
    """Some monitor must give every job that a rule names; otherwise the rule fires for ever, or never."""
    jobs = {job for monitor in cluster.of_kind("ServiceMonitor", "PodMonitor") for job in _jobs(cluster, monitor)}
    return sorted(
        {
            f"{rule.get('alert') or rule.get('record')}: no monitor gives the job {wanted}"
            for manifest in cluster.of_kind("PrometheusRule")
            for group in manifest["spec"]["groups"]
            for rule in group["rules"]
            for operator, wanted in JOB.findall(str(rule["expr"]))
            if not any(re.fullmatch(wanted, job) if operator == "=~" else wanted == job for job in jobs)
        }
    )


def unknown_namespaces(cluster: Cluster) -> list[str]:
    """Every namespace that our rules name exists."""
    places = cluster.policies.namespaces.keys()
    return sorted(
        {
            f"{rule.get('alert') or rule.get('record')}: {place}"
            for manifest in cluster.of_kind("PrometheusRule")
            if manifest["metadata"]["name"] == OUR_RULES
            for group in manifest["spec"]["groups"]
            for rule in group["rules"]
            for wanted in NAMESPACE.findall(str(rule["expr"]))
            for place in wanted.split("|")
            if place not in places
        }
    )


def silent_loops(cluster: Cluster, alert: str) -> list[str]:
    """Namespaces with pods whose crash loops `alert` does not cover."""
    targets = [
        re.compile(wanted)
        for manifest in cluster.of_kind("PrometheusRule")
        for group in manifest["spec"]["groups"]
        for rule in group["rules"]
        if rule.get("alert") == alert
        for wanted in NAMESPACE.findall(str(rule["expr"])) or [".*"]
    ]
    return sorted({p.namespace for p in cluster.pods if not any(each.fullmatch(p.namespace) for each in targets)})


def dropped_metrics(cluster: Cluster) -> list[str]:
    """No monitor drops a metric that an alert or one of our rules reads."""
    dropped = [
        re.compile(each["regex"])
        for monitor in cluster.of_kind("ServiceMonitor", "PodMonitor")
        for endpoint in monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
        for each in endpoint.get("metricRelabelings", [])
        if each["action"] == "drop" and each["sourceLabels"] == ["__name__"]
    ]
    return sorted(
        {
            f"{rule.get('alert') or rule['record']}: {metric} is dropped"
            for manifest in cluster.of_kind("PrometheusRule")
            for group in manifest["spec"]["groups"]
            for rule in group["rules"]
            if "alert" in rule or manifest["metadata"]["name"] == OUR_RULES
            for metric in METRIC.findall(str(rule["expr"]))
            if any(each.fullmatch(metric) for each in dropped)
        }
    )


def idle_policies(cluster: Cluster) -> list[str]:
    """Every policy selects existing pods. A namespace's default policy also covers later pods."""
    return [
        identity(policy)
        for policy in cluster.policies.policies
        if policy["spec"].get("podSelector") and not cluster.policies.selected(policy, cluster.pods)
    ]


def empty_policies(cluster: Cluster) -> list[str]:
    """A policy for some pods has rules: the default policy of their namespace has closed them already."""
    return [
        identity(policy)
        for policy in cluster.policies.policies
        if policy["spec"].get("podSelector") and not (policy["spec"].get("ingress") or policy["spec"].get("egress"))
    ]


def closed_webhooks(cluster: Cluster) -> list[str]:
    """Pods admit the API server, which calls webhooks and aggregated APIs from an address that no policy can name."""
    found = []
    for caller, service, port in _called(cluster):
        if service is None:
            found.append(f"{caller}: its Service is not there")
            continue
        for pods, number in _members(cluster, service, port):
            if not cluster.policies.admits(pods, None, number):
                found.append(f"{caller}: {pods.maker} does not admit the API server on {number}")
    return sorted(set(found))


def without_dns(cluster: Cluster) -> list[str]:
    """Every pod resolves names: by the cluster's DNS, or by a cache in the nodes' network."""
    (dns,) = (p for p in cluster.pods if p.maker == controllers.DNS)
    servers: list[tuple[str, Pods | str, int, str]] = [
        *((dns.maker, dns, port.number, port.protocol) for port in dns.ports if port.name.startswith("dns")),
        *(
            (name, address, controllers.DNS_PORT, protocol)
            for name, address in cluster.dns_caches.items()
            for protocol in ("UDP", "TCP")
        ),
    ]
    return [
        f"{pods.maker}: {name}, {protocol}"
        for pods in cluster.pods
        if pods is not dns
        for name, server, port, protocol in servers
        if not cluster.policies.lets_out(pods, server, port, protocol)
    ]


def without_api(cluster: Cluster) -> list[str]:
    """A pod that has a token with rights calls the API server."""
    bound = rights.bound_accounts(cluster)
    return [
        f"{pods.maker}: {port}"
        for pods in cluster.pods
        if (pods.namespace, pods.spec.get("serviceAccountName", "default")) in bound and rights.has_token(cluster, pods)
        for port in controllers.API_PORTS[cluster.cloud]
        if not cluster.policies.lets_out(pods, None, port)
    ]


def closed_addresses(cluster: Cluster) -> list[str]:
    """A pod reaches each Service whose address it gets, and the Service has the port."""
    found: list[str] = []
    for pods in cluster.pods:
        for service, port in _told(cluster, pods):
            for target, number in _members(cluster, service, port):
                found += _closed(cluster, pods, target, number)
    return sorted(set(found))


def closed_proxies(cluster: Cluster) -> list[str]:
    """Every proxy of the mesh gets its configuration and certificates from the control plane."""
    control_plane = [p for p in cluster.pods if p.labels.get("app") == "istiod"]
    return [
        found
        for pods in cluster.pods
        if controllers.meshed(pods)
        for target in control_plane
        for found in _closed(cluster, pods, target, XDS_PORT)
    ]


def closed_traces(cluster: Cluster) -> list[str]:
    """Every proxy of the mesh can send its spans to the service in the mesh's configuration."""
    found: list[str] = []
    for each in cluster.of_kind("ConfigMap"):
        mesh = yaml.safe_load(each.get("data", {}).get("mesh", "")) if each["metadata"]["name"] == "istio" else None
        for provider in (mesh or {}).get("extensionProviders", []):
            said = provider.get("opentelemetry")
            service = _named(cluster, said["service"], each["metadata"]["namespace"]) if said else None
            found += [f"{said['service']} is not there"] if said and service is None else []
            for target, port in _members(cluster, service, said["port"]) if said and service else []:
                found += [s for p in cluster.pods if controllers.meshed(p) for s in _closed(cluster, p, target, port)]
    return sorted(set(found))


def closed_routes(cluster: Cluster) -> list[str]:
    """The pods of a Gateway reach the Services that its VirtualServices route to."""
    gateways = {f"{g['metadata']['namespace']}/{g['metadata']['name']}": g for g in cluster.of_kind("Gateway")}
    found = []
    for route in cluster.of_kind("VirtualService"):
        hosts = {
            (each["destination"]["host"], each["destination"]["port"]["number"])
            for rule in route["spec"]["http"]
            for each in rule.get("route", [])
        }
        for name in route["spec"]["gateways"]:
            sources = [
                p for p in cluster.pods if matches({"matchLabels": gateways[name]["spec"]["selector"]}, p.labels)
            ]
            for host, port in sorted(hosts):
                service = _named(cluster, host, route["metadata"]["namespace"])
                members = _members(cluster, service, port) if service else []
                found += [] if members and sources else [f"{identity(route)}: nothing leads to {host}:{port}"]
                found += [s for source in sources for pods, n in members for s in _closed(cluster, source, pods, n)]
    return sorted(set(found))


def closed_load_balancers(cluster: Cluster) -> list[str]:
    """Pods behind a load balancer admit its source ranges. They see callers' addresses only if nodes preserve them."""
    found = []
    for service in (s for s in cluster.of_kind("Service") if s["spec"].get("type") == "LoadBalancer"):
        spec = service["spec"]
        for pods, number in [each for port in spec["ports"] for each in _members(cluster, service, port["port"])]:
            for block in spec.get("loadBalancerSourceRanges") or ["0.0.0.0/0"]:
                if not cluster.policies.admits(pods, block, number):
                    found.append(f"{identity(service)}: {pods.maker} does not admit {block} on {number}")
            if not cluster.policies.admits(pods, None, number) and spec.get("externalTrafficPolicy") != "Local":
                found.append(f"{identity(service)}: nodes hide who calls, and {pods.maker} admits some only")
    return sorted(set(found))


def closed_own_load_balancers(cluster: Cluster) -> list[str]:
    """Who may call any address on the port of a load balancer reaches the pods behind this cluster's own.

    The name that a pod calls may lead to the cluster itself. Cilium and Calico then see a pod and its port.
    """
    found: list[str] = []
    for service in (s for s in cluster.of_kind("Service") if s["spec"].get("type") == "LoadBalancer"):
        for outer in {port["port"] for port in service["spec"]["ports"]}:
            callers = [p for p in cluster.pods if cluster.policies.lets_out(p, None, outer)]
            for pods, number in _members(cluster, service, outer):
                found += [
                    f"{caller.maker} may call any address on {outer}, but not {pods.maker} on {number}"
                    for caller in callers
                    if not cluster.policies.lets_out(caller, pods, number)
                ]
    return sorted(set(found))


def closed_brokers(cluster: Cluster) -> list[str]:
    """Kafka's nodes, its operator and the workers of its mirror reach each other."""
    return sorted(
        {
            sentence
            for source in cluster.pods
            for target in cluster.pods
            for port in strimzi_objects.calls(source, target)
            for sentence in _closed(cluster, source, target, port)
        }
    )


def host_ports(cluster: Cluster) -> set[int]:
    """The ports of nodes that pods use. A pod in the node's network uses all its ports there."""
    return {
        port.get("hostPort") or port["containerPort"]
        for pods in cluster.pods
        for container in pods.spec.get("containers", [])
        for port in container.get("ports") or []
        if pods.host_network or "hostPort" in port
    }


def webhook_ports(cluster: Cluster) -> set[int]:
    """The ports of pods that the API server calls."""
    called = [(service, port) for _, service, port in _called(cluster) if service is not None]
    return {number for service, port in called for _, number in _members(cluster, service, port)}


def closed_alerts(cluster: Cluster) -> list[str]:
    """Prometheus can send alerts to the Alertmanagers in its configuration."""
    found = []
    for manifest in cluster.of_kind("Prometheus"):
        (prometheus,) = (p for p in cluster.pods if p.maker == identity(manifest))
        for each in manifest["spec"]["alerting"]["alertmanagers"]:
            service = cluster.service(each["name"], each["namespace"])
            members = _members(cluster, service, each["port"]) if service else []
            found += ["no Alertmanager"] if not members else []
            found += [sentence for pods, port in members for sentence in _closed(cluster, prometheus, pods, port)]
    return found


def _scraped_services(cluster: Cluster, monitor: Manifest, endpoint: Mapping[str, Any]) -> list[Scrape] | str:
    services = [s for s in cluster.of_kind("Service") if _in_reach(cluster, monitor, s)]
    if not services:
        return "no Service has its labels"
    if "targetPort" in endpoint:
        return _scraped_targets(cluster, monitor, services, endpoint["targetPort"])
    named = [s for s in services if endpoint["port"] in [p.get("name") for p in s["spec"]["ports"]]]
    if not named:
        return f"no Service with its labels has a port called {endpoint['port']}"
    found = []
    for service in named:
        (port,) = (p for p in service["spec"]["ports"] if p.get("name") == endpoint["port"])
        if not service["spec"].get("selector"):
            found.append(Scrape(monitor=identity(monitor), port=port["targetPort"], pods=None))
            continue
        if not cluster.behind(service):
            return f"{identity(service)} leads to no pod"
        for pods, number in _members(cluster, service, endpoint["port"]):
            if number not in [p.number for p in pods.ports]:
                return f"{pods.maker} has no port {port.get('targetPort', port['port'])}"
            found.append(Scrape(monitor=identity(monitor), port=number, pods=pods))
    return found or f"no pod has its port {endpoint['port']}"


def _scraped_targets(
    cluster: Cluster, monitor: Manifest, services: Sequence[Manifest], port: int | str
) -> list[Scrape] | str:
    """The scrapes of a monitor that names the pods' port. Pods without this port are left out."""
    found = [
        Scrape(monitor=identity(monitor), port=number, pods=pods)
        for service in services
        for pods in cluster.behind(service)
        if (number := pods.port(port)) is not None
    ]
    return found or f"no pod has a port called {port}"


def _scraped_pods(cluster: Cluster, monitor: Manifest, endpoint: Mapping[str, Any]) -> list[Scrape] | str:
    place = monitor["metadata"]["namespace"]
    pods = [p for p in cluster.pods if p.namespace == place and matches(monitor["spec"]["selector"], p.labels)]
    found = [
        Scrape(monitor=identity(monitor), port=number, pods=each)
        for each in pods
        if (number := each.port(endpoint["port"])) is not None
    ]
    return found or f"no pod has a port called {endpoint['port']}"


def _jobs(cluster: Cluster, monitor: Manifest) -> Iterator[str]:
    """The values of the label `job` of a monitor's targets: that of its `jobLabel`, else the name of the Service."""
    label, metadata = monitor["spec"].get("jobLabel", ""), monitor["metadata"]
    if monitor["kind"] == "PodMonitor":
        pods = [p for p in cluster.pods if p.namespace == metadata["namespace"]]
        yield from (p.labels.get(label) or f"{metadata['namespace']}/{metadata['name']}" for p in pods)
        return
    for service in cluster.of_kind("Service"):
        if _in_reach(cluster, monitor, service):
            yield service["metadata"].get("labels", {}).get(label) or service["metadata"]["name"]


def _in_reach(cluster: Cluster, monitor: Manifest, service: Manifest) -> bool:
    wanted = monitor["spec"].get("namespaceSelector") or {}
    places = wanted.get("matchNames") or [monitor["metadata"]["namespace"]]
    return (wanted.get("any") or service["metadata"]["namespace"] in places) and matches(
        monitor["spec"]["selector"], service["metadata"].get("labels", {})
    )


def _reads(cluster: Cluster, prometheus: Manifest, monitor: Manifest) -> bool:
    kind = monitor["kind"][0].lower() + monitor["kind"][1:]
    spec, metadata = prometheus["spec"], monitor["metadata"]
    # A missing selector selects nothing; an empty one selects everything.
    if spec.get(f"{kind}Selector") is None:
        return False
    places = spec.get(f"{kind}NamespaceSelector")
    in_place = (
        metadata["namespace"] == prometheus["metadata"]["namespace"]
        if places is None
        else matches(places, cluster.namespace(metadata["namespace"]))
    )
    return in_place and matches(spec[f"{kind}Selector"], metadata.get("labels", {}))


def _members(cluster: Cluster, service: Manifest, wanted: int | str) -> list[tuple[Pods, int]]:
    """The pods and ports behind the port `wanted` (name or number) of a Service."""
    listed = [p for p in service["spec"].get("ports", []) if wanted in (p.get("name"), p["port"])]
    targets = [p.get("targetPort", p["port"]) for p in listed]
    # A headless name leads directly to pods, so clients can use any of their ports.
    if not listed and service["spec"].get("clusterIP") == "None":
        targets = [wanted]
    return [
        (pods, number)
        for pods in cluster.behind(service)
        for target in targets
        if (number := pods.port(target)) is not None
    ]


def _closed(cluster: Cluster, source: Pods, target: Pods | None, port: int) -> Iterator[str]:
    where = target.maker if target else "a node"
    if not cluster.policies.lets_out(source, target, port):
        yield f"{source.maker} may not connect to {where} on {port}"
    if target and not cluster.policies.admits(target, source, port):
        yield f"{where} does not admit {source.maker} on {port}"


def _plain(cluster: Cluster, pods: Pods, port: int) -> bool:
    """Whether the port accepts plain text: the proxy's own ports do, others only with a PeerAuthentication."""
    if port in [p["containerPort"] for p in controllers.PROXY_PORTS]:
        return True
    return any(
        each["spec"].get("portLevelMtls", {}).get(str(port), {}).get("mode") in {"PERMISSIVE", "DISABLE"}
        for each in cluster.of_kind("PeerAuthentication")
        if each["metadata"]["namespace"] == pods.namespace and matches(each["spec"].get("selector"), pods.labels)
    )


def _called(cluster: Cluster) -> Iterator[tuple[str, Manifest | None, int]]:
    for configuration in cluster.of_kind("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for webhook in configuration.get("webhooks", []):
            yield from _call(cluster, f"{identity(configuration)} {webhook['name']}", webhook["clientConfig"])
    for definition in cluster.of_kind("CustomResourceDefinition"):
        webhook = definition["spec"].get("conversion", {}).get("webhook")
        if webhook:
            yield from _call(cluster, identity(definition), webhook["clientConfig"])
    for aggregated in cluster.of_kind("APIService"):
        yield from _call(cluster, identity(aggregated), aggregated["spec"])


def _call(cluster: Cluster, caller: str, client: Mapping[str, Any]) -> Iterator[tuple[str, Manifest | None, int]]:
    service = client.get("service")
    if service:
        yield caller, cluster.service(service["name"], service["namespace"]), service.get("port", 443)


def _told(cluster: Cluster, pods: Pods) -> Iterator[tuple[Manifest, int]]:
    """The Services and ports whose addresses are in the pods' configuration."""
    for text in pod_files.texts(cluster, pods):
        for found in [*ADDRESS.finditer(text), *URL.finditer(text)]:
            service = _named(cluster, found["host"], pods.namespace)
            default = 443 if found[0].startswith("https") else 80
            if service is not None:
                yield service, int(found["port"] or default)


def _named(cluster: Cluster, host: str, namespace: str) -> Manifest | None:
    """The Service that a host name means for a pod in `namespace`. A pod's own name leads to its Service."""
    words = host.removesuffix(".cluster.local").removesuffix(".svc").split(".")
    for start in range(len(words)):
        rest = words[start:]
        if len(rest) == 1 and start == 0:
            return cluster.service(rest[0], namespace)
        if len(rest) == 2:
            return cluster.service(rest[0], rest[1])
    return None


def lost_networks(cluster: Cluster) -> list[str]:
    """Where the mesh has other clusters, istiod finds one gateway of the network; where it has none, there is none.

    istiod takes the load balancers with the network's label, and their port 15443. A label on the pods alone is none.
    Source: `getGatewayDetails` in Istio's pilot/pkg/serviceregistry/kube/controller/network.go.
    """
    label, port = "topology.istio.io/network", 15443
    others = [s for s in cluster.of_kind("Secret") if "istio/multiCluster" in s["metadata"].get("labels", {})]
    networks = {each["metadata"]["labels"][label] for each in cluster.of_kind("Namespace") if _labelled(each, label)}
    gateways = [each for each in cluster.of_kind("Service") if _labelled(each, label)]
    found = [] if len(gateways) == bool(others) else [f"{len(gateways)} Services have the label {label}"]
    for service in gateways:
        if service["spec"].get("type") != "LoadBalancer":
            found.append(f"{identity(service)} is no load balancer")
        if {service["metadata"]["labels"][label]} != networks:
            found.append(f"{identity(service)} is of another network than its control plane")
        if not _members(cluster, service, port):
            found.append(f"{identity(service)}: no pod takes {port}")
    return found


def _labelled(manifest: Manifest, label: str) -> bool:
    return label in (manifest["metadata"].get("labels") or {})


RULES: Sequence[Callable[[Cluster], list[str]]] = (
    monitors_without_targets,
    closed_scrapes,
    unknown_jobs,
    unknown_namespaces,
    dropped_metrics,
    idle_policies,
    empty_policies,
    closed_webhooks,
    without_dns,
    without_api,
    closed_addresses,
    closed_proxies,
    closed_traces,
    closed_routes,
    closed_alerts,
    closed_load_balancers,
    lost_networks,
    closed_own_load_balancers,
    closed_brokers,
)
"""The rules that every cluster keeps. test_connection_rules.py has a cluster for each that breaks it."""
