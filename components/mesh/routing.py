"""Routes to the services, their permitted callers, and the metrics of their proxies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pulumi

from components import network
from components.cdn.names import LANGUAGE_HEADER
from components.context import RegionContext
from components.mesh import chart_values, peers
from components.mesh.peers import LanguageRoute, MeshPeers
from components.metadata import PART_OF
from components.namespaces import INGRESS, MONITORING, SERVICES
from components.services import HTTP_PORT, METRICS_PORT
from components.workload import AppMetadata, custom_object, pod_monitor

APP = "mesh-routing"
CIRCLE_HEADER = "x-sacred-circle"
HASH_TABLE = 5003
"""Places that pods share: a prime, and a hundred for each of fifty pods. Fewer circles move than on Envoy's ring."""
SERVICE_LABELS = {"app.kubernetes.io/part-of": PART_OF, "app.kubernetes.io/component": "service"}


class ServiceRouting(pulumi.ComponentResource):
    """Routes by path prefix, retries, circle affinity, outlier detection, and default-deny authorization.

    `gateway` is the public Gateway (namespace/name); `gateway_principal` is its identity.
    `ready` are the resources of the control plane to wait for.
    `mesh_peers` describes the other regions (None: a single region).

    Outputs: `urls` (public URL by service).
    """

    urls: dict[str, str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        services: Sequence[str],
        *,
        gateway: pulumi.Input[str],
        gateway_principal: pulumi.Input[str],
        ready: Sequence[pulumi.Resource],
        mesh_peers: MeshPeers | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:ServiceRouting", name, None, context.child(opts))
        self._name = name
        self._context = context
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[SERVICES])
        self._after = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
        self._routes(services, gateway, mesh_peers)
        self._authorization(gateway_principal)
        self._metrics()
        self.urls = {service: f"https://{context.domain}/{service}" for service in sorted(services)}
        self.register_outputs({"urls": self.urls})

    def _routes(self, services: Sequence[str], gateway: pulumi.Input[str], mesh_peers: MeshPeers | None) -> None:
        domain, namespace = self._context.domain, self._context.namespaces[SERVICES]
        ports = dict.fromkeys(services, HTTP_PORT)
        self._resource(
            "networking.istio.io/v1",
            "VirtualService",
            "services",
            pulumi.Output.all(namespace, gateway).apply(
                lambda known: virtual_service(
                    domain=domain, gateway=known[1], namespace=known[0], services=ports, mesh_peers=mesh_peers
                )
            ),
        )
        for service in sorted(services):
            rule = namespace.apply(partial(destination_rule, service, mesh_peers=mesh_peers))
            self._resource("networking.istio.io/v1", "DestinationRule", service, rule)
            of_gateways = namespace.apply(partial(gateway_destination_rule, service, mesh_peers=mesh_peers))
            self._resource(
                "networking.istio.io/v1",
                "DestinationRule",
                service,
                of_gateways,
                purpose="gateways",
                app=replace(self._app, namespace=self._context.namespaces[INGRESS]),
            )

    def _authorization(self, gateway_principal: pulumi.Input[str]) -> None:
        known = pulumi.Output.all(gateway_principal, self._context.namespaces[SERVICES])
        policies: dict[str, pulumi.Input[dict[str, Any]]] = {
            "default-deny": deny_all(),
            "allow-metrics": allow_metrics(METRICS_PORT),
            "allow-callers": known.apply(
                lambda values: allow_callers(gateway=values[0], namespace=values[1], ports=[HTTP_PORT])
            ),
        }
        for policy, spec in policies.items():
            self._resource("security.istio.io/v1", "AuthorizationPolicy", policy, spec)

    def _metrics(self) -> None:
        self._resource("security.istio.io/v1", "PeerAuthentication", "plain-metrics", plain_metrics(METRICS_PORT))
        self._app.network_policy(
            f"{self._name}-policy",
            name="proxy-metrics",
            pods=SERVICE_LABELS,
            ingress=[network.ingress([chart_values.PROXY_METRICS_PORT], network.peer(namespace=MONITORING))],
            opts=pulumi.ResourceOptions(parent=self),
        )
        proxy_monitor(self._name, self._app, self._context, pulumi.ResourceOptions(parent=self))

    def _resource(
        self,
        api_version: str,
        kind: str,
        name: str,
        spec: pulumi.Input[dict[str, Any]],
        *,
        purpose: str | None = None,
        app: AppMetadata | None = None,
    ) -> None:
        custom_object(
            f"{self._name}-{purpose or kind.lower()}-{name}",
            app or self._app,
            api_version=api_version,
            kind=kind,
            name=name,
            spec=spec,
            opts=self._after,
        )


def proxy_monitor(name: str, app: AppMetadata, context: RegionContext, opts: pulumi.ResourceOptions) -> None:
    """Let Prometheus scrape the proxies of all pods in the application's namespace. Only proxies have such a port.

    Create nothing when the region has no monitoring.
    """
    pod_monitor(
        name,
        app,
        monitor="proxies",
        pods={},
        job_label="app.kubernetes.io/name",
        endpoint={"port": "http-envoy-prom", "path": "/stats/prometheus", "interval": "30s"},
        monitored_by=context.monitored_by,
        opts=opts,
    )


def plain_metrics(metrics_port: int) -> dict[str, Any]:
    """Spec of a PeerAuthentication: `metrics_port` accepts plain text, because Prometheus has no sidecar."""
    return {
        "selector": {"matchLabels": SERVICE_LABELS},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {str(metrics_port): {"mode": "PERMISSIVE"}},
    }


def deny_all() -> dict[str, Any]:
    """Spec of an AuthorizationPolicy that allows nothing."""
    return {}


def allow_callers(*, gateway: str, namespace: str, ports: Sequence[int]) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: the gateway's identity and the services in `namespace` may call `ports`."""
    sources = [{"source": {"principals": [gateway]}}, {"source": {"namespaces": [namespace]}}]
    operation = {"ports": [str(port) for port in ports]}
    return {"action": "ALLOW", "rules": [{"from": sources, "to": [{"operation": operation}]}]}


def allow_metrics(metrics_port: int) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: anyone may read metrics. Network policies restrict who can."""
    operation = {"ports": [str(metrics_port)], "methods": ["GET"], "paths": ["/metrics"]}
    return {"action": "ALLOW", "rules": [{"to": [{"operation": operation}]}]}


def virtual_service(
    *,
    domain: str,
    gateway: str,
    namespace: str,
    services: Mapping[str, int],
    mesh_peers: MeshPeers | None = None,
) -> dict[str, Any]:
    """Spec of a VirtualService: send https://<domain>/<service>/... to the service, without the prefix.

    With one host for all services, each region needs one certificate, one DNS record and one origin for a CDN.
    The first match in the peers' languages chooses the region that serves a request. Without a match it is this region.
    """
    subsets = peers.subset_names(mesh_peers.numbers) if mesh_peers else {}
    languages = mesh_peers.languages if mesh_peers else ()
    return {
        "hosts": [domain],
        "gateways": [gateway],
        "http": [
            route
            for name, port in sorted(services.items())
            for route in (
                *(_language_route(name, namespace, port, each, subsets[each.region]) for each in languages),
                _route(name, namespace, port),
            )
        ],
    }


def destination_rule(name: str, namespace: str, mesh_peers: MeshPeers | None = None) -> dict[str, Any]:
    """Spec of a DestinationRule: keep each circle on one pod, and eject failing pods (or regions) for a while.

    With other regions, requests fail over to the nearest first.
    A circle has one pod in the region, whoever calls it: pods name no zone as their locality (`LOCALITY_LABEL`).
    """
    # Explicit, because outlier detection turns it on.
    nearest = {"enabled": False} if mesh_peers is None else peers.nearest_first(mesh_peers)
    return {
        "host": service_host(name, namespace),
        "trafficPolicy": {
            "connectionPool": {
                "tcp": {"connectTimeout": "3s", "tcpKeepalive": chart_values.tcp_keepalive()},
                "http": {"idleTimeout": chart_values.IDLE_TIMEOUT},
            },
            "loadBalancer": {**_affinity(), "localityLbSetting": nearest},
            "outlierDetection": outlier_detection(failures=2),
        },
    }


def gateway_destination_rule(name: str, namespace: str, mesh_peers: MeshPeers | None = None) -> dict[str, Any]:
    """Spec of a DestinationRule for the gateways, in their namespace: as `destination_rule`, and subsets for languages.

    A proxy takes the rule of its own namespace. Only the public gateway routes by language, and the gateways between
    regions must know the same names; the services' proxies need no subset.
    """
    elsewhere = {"loadBalancer": _affinity(), "outlierDetection": outlier_detection(failures=1)}
    return {
        **destination_rule(name, namespace, mesh_peers),
        "exportTo": ["."],
        "subsets": peers.subsets(mesh_peers, elsewhere),
    }


def _affinity() -> dict[str, Any]:
    return {"consistentHash": {"httpHeaderName": CIRCLE_HEADER, "maglev": {"tableSize": HASH_TABLE}}}


def outlier_detection(*, failures: int) -> dict[str, Any]:
    """Spec of an outlier detection: leave out for a while what fails so many times in a row, or has a bad gateway.

    A failure is a connection that does not open, or a request without an answer in time. Subsets, whose requests mostly
    leave the region, use 1: when a region dies, whoever tries again must get an answer from another one.
    """
    return {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": failures,
        "consecutiveGatewayErrors": 5,
        "consecutive5xxErrors": 0,
        "interval": "10s",
        "baseEjectionTime": "30s",
        # Other regions get requests only once every pod of this one is left out.
        "maxEjectionPercent": 100,
    }


def service_host(name: str, namespace: str) -> str:
    """Return the DNS name of Service `name` in `namespace`."""
    return f"{name}.{namespace}.svc.cluster.local"


def _route(name: str, namespace: str, port: int) -> dict[str, Any]:
    return {
        "name": name,
        "match": [{"uri": {"exact": f"/{name}"}}, {"uri": {"prefix": f"/{name}/"}}],
        "rewrite": {"uri": "/"},
        "route": [{"destination": {"host": service_host(name, namespace), "port": {"number": port}}}],
        "timeout": "15s",
        # Retry only failures before the service has seen the request, so that nothing is done twice.
        "retries": {
            "attempts": 2,
            "retryOn": "connect-failure,refused-stream",
            # The third attempt goes to another region.
            "retryRemoteLocalities": True,
        },
    }


def _language_route(name: str, namespace: str, port: int, language: LanguageRoute, subset: str) -> dict[str, Any]:
    plain = _route(name, namespace, port)
    return {
        **plain,
        "name": f"{name}-{language.match}-{language.region}",
        "match": [
            {**path, "headers": {LANGUAGE_HEADER: {language.match: tag}}}
            for path in plain["match"]
            for tag in language.tags
        ],
        "route": [{"destination": {**plain["route"][0]["destination"], "subset": subset}}],
    }
