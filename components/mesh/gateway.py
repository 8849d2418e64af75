"""The gateway through which the public reaches a region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cluster import PublicAddress
from components.mesh import config, routes
from components.mesh.monitors import proxy_monitor
from components.metadata import object_meta
from components.releases import chart_release
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.versions import ISTIO_GATEWAY

APP = "istio-ingressgateway"
PODS = {"istio": "ingressgateway"}
GATEWAY = "sacred-council"
CREDENTIAL = "gateway-certificate"


@dataclass(frozen=True, kw_only=True)
class PublicCertificate:
    """A certificate that somebody else keeps: the Secret `credential` in the gateway's namespace, for `hosts`."""

    credential: pulumi.Input[str]
    hosts: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class IngressGatewayArgs:
    """Where the gateway is and what it serves.

    `domain` is the host it answers to, with a certificate from `authority`; with a `public_certificate` it shows that
    one, also to who asks for its hosts. `service_type` is how its Service faces outwards, `service_annotations` what
    the cloud needs to know about it, `address` one that is reserved for it. `upstreams` maps namespaces it forwards
    to, to the pods' ports. `ready` is the control plane's; `monitored_by` brings the monitoring CRDs (None: no
    monitor).
    """

    region: str
    namespace: pulumi.Input[str]
    domain: str
    authority: RegionAuthority
    service_type: config.ServiceType
    post_quantum: config.PostQuantum
    trust_domain: str
    upstreams: Mapping[str, Sequence[int]]
    control_plane_namespace: str
    monitoring_namespace: str
    ready: Sequence[pulumi.Resource]
    service_annotations: Mapping[str, str] = field(default_factory=dict)
    address: PublicAddress | None = None
    public_certificate: PublicCertificate | None = None
    min_replicas: int = 1
    max_replicas: int = 5
    monitored_by: pulumi.Resource | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise ValueError(
                f"min_replicas: {self.min_replicas} is not between 1 and max_replicas ({self.max_replicas})"
            )


class IngressGateway(pulumi.ComponentResource):
    """Istio's ingress gateway: HTTPS for one domain, with HTTP sent there.

    Outputs: `service_name`, `gateway_host` (its DNS name inside the cluster), `gateway` (what VirtualServices name),
    `principal` (its identity in the mesh), `port_forward` (a command that makes it reachable from the user's machine).
    """

    service_name: pulumi.Output[str]
    gateway_host: pulumi.Output[str]
    gateway: pulumi.Output[str]
    principal: pulumi.Output[str]
    port_forward: pulumi.Output[str]

    def __init__(self, name: str, args: IngressGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:IngressGateway", name, None, opts)
        public = args.public_certificate
        credential = self._certificate(name, args).secret_name if public is None else public.credential
        release = self._release(name, args, self._network_policies(name, args))
        self._gateway(name, args, pulumi.Output.from_input(credential))
        self._keepalive(name, args)
        if args.monitored_by is not None:
            monitor = pulumi.ResourceOptions(parent=self, depends_on=[args.monitored_by])
            proxy_monitor(f"{name}-monitor", app=APP, region=args.region, namespace=args.namespace, opts=monitor)
        namespace = pulumi.Output.from_input(args.namespace)
        self.service_name = release.name.apply(lambda _: APP)
        self.gateway_host = namespace.apply(lambda known: routes.service_host(APP, known))
        self.gateway = namespace.apply(lambda known: f"{known}/{GATEWAY}")
        self.principal = namespace.apply(lambda known: f"{args.trust_domain}/ns/{known}/sa/{APP}")
        self.port_forward = namespace.apply(lambda known: f"kubectl -n {known} port-forward service/{APP} 8443:443")
        self.register_outputs({"service_name": self.service_name, "gateway_host": self.gateway_host})

    def _certificate(self, name: str, args: IngressGatewayArgs) -> Certificate:
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name=args.domain,
                app=APP,
                region=args.region,
                namespace=args.namespace,
                secret_name=CREDENTIAL,
                usages=["server"],
                dns_names=[args.domain],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _release(
        self, name: str, args: IngressGatewayArgs, policies: k8s.networking.v1.NetworkPolicy
    ) -> k8s.helm.v3.Release:
        return chart_release(
            f"{name}-release",
            ISTIO_GATEWAY,
            name=APP,
            namespace=args.namespace,
            values=config.gateway_values(
                service_type=args.service_type,
                annotations={**args.service_annotations, **(args.address.annotations if args.address else {})},
                load_balancer_ip=args.address.load_balancer_ip if args.address else None,
                min_replicas=args.min_replicas,
                max_replicas=args.max_replicas,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.ready, policies]),
        )

    def _gateway(self, name: str, args: IngressGatewayArgs, credential: pulumi.Output[str]) -> None:
        more = args.public_certificate.hosts if args.public_certificate else ()
        k8s.apiextensions.CustomResource(
            f"{name}-gateway",
            api_version="networking.istio.io/v1",
            kind="Gateway",
            metadata=object_meta(GATEWAY, app=APP, region=args.region, namespace=args.namespace),
            spec=credential.apply(
                lambda secret: routes.gateway(
                    hosts=[args.domain, *more],
                    selector=PODS,
                    credential=secret,
                    post_quantum=args.post_quantum,
                    any_handshake=bool(more),
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready)),
        )

    def _keepalive(self, name: str, args: IngressGatewayArgs) -> None:
        k8s.apiextensions.CustomResource(
            f"{name}-keepalive",
            api_version="networking.istio.io/v1alpha3",
            kind="EnvoyFilter",
            metadata=object_meta("keepalive", app=APP, region=args.region, namespace=args.namespace),
            spec=config.listener_keepalive(PODS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready)),
        )

    def _network_policies(self, name: str, args: IngressGatewayArgs) -> k8s.networking.v1.NetworkPolicy:
        monitoring = network.peer(namespace=args.monitoring_namespace)
        upstreams = [
            network.egress(ports, network.peer(namespace=namespace))
            for namespace, ports in sorted(args.upstreams.items())
        ]
        return network.policy(
            f"{name}-policy",
            name=APP,
            app=APP,
            region=args.region,
            namespace=args.namespace,
            pods=PODS,
            ingress=[
                network.ingress([config.HTTP_TARGET_PORT, config.HTTPS_TARGET_PORT, config.STATUS_PORT]),
                network.ingress([config.PROXY_METRICS_PORT], monitoring),
            ],
            egress=[
                network.egress([config.XDS_PORT], network.peer(namespace=args.control_plane_namespace)),
                network.egress([config.TRACING_PORT], monitoring),
                *upstreams,
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
