"""A region's gateways for the public and for other regions, each with its network policies."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cluster import PublicAddress
from components.cluster.settings import ServiceType
from components.context import RegionContext
from components.mesh import chart_values
from components.mesh.chart_values import EAST_WEST_APP, EAST_WEST_PODS, TRUST_DOMAIN
from components.mesh.origin import OriginCertificate
from components.mesh.routing import SERVICE_LABELS, proxy_monitor, service_host
from components.mesh.settings import MeshSettings, PostQuantum
from components.metadata import object_meta
from components.namespaces import INGRESS, ISTIO, MONITORING, SERVICES
from components.ports import OTLP_GRPC_PORT
from components.public_gateway import HTTP_TARGET_PORT, HTTPS_TARGET_PORT, INGRESS_APP, INGRESS_PODS
from components.releases import chart_release
from components.services import HTTP_PORT
from components.trust import Certificate, CertificateArgs
from components.versions import ISTIO_GATEWAY
from components.workload import AppMetadata

GATEWAY: Final = "sacred-council"
CREDENTIAL: Final = "gateway-certificate"
BETWEEN_NETWORKS: Final = "cross-network"
"""Name of the Gateway for other regions."""

CALLERS: Final = {"services": (SERVICES, SERVICE_LABELS), "ingress": (INGRESS, INGRESS_PODS)}
"""The pods that call other regions: their namespace and labels, by a short name for the policy."""


class IngressGateway(pulumi.ComponentResource):
    """Istio's ingress gateway: HTTPS for the context's domain, and a redirect from HTTP.

    Its certificate is from the region's authority.
    `public_certificate` replaces that certificate and adds its own hosts.
    `service_type` and `service_annotations` configure the gateway's Service for the cloud.
    `address` is the reserved address.
    `ready` are the resources of the control plane to wait for.

    Outputs: `service_name`, `gateway_host` (DNS name inside the cluster), `gateway` (the name for VirtualServices),
    `principal` (its identity in the mesh), `port_forward` (a command that opens it on the user's machine).
    """

    service_name: pulumi.Output[str]
    gateway_host: pulumi.Output[str]
    gateway: pulumi.Output[str]
    principal: pulumi.Output[str]
    port_forward: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MeshSettings,
        *,
        service_type: ServiceType,
        ready: Sequence[pulumi.Resource],
        service_annotations: Mapping[str, str] | None = None,
        address: PublicAddress | None = None,
        public_certificate: OriginCertificate | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:IngressGateway", name, None, context.child(opts))
        self._name = name
        self._context = context
        self._after = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
        certificate = public_certificate or self._certificate(context.domain)
        hosts = [context.domain, *(public_certificate.hosts if public_certificate else ())]
        values = chart_values.gateway_values(
            settings,
            region=context.region,
            service_type=service_type,
            annotations={**(service_annotations or {}), **(address.annotations if address else {})},
            load_balancer_ip=address.load_balancer_ip if address else None,
        )
        release = _release(name, context, INGRESS_APP, values, [*ready, self._network_policy()], self)
        self._gateway(hosts, settings.post_quantum, certificate.secret_name)
        self._keepalive()
        app = AppMetadata(app=INGRESS_APP, region=context.region, namespace=context.namespaces[INGRESS])
        proxy_monitor(name, app, context, pulumi.ResourceOptions(parent=self))
        namespace = context.namespaces[INGRESS]
        self.service_name = release.name.apply(lambda _: INGRESS_APP)
        self.gateway_host = namespace.apply(lambda known: service_host(INGRESS_APP, known))
        self.gateway = namespace.apply(lambda known: f"{known}/{GATEWAY}")
        self.principal = namespace.apply(lambda known: f"{TRUST_DOMAIN}/ns/{known}/sa/{INGRESS_APP}")
        self.port_forward = namespace.apply(
            lambda known: f"kubectl -n {known} port-forward service/{INGRESS_APP} 8443:443"
        )
        self.register_outputs({"service_name": self.service_name, "gateway_host": self.gateway_host})

    def _certificate(self, domain: str) -> Certificate:
        return Certificate(
            f"{self._name}-certificate",
            CertificateArgs(
                authority=self._context.authority,
                common_name=domain,
                app=INGRESS_APP,
                region=self._context.region,
                namespace=self._context.namespaces[INGRESS],
                secret_name=CREDENTIAL,
                usages=["server"],
                dns_names=[domain],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _gateway(self, hosts: Sequence[str], post_quantum: PostQuantum, credential: pulumi.Output[str]) -> None:
        k8s.apiextensions.CustomResource(
            f"{self._name}-gateway",
            api_version="networking.istio.io/v1",
            kind="Gateway",
            metadata=_meta(GATEWAY, self._context, INGRESS_APP),
            spec=credential.apply(
                lambda secret: public_gateway(
                    hosts=hosts,
                    selector=INGRESS_PODS,
                    credential=secret,
                    post_quantum=post_quantum,
                    any_handshake=len(hosts) > 1,
                )
            ),
            opts=self._after,
        )

    def _keepalive(self) -> None:
        k8s.apiextensions.CustomResource(
            f"{self._name}-keepalive",
            api_version="networking.istio.io/v1alpha3",
            kind="EnvoyFilter",
            metadata=_meta("keepalive", self._context, INGRESS_APP),
            spec=listener_keepalive(INGRESS_PODS),
            opts=self._after,
        )

    def _network_policy(self) -> k8s.networking.v1.NetworkPolicy:
        return _network_policy(
            self._name,
            self._context,
            INGRESS_APP,
            INGRESS_PODS,
            [HTTP_TARGET_PORT, HTTPS_TARGET_PORT, chart_values.STATUS_PORT],
            [network.egress([OTLP_GRPC_PORT], network.peer(namespace=MONITORING))],
            self,
        )


class EastWestGateway(pulumi.ComponentResource):
    """Istio's gateway between networks. It takes mutual TLS on 15443 and cannot read the traffic it forwards.

    istiod finds the gateway's address by itself, in every region.
    `network_name` is the region's network.
    `allowed_sources` are the source IPv4 addresses of the other regions.
    `ready` are the resources of the control plane to wait for.

    Outputs: `ready` (once these exist, the gateway has its address and forwards to pods).
    """

    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MeshSettings,
        *,
        network_name: str,
        service_type: ServiceType,
        service_annotations: Mapping[str, str],
        allowed_sources: Sequence[pulumi.Input[str]],
        ready: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:EastWestGateway", name, None, context.child(opts))
        # The load balancer checks who connects, because on some clouds callers have other addresses behind it.
        ports = [chart_values.EAST_WEST_PORT, chart_values.STATUS_PORT]
        own = _network_policy(name, context, EAST_WEST_APP, EAST_WEST_PODS, ports, [], self)
        values = chart_values.east_west_values(
            settings,
            region=context.region,
            network=network_name,
            service_type=service_type,
            annotations=service_annotations,
            allowed_sources=allowed_sources,
        )
        before = [*ready, own, *self._callers_network_policies(name, context)]
        release = _release(name, context, EAST_WEST_APP, values, before, self)
        listener = k8s.apiextensions.CustomResource(
            f"{name}-gateway",
            api_version="networking.istio.io/v1",
            kind="Gateway",
            metadata=_meta(BETWEEN_NETWORKS, context, EAST_WEST_APP),
            spec=east_west_gateway(EAST_WEST_PODS, [SERVICES]),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(ready)),
        )
        self.ready = [release, listener]
        self.register_outputs({})

    def _callers_network_policies(self, name: str, context: RegionContext) -> list[k8s.networking.v1.NetworkPolicy]:
        """Let pods connect to other regions' gateways, by port only, because some have just a host name."""
        return [
            network.policy(
                f"{name}-{callers}-callers",
                name="other-regions",
                app=EAST_WEST_APP,
                region=context.region,
                namespace=context.namespaces[namespace],
                pods=pods,
                egress=[network.egress([chart_values.EAST_WEST_PORT])],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for callers, (namespace, pods) in CALLERS.items()
        ]


def _meta(name: str, context: RegionContext, app: str) -> k8s.meta.v1.ObjectMetaArgs:
    return object_meta(name, app=app, region=context.region, namespace=context.namespaces[INGRESS])


def _release(
    name: str,
    context: RegionContext,
    app: str,
    values: Mapping[str, Any],
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> k8s.helm.v3.Release:
    return chart_release(
        f"{name}-release",
        ISTIO_GATEWAY,
        name=app,
        namespace=context.namespaces[INGRESS],
        values=values,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )


def _network_policy(
    name: str,
    context: RegionContext,
    app: str,
    pods: Mapping[str, str],
    ports: Sequence[int],
    more_egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs],
    parent: pulumi.Resource,
) -> k8s.networking.v1.NetworkPolicy:
    """Let anyone reach the gateway's `ports`, and let the gateway reach the control plane and the services."""
    return network.policy(
        f"{name}-policy",
        name=app,
        app=app,
        region=context.region,
        namespace=context.namespaces[INGRESS],
        pods=pods,
        ingress=[
            network.ingress(ports),
            network.ingress([chart_values.PROXY_METRICS_PORT], network.peer(namespace=MONITORING)),
        ],
        egress=[
            network.egress([chart_values.XDS_PORT], network.peer(namespace=ISTIO)),
            *more_egress,
            network.egress([HTTP_PORT], network.peer(namespace=SERVICES)),
        ],
        opts=pulumi.ResourceOptions(parent=parent),
    )


def public_gateway(
    *,
    hosts: Sequence[str],
    selector: Mapping[str, str],
    credential: str,
    post_quantum: PostQuantum,
    any_handshake: bool = False,
) -> dict[str, Any]:
    """Spec of the public Gateway: HTTPS with the certificate in Secret `credential`. HTTP only redirects.

    All hosts share one server, because a CDN names one host in the handshake and another in its requests.
    With `any_handshake` the handshake may name any host or none, because some probes name none. Requests still need a
    route.
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


def east_west_gateway(selector: dict[str, str], namespaces: Sequence[str]) -> dict[str, Any]:
    """Spec of the Gateway for other regions: pass mutual TLS through to the service in its server name.

    Only services in `namespaces` are reachable.
    """
    return {
        "selector": selector,
        "servers": [
            {
                "port": {"number": chart_values.EAST_WEST_PORT, "name": "tls", "protocol": "TLS"},
                "hosts": [f"*.{namespace}.svc.cluster.local" for namespace in namespaces],
                "tls": {"mode": "AUTO_PASSTHROUGH"},
            }
        ],
    }


def listener_keepalive(gateway: Mapping[str, str]) -> dict[str, Any]:
    """Spec of an EnvoyFilter: TCP keepalive for connections to the pods `gateway`, set on the listening socket.

    CDNs keep connections for 10 minutes, and users' WebSockets may be silent for longer.
    """
    socket, tcp = 1, 6
    options = [
        (socket, 9, 1),  # SO_KEEPALIVE
        (tcp, 4, chart_values.KEEPALIVE_SECONDS),  # TCP_KEEPIDLE
        (tcp, 5, chart_values.KEEPALIVE_INTERVAL_SECONDS),  # TCP_KEEPINTVL
        (tcp, 6, chart_values.KEEPALIVE_PROBES),  # TCP_KEEPCNT
    ]
    values = [{"level": level, "name": name, "int_value": value} for level, name, value in options]
    patch = {"operation": "MERGE", "value": {"socket_options": values}}
    return {
        "workloadSelector": {"labels": dict(gateway)},
        "configPatches": [{"applyTo": "LISTENER", "match": {"context": "GATEWAY"}, "patch": patch}],
    }
