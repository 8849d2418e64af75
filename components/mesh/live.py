"""The way of browsers to NATS: `/live` of the public gateway, with limits of rate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from components.context import RegionContext
from components.mesh import browsers
from components.mesh.routing import service_host
from components.messaging.live_configuration import APP, PATH, WEBSOCKET_PORT, live_url
from components.messaging.settings import WebSocketSettings
from components.namespaces import INGRESS, LIVE
from components.public_gateway import INGRESS_PODS
from components.settings.values import bytes_of
from components.workload import AppMetadata, custom_object

ROUTE: Final = "live"
"""Name of the route, by which filters find it."""
AUTHORITY: Final = "live-authority"
"""Secret with the root that signed the certificate of the servers for browsers."""
RATE_FILTER: Final = "envoy.filters.http.local_ratelimit"
BANDWIDTH_FILTER: Final = "envoy.filters.http.bandwidth_limit"


class LiveRoute(pulumi.ComponentResource):
    """The route from the public gateway to the servers for browsers, over TLS with a verified name.

    `gateway` is the public Gateway (namespace/name).
    `ready` are the resources of the control plane to wait for.

    Outputs: `url` (where a browser connects).
    """

    url: str

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: WebSocketSettings,
        *,
        gateway: pulumi.Input[str],
        ready: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:LiveRoute", name, None, context.child(opts))
        after = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
        live = context.namespaces[LIVE]
        app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[INGRESS])
        authority = browsers.admit(
            name,
            app,
            namespace=live,
            port=WEBSOCKET_PORT,
            authority=AUTHORITY,
            root=context.authority.root_pem,
            opts=pulumi.ResourceOptions(parent=self),
        )
        known = pulumi.Output.all(namespace=live, gateway=gateway, authority=authority)
        specs: dict[tuple[str, str], pulumi.Input[dict[str, Any]]] = {
            ("networking.istio.io/v1", "VirtualService"): known.apply(
                lambda values: virtual_service(
                    domain=context.domain, gateway=values["gateway"], host=service_host(APP, values["namespace"])
                )
            ),
            ("networking.istio.io/v1", "DestinationRule"): known.apply(
                lambda values: destination_rule(settings, namespace=values["namespace"], authority=values["authority"])
            ),
            ("networking.istio.io/v1alpha3", "EnvoyFilter"): limits(INGRESS_PODS, settings),
        }
        for (api_version, kind), spec in specs.items():
            custom_object(
                f"{name}-{kind.lower()}", app, api_version=api_version, kind=kind, name=APP, spec=spec, opts=after
            )
        self.url = live_url(context.domain)
        self.register_outputs({"url": self.url})


def virtual_service(*, domain: str, gateway: str, host: str) -> dict[str, Any]:
    """Spec of a VirtualService: WebSockets at `/live`, and nothing below it, where leaf nodes and MQTT would answer."""
    return {
        "hosts": [domain],
        "gateways": [gateway],
        "http": [
            {
                "name": ROUTE,
                "match": [{"uri": {"exact": PATH}}],
                "route": [{"destination": {"host": host, "port": {"number": WEBSOCKET_PORT}}}],
                # No timeout, which is Istio's default: a WebSocket lasts as long as its user stays.
                "retries": {"attempts": 2, "retryOn": "connect-failure"},
            }
        ],
    }


def destination_rule(settings: WebSocketSettings, *, namespace: str, authority: str) -> dict[str, Any]:
    """Spec of a DestinationRule: TLS with the servers' name, and no more connections than the servers take.

    `authority` is a Secret in the gateway's namespace, with `ca.crt`.
    """
    return browsers.destination_rule(
        APP,
        namespace=namespace,
        authority=authority,
        most_connections=settings.servers * settings.max_connections,
        connections_per_second=settings.connections_per_second,
    )


def limits(gateway: Mapping[str, str], settings: WebSocketSettings) -> dict[str, Any]:
    """Spec of an EnvoyFilter: new connections in a second, and bytes from browsers, for each pod `gateway`.

    NATS has no such limits (https://github.com/nats-io/nats-server/issues/4891).
    """
    bandwidth = {"@type": f"{browsers.FILTERS}.bandwidth_limit.v3.BandwidthLimit", "stat_prefix": ROUTE}
    upload = max(1, bytes_of(settings.upload_per_second) // 1024)
    filters = [
        browsers.gateway_filter(RATE_FILTER, browsers.rate(ROUTE)),
        browsers.gateway_filter(BANDWIDTH_FILTER, {**bandwidth, "enable_mode": "DISABLED"}),
    ]
    configured = {
        RATE_FILTER: browsers.rate_of_route(ROUTE, settings.connections_per_second),
        BANDWIDTH_FILTER: {**bandwidth, "enable_mode": "REQUEST", "limit_kbps": upload},
    }
    return browsers.limits(gateway, ROUTE, filters, configured)
