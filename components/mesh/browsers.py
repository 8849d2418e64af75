"""What the ways of browsers through the public gateway have in common: TLS to the servers, and limits of rate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.mesh import chart_values
from components.mesh.routing import service_host
from components.metadata import selector
from components.public_gateway import INGRESS_PODS
from components.workload import AppMetadata

FILTERS: Final = "type.googleapis.com/envoy.extensions.filters.http"


def admit(
    name: str,
    app: AppMetadata,
    *,
    namespace: pulumi.Output[str],
    port: int,
    authority: str,
    root: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Let the gateway reach the pods of `app` in their `namespace` and verify them; return the name of a Secret.

    `app` is in the gateway's namespace, and so is the Secret `authority`. It holds `root`, which signed the pods'
    certificate.
    """
    app.network_policy(
        f"{name}-network-policy",
        pods=INGRESS_PODS,
        egress=[network.egress([port], network.peer(namespace=namespace, pods=selector(app.app)))],
        opts=opts,
    )
    secret = k8s.core.v1.Secret(
        f"{name}-authority", metadata=app.meta(authority), string_data={"ca.crt": root}, opts=opts
    )
    made: pulumi.Output[str] = secret.metadata.name
    return made


def destination_rule(
    service: str, *, namespace: str, authority: str, most_connections: int, connections_per_second: int
) -> dict[str, Any]:
    """Spec of a DestinationRule: TLS with the servers' name, and no more connections than they take.

    `authority` is a Secret in the gateway's namespace, with `ca.crt`.
    """
    name = f"{service}.{namespace}.svc"
    return {
        "host": service_host(service, namespace),
        "trafficPolicy": {
            "connectionPool": {
                "tcp": {
                    "maxConnections": most_connections,
                    "connectTimeout": "3s",
                    "tcpKeepalive": chart_values.tcp_keepalive(),
                },
                "http": {"http1MaxPendingRequests": connections_per_second},
            },
            "loadBalancer": {"simple": "LEAST_REQUEST"},
            "tls": {"mode": "SIMPLE", "credentialName": authority, "sni": name, "subjectAltNames": [name]},
        },
    }


def rate(route: str) -> dict[str, Any]:
    """Return the configuration of a filter that counts new connections: it does nothing but where a route says so."""
    return {"@type": f"{FILTERS}.local_ratelimit.v3.LocalRateLimit", "stat_prefix": route}


def rate_of_route(route: str, connections_per_second: int) -> dict[str, Any]:
    """Return what `route` says to that filter: new connections in a second, for each pod of the gateway."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        **rate(route),
        "token_bucket": {
            "max_tokens": connections_per_second,
            "tokens_per_fill": connections_per_second,
            "fill_interval": "1s",
        },
        "filter_enabled": {**always, "runtime_key": f"{route}_connections_enabled"},
        "filter_enforced": {**always, "runtime_key": f"{route}_connections_enforced"},
    }


def limits(
    gateway: Mapping[str, str],
    route: str,
    filters: Sequence[Mapping[str, Any]],
    configured: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Spec of an EnvoyFilter for each pod `gateway`: `filters` of the listener, and how they are `configured`, by name.

    The filters do nothing but where the route configures them.
    """
    return {
        "workloadSelector": {"labels": dict(gateway)},
        "configPatches": [
            *filters,
            {
                "applyTo": "HTTP_ROUTE",
                "match": {"context": "GATEWAY", "routeConfiguration": {"vhost": {"route": {"name": route}}}},
                "patch": {"operation": "MERGE", "value": {"typed_per_filter_config": dict(configured)}},
            },
        ],
    }


def gateway_filter(name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch of an EnvoyFilter that adds the HTTP filter `name` to all listeners of a gateway."""
    # Before the router, and so behind the filters that ask for the edge's token.
    manager = "envoy.filters.network.http_connection_manager"
    router = {"name": manager, "subFilter": {"name": "envoy.filters.http.router"}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": router}}},
        "patch": {"operation": "INSERT_BEFORE", "value": {"name": name, "typed_config": dict(configuration)}},
    }
