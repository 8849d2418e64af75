"""What Istio's resources say about routes, policies and traffic. Pure: no resources."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.cdn.names import LANGUAGE_HEADER
from components.mesh import across, config
from components.mesh.config import PostQuantum

CIRCLE_HEADER = "x-sacred-circle"
SERVICE_LABELS = {"app.kubernetes.io/part-of": "sacred-council", "app.kubernetes.io/component": "service"}


def mutual_tls() -> dict[str, Any]:
    """Spec of a PeerAuthentication: nothing but mutual TLS."""
    return {"mtls": {"mode": "STRICT"}}


def plain_metrics(metrics_port: int) -> dict[str, Any]:
    """Spec of a PeerAuthentication: `metrics_port` of the services takes plain text, for Prometheus has no sidecar."""
    return {
        "selector": {"matchLabels": SERVICE_LABELS},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {str(metrics_port): {"mode": "PERMISSIVE"}},
    }


def tracing(provider: str, share: float) -> dict[str, Any]:
    """Spec of a Telemetry: `share` (0 to 1) of the requests is traced."""
    return {"tracing": [{"providers": [{"name": provider}], "randomSamplingPercentage": round(share * 100, 2)}]}


def deny_all() -> dict[str, Any]:
    """Spec of an AuthorizationPolicy that allows nothing."""
    return {}


def allow_callers(*, gateway: str, namespace: str, ports: Sequence[int]) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: the gateway's identity and the services in `namespace` may call `ports`."""
    sources = [{"source": {"principals": [gateway]}}, {"source": {"namespaces": [namespace]}}]
    operation = {"ports": [str(port) for port in ports]}
    return {"action": "ALLOW", "rules": [{"from": sources, "to": [{"operation": operation}]}]}


def allow_metrics(metrics_port: int) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: metrics may be read. Network policies say by whom."""
    operation = {"ports": [str(metrics_port)], "methods": ["GET"], "paths": ["/metrics"]}
    return {"action": "ALLOW", "rules": [{"to": [{"operation": operation}]}]}


def gateway(
    *,
    hosts: Sequence[str],
    selector: Mapping[str, str],
    credential: str,
    post_quantum: PostQuantum,
    any_handshake: bool = False,
) -> dict[str, Any]:
    """Spec of the public Gateway: HTTPS with the certificate in Secret `credential`; HTTP only redirects.

    All hosts share one server: a CDN says one of them in the handshake, and another in its requests. With
    `any_handshake` the handshake may name any host, or none: some probes name none. Requests still need a route.
    """
    version = "TLSV1_3" if post_quantum == "strict" else "TLSV1_2"
    return {
        "selector": dict(selector),
        "servers": [
            {
                "port": {"number": 80, "name": "http", "protocol": "HTTP"},
                "hosts": list(hosts),
                "tls": {"httpsRedirect": True},
            },
            {
                "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                "hosts": ["*"] if any_handshake else list(hosts),
                "tls": {"mode": "SIMPLE", "credentialName": credential, "minProtocolVersion": version},
            },
        ],
    }


def virtual_service(
    *,
    domain: str,
    gateway: str,
    namespace: str,
    services: Mapping[str, int],
    languages: Sequence[across.LanguageRoute] = (),
) -> dict[str, Any]:
    """Spec of a VirtualService: https://<domain>/<service>/... goes to the service, without the prefix.

    One host for all services means one certificate, one DNS record and one origin for a CDN in every region.
    The first of `languages` that fits says which region serves a request; without one it is served here.
    """
    return {
        "hosts": [domain],
        "gateways": [gateway],
        "http": [
            route
            for name, port in sorted(services.items())
            for route in (
                *(_language_route(name, namespace, port, language) for language in languages),
                _route(name, namespace, port),
            )
        ],
    }


def readiness(*, hosts: Sequence[str], gateway: str, path: str) -> dict[str, Any]:
    """Spec of a VirtualService: the gateway itself answers `path` of `hosts`."""
    answer = {"status": 200, "body": {"string": "ready"}}
    route = {"name": "readiness", "match": [{"uri": {"exact": path}}], "directResponse": answer}
    return {"hosts": list(hosts), "gateways": [gateway], "http": [route]}


def destination_rule(name: str, namespace: str, mesh_peers: across.MeshPeers | None = None) -> dict[str, Any]:
    """Spec of a DestinationRule: a circle keeps its pod, and pods (or regions) that fail are left out for a while.

    With other regions about, they are tried nearest first, and each is a subset for routes that choose a region. Then
    the caller's zone comes before all others, too: a circle has one pod in each zone that it is called from.
    """
    affinity = {"consistentHash": {"httpHeaderName": CIRCLE_HEADER}}
    # Said, because outlier detection would put zones in order by itself, and a circle's pod would depend on the caller.
    nearest = {"enabled": False} if mesh_peers is None else across.nearest_first(mesh_peers)
    regions = {} if mesh_peers is None else {"subsets": across.subsets(mesh_peers, affinity)}
    return {
        "host": service_host(name, namespace),
        "trafficPolicy": {
            "connectionPool": {
                "tcp": {"connectTimeout": "3s", "tcpKeepalive": config.tcp_keepalive()},
                "http": {"idleTimeout": config.IDLE_TIMEOUT},
            },
            "loadBalancer": {**affinity, "localityLbSetting": nearest},
            # Locality failover starts only when every local pod is ejected: a limit below 100 % would prevent it.
            "outlierDetection": {
                "consecutiveGatewayErrors": 5,
                "consecutive5xxErrors": 0,
                "interval": "10s",
                "baseEjectionTime": "30s",
                "maxEjectionPercent": 100,
            },
        },
        **regions,
    }


def service_host(name: str, namespace: str) -> str:
    """The DNS name of Service `name` in `namespace`."""
    return f"{name}.{namespace}.svc.cluster.local"


def _route(name: str, namespace: str, port: int) -> dict[str, Any]:
    return {
        "name": name,
        "match": [{"uri": {"exact": f"/{name}"}}, {"uri": {"prefix": f"/{name}/"}}],
        "rewrite": {"uri": "/"},
        "route": [{"destination": {"host": service_host(name, namespace), "port": {"number": port}}}],
        "timeout": "15s",
        # Only failures that happen before a service has seen the request: nothing is done twice.
        "retries": {"attempts": 2, "retryOn": "connect-failure,refused-stream"},
    }


def _language_route(name: str, namespace: str, port: int, language: across.LanguageRoute) -> dict[str, Any]:
    plain = _route(name, namespace, port)
    return {
        **plain,
        "name": f"{name}-{language.match}-{language.region}",
        "match": [
            {**path, "headers": {LANGUAGE_HEADER: {language.match: tag}}}
            for path in plain["match"]
            for tag in language.tags
        ],
        "route": [{"destination": {**plain["route"][0]["destination"], "subset": language.region}}],
    }
