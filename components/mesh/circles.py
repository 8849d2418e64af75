"""The way of browsers to circles' servers: `/circles/rtc` of the public gateway, with a limit of rate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from components.circles import proxy
from components.circles.configuration import APP, PATH, SERVICE, SIGNALLING, public_url
from components.circles.settings import CirclesSettings
from components.context import RegionContext
from components.mesh import browsers
from components.mesh.routing import service_host
from components.namespaces import CIRCLES, INGRESS
from components.public_gateway import INGRESS_PODS
from components.workload import AppMetadata, custom_object

ROUTE: Final = "circles"
"""Name of the route, by which the filter finds it."""
AUTHORITY: Final = "circles-authority"
"""Secret with the root that signed the certificate of the servers' proxies."""
RATE_FILTER: Final = "sacred-council.circles"
"""A name of its own: two filters of the same name would each count every request of a route."""


class CirclesRoute(pulumi.ComponentResource):
    """The route from the public gateway to the region's servers for circles, over TLS with a verified name.

    `host` leads to the region's gateway, without the CDN if there is one: a call may last longer than a CDN allows, and
    a CDN chooses the region, which the call's home must do. `behind_cdn`: the gateway refuses what comes past the CDN,
    but for this route, where LiveKit asks for a token.
    `gateway` is the public Gateway (namespace/name). `ready` are the resources of the control plane to wait for.

    Outputs: `url` (where a browser connects).
    """

    url: str

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: CirclesSettings,
        *,
        host: str,
        behind_cdn: bool,
        gateway: pulumi.Input[str],
        ready: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:CirclesRoute", name, None, context.child(opts))
        after = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
        circles = context.namespaces[CIRCLES]
        app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[INGRESS])
        authority = browsers.admit(
            name,
            app,
            namespace=circles,
            port=proxy.PORT,
            authority=AUTHORITY,
            root=context.authority.root_pem,
            opts=pulumi.ResourceOptions(parent=self),
        )
        known = pulumi.Output.all(namespace=circles, gateway=gateway, authority=authority)
        specs: dict[tuple[str, str], pulumi.Input[dict[str, Any]]] = {
            ("networking.istio.io/v1", "VirtualService"): known.apply(
                lambda values: virtual_service(host=host, gateway=values["gateway"], namespace=values["namespace"])
            ),
            ("networking.istio.io/v1", "DestinationRule"): known.apply(
                lambda values: destination_rule(settings, namespace=values["namespace"], authority=values["authority"])
            ),
            ("networking.istio.io/v1alpha3", "EnvoyFilter"): limits(INGRESS_PODS, settings),
            **(
                {("security.istio.io/v1", "AuthorizationPolicy"): past_the_cdn(INGRESS_PODS, host)}
                if behind_cdn
                else {}
            ),
        }
        for (api_version, kind), spec in specs.items():
            custom_object(
                f"{name}-{kind.lower()}", app, api_version=api_version, kind=kind, name=APP, spec=spec, opts=after
            )
        self.url = public_url(host)
        self.register_outputs({"url": self.url})


def virtual_service(*, host: str, gateway: str, namespace: str) -> dict[str, Any]:
    """Spec of a VirtualService: where participants connect, and none of the paths for services."""
    return {
        "hosts": [host],
        "gateways": [gateway],
        "http": [
            {
                "name": ROUTE,
                "match": [{"uri": {"prefix": f"{PATH}{SIGNALLING}"}}],
                "rewrite": {"uri": SIGNALLING},
                "route": [{"destination": {"host": service_host(SERVICE, namespace), "port": {"number": proxy.PORT}}}],
                # No timeout, which is Istio's default: a WebSocket lasts as long as its call.
                "retries": {"attempts": 2, "retryOn": "connect-failure"},
            }
        ],
    }


def destination_rule(settings: CirclesSettings, *, namespace: str, authority: str) -> dict[str, Any]:
    """Spec of a DestinationRule: TLS with the servers' name, and no more connections than their proxies take.

    `authority` is a Secret in the gateway's namespace, with `ca.crt`.
    """
    return browsers.destination_rule(
        SERVICE,
        namespace=namespace,
        authority=authority,
        most_connections=settings.servers * proxy.CONNECTIONS,
        connections_per_second=settings.connections_per_second,
    )


def limits(gateway: Mapping[str, str], settings: CirclesSettings) -> dict[str, Any]:
    """Spec of an EnvoyFilter: new connections in a second, for each pod `gateway`."""
    filters = [browsers.gateway_filter(RATE_FILTER, browsers.rate(ROUTE))]
    configured = {RATE_FILTER: browsers.rate_of_route(ROUTE, settings.connections_per_second)}
    return browsers.limits(gateway, ROUTE, filters, configured)


def past_the_cdn(gateway: Mapping[str, str], host: str) -> dict[str, Any]:
    """Spec of an AuthorizationPolicy: one more thing that the gateway allows, beside what comes through the CDN."""
    path = f"{PATH}{SIGNALLING}"
    operation = {"hosts": [host, f"{host}:*"], "methods": ["GET", "OPTIONS"], "paths": [path, f"{path}/*"]}
    return {
        "selector": {"matchLabels": dict(gateway)},
        "action": "ALLOW",
        "rules": [{"to": [{"operation": operation}]}],
    }
