"""Istio's control plane: its charts, the region's certificate authority, and the rules of the whole mesh."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cluster import MeshPlatform
from components.mesh import config, routes
from components.metadata import object_meta
from components.namespaces import SYSTEM
from components.releases import chart_release
from components.trust import RegionAuthority
from components.versions import ISTIO_BASE, ISTIO_CNI, ISTIOD

APP = "istiod"
PODS = {"app": "istiod"}


@dataclass(frozen=True, kw_only=True)
class ControlPlaneArgs:
    """What the mesh is called, who signs its certificates, and whom it serves.

    `network_name` is the region's network, set from the start so that a second region changes nothing here; the label
    topology.istio.io/network of `namespace` says the same.
    `trust_domain` is the same in all regions. `injected_namespaces` have sidecars; `monitoring_namespace` scrapes.
    Regions serve the hosts `shared_services` for each other; all other services are the region's own.
    `trace_collector` is the host of an OTLP/gRPC collector (None: no traces), `trace_sampling` a share from 0 to 1.
    `platform` is the kind of cluster, where the CNI plugin's paths depend on it. `monitored_by` brings the monitoring
    CRDs (None: no monitors).
    """

    region: str
    namespace: pulumi.Input[str]
    network_name: str
    mesh_id: str
    trust_domain: str
    authority: RegionAuthority
    injected_namespaces: Sequence[str]
    monitoring_namespace: str
    trace_collector: str | None
    trace_sampling: float
    shared_services: Sequence[str]
    post_quantum: config.PostQuantum
    platform: MeshPlatform | None = None
    min_replicas: int = 1
    max_replicas: int = 5
    monitored_by: pulumi.Resource | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.trace_sampling <= 1:
            raise ValueError(f"trace_sampling: expected a share from 0 to 1, got {self.trace_sampling}")
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise ValueError(
                f"min_replicas: {self.min_replicas} is not between 1 and max_replicas ({self.max_replicas})"
            )


class ControlPlane(pulumi.ComponentResource):
    """Istio with mutual TLS everywhere, sidecars by CNI, certificates from the region's authority, and tracing.

    Outputs: `ready` (what must exist before pods with sidecars and before Istio's custom resources).
    """

    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:ControlPlane", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        authority = self._authority(name, args)
        policies = self._network_policies(name, args)
        base = chart_release(
            f"{name}-base", ISTIO_BASE, name="istio-base", namespace=args.namespace, values={}, opts=child
        )
        istiod = chart_release(
            f"{name}-istiod",
            ISTIOD,
            name="istiod",
            namespace=args.namespace,
            values=_istiod_values(args),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[base, authority, *policies])),
        )
        cni = chart_release(
            f"{name}-cni",
            ISTIO_CNI,
            name="istio-cni",
            namespace=SYSTEM,
            values=config.cni_values(platform=args.platform),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[istiod])),
        )
        rules = self._mesh_rules(name, args, istiod)
        if args.monitored_by is not None:
            self._monitor(name, args, args.monitored_by)
        self.ready = [istiod, cni, *rules]
        self.register_outputs({})

    def _authority(self, name: str, args: ControlPlaneArgs) -> k8s.core.v1.Secret:
        return k8s.core.v1.Secret(
            f"{name}-cacerts",
            metadata=object_meta("cacerts", app=APP, region=args.region, namespace=args.namespace),
            string_data={
                "ca-cert.pem": args.authority.certificate_pem,
                "ca-key.pem": args.authority.private_key_pem,
                "root-cert.pem": args.authority.root_pem,
                "cert-chain.pem": args.authority.chain_pem,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _network_policies(self, name: str, args: ControlPlaneArgs) -> list[pulumi.Resource]:
        proxies = [network.peer(namespace=namespace) for namespace in args.injected_namespaces]
        opened = network.policy(
            f"{name}-policy",
            name="istiod",
            app=APP,
            region=args.region,
            namespace=args.namespace,
            pods=PODS,
            ingress=[
                network.ingress([config.XDS_PORT], *proxies),
                # The API server calls the webhooks from an address that differs with every cluster.
                network.ingress([config.WEBHOOK_PORT]),
                network.ingress([config.CONTROL_PLANE_METRICS_PORT], network.peer(namespace=args.monitoring_namespace)),
            ],
            egress=[network.api_server_egress()],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [opened]

    def _mesh_rules(self, name: str, args: ControlPlaneArgs, istiod: pulumi.Resource) -> list[pulumi.Resource]:
        after = pulumi.ResourceOptions(parent=self, depends_on=[istiod])
        mutual_tls = k8s.apiextensions.CustomResource(
            f"{name}-mutual-tls",
            api_version="security.istio.io/v1",
            kind="PeerAuthentication",
            metadata=object_meta("default", app=APP, region=args.region, namespace=args.namespace),
            spec=routes.mutual_tls(),
            opts=after,
        )
        if args.trace_collector is None:
            return [mutual_tls]
        tracing = k8s.apiextensions.CustomResource(
            f"{name}-tracing",
            api_version="telemetry.istio.io/v1",
            kind="Telemetry",
            metadata=object_meta("mesh-default", app=APP, region=args.region, namespace=args.namespace),
            spec=routes.tracing(config.TRACING_PROVIDER, args.trace_sampling),
            opts=after,
        )
        return [mutual_tls, tracing]

    def _monitor(self, name: str, args: ControlPlaneArgs, crds: pulumi.Resource) -> None:
        k8s.apiextensions.CustomResource(
            f"{name}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=object_meta("istiod", app=APP, region=args.region, namespace=args.namespace),
            spec={
                "selector": {"matchLabels": PODS},
                "endpoints": [{"port": "http-monitoring", "interval": "30s"}],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[crds]),
        )


def _istiod_values(args: ControlPlaneArgs) -> dict[str, object]:
    return config.istiod_values(
        region=args.region,
        network=args.network_name,
        mesh_id=args.mesh_id,
        trust_domain=args.trust_domain,
        trace_collector=args.trace_collector,
        post_quantum=args.post_quantum,
        shared_services=args.shared_services,
        platform=args.platform,
        min_replicas=args.min_replicas,
        max_replicas=args.max_replicas,
    )
