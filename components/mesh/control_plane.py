"""Istio's control plane: its charts, the region's certificate authority, and mesh-wide rules."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cluster import MeshPlatform
from components.context import RegionContext
from components.mesh import chart_values
from components.mesh.routing import service_host
from components.mesh.settings import MeshSettings
from components.monitoring import collector_host
from components.namespaces import INGRESS, ISTIO, MONITORING, SERVICES, SYSTEM
from components.releases import chart_release
from components.trust import RegionAuthority
from components.versions import ISTIO_BASE, ISTIO_CNI, ISTIOD, ChartVersion
from components.workload import AppMetadata, custom_object, service_monitor

INJECTED_NAMESPACES = (SERVICES, INGRESS)
"""Namespaces whose pods have sidecars."""


class ControlPlane(pulumi.ComponentResource):
    """Istio with mutual TLS everywhere, sidecars by CNI, certificates from the region's authority, and tracing.

    `network_name` is the region's network, set from the start so that a second region changes nothing here. The
    namespace's label topology.istio.io/network has the same value.
    `authority` signs the mesh's certificates.
    Regions serve `shared_services` for each other. All other services stay inside the region.
    `sidecars` is the most pods with a sidecar in the region.
    `platform` is the kind of cluster, if the CNI plugin's paths depend on it.
    `traced` is the share of requests with a trace, from 0 to 1 (None: there is no collector).

    Outputs: `ready` (pods with sidecars and Istio's custom resources wait for these).
    """

    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MeshSettings,
        *,
        network_name: str,
        authority: RegionAuthority,
        shared_services: Sequence[str],
        sidecars: int,
        platform: MeshPlatform | None = None,
        traced: float | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:ControlPlane", name, None, context.child(opts))
        self._name = name
        self._context = context
        self._app = AppMetadata(app=chart_values.ISTIOD_APP, region=context.region, namespace=context.namespaces[ISTIO])
        before = [self._authority(authority), self._network_policy()]
        base = self._release("base", ISTIO_BASE, "istio-base", {}, [])
        values = chart_values.istiod_values(
            settings,
            region=context.region,
            network=network_name,
            trace_collector=None if traced is None else collector_host(MONITORING),
            shared_services=[service_host(service, SERVICES) for service in shared_services],
            platform=platform,
            sidecars=sidecars,
        )
        istiod = self._release("istiod", ISTIOD, "istiod", values, [base, *before])
        plugin = chart_values.cni_values(platform=platform)
        cni = self._release("cni", ISTIO_CNI, "istio-cni", plugin, [istiod], namespace=SYSTEM)
        self.ready = [istiod, cni, *self._mesh_rules(traced, istiod)]
        service_monitor(
            name,
            self._app,
            services=chart_values.ISTIOD_PODS,
            endpoint={"port": "http-monitoring", "interval": "30s"},
            monitored_by=context.monitored_by,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _release(
        self,
        purpose: str,
        chart: ChartVersion,
        release: str,
        values: Mapping[str, Any],
        after: Sequence[pulumi.Resource],
        namespace: pulumi.Input[str] | None = None,
    ) -> pulumi.Resource:
        return chart_release(
            f"{self._name}-{purpose}",
            chart,
            name=release,
            namespace=self._context.namespaces[ISTIO] if namespace is None else namespace,
            values=values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _authority(self, authority: RegionAuthority) -> k8s.core.v1.Secret:
        return k8s.core.v1.Secret(
            f"{self._name}-cacerts",
            metadata=self._app.meta("cacerts"),
            string_data={
                "ca-cert.pem": authority.certificate_pem,
                "ca-key.pem": authority.private_key_pem,
                "root-cert.pem": authority.root_pem,
                "cert-chain.pem": authority.chain_pem,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _network_policy(self) -> pulumi.Resource:
        proxies = [network.peer(namespace=namespace) for namespace in INJECTED_NAMESPACES]
        return self._app.network_policy(
            f"{self._name}-policy",
            pods=chart_values.ISTIOD_PODS,
            ingress=[
                network.ingress([chart_values.XDS_PORT], *proxies),
                # The API server calls the webhooks from an address that differs between clusters.
                network.ingress([chart_values.WEBHOOK_PORT]),
                network.ingress([chart_values.CONTROL_PLANE_METRICS_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[network.api_server_egress()],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _mesh_rules(self, traced: float | None, istiod: pulumi.Resource) -> list[pulumi.Resource]:
        after = pulumi.ResourceOptions(parent=self, depends_on=[istiod])
        only_mutual_tls = custom_object(
            f"{self._name}-mutual-tls",
            self._app,
            api_version="security.istio.io/v1",
            kind="PeerAuthentication",
            name="default",
            spec=mutual_tls(),
            opts=after,
        )
        if traced is None:
            return [only_mutual_tls]
        telemetry = custom_object(
            f"{self._name}-tracing",
            self._app,
            api_version="telemetry.istio.io/v1",
            kind="Telemetry",
            name="mesh-default",
            spec=tracing(chart_values.TRACING_PROVIDER, traced),
            opts=after,
        )
        return [only_mutual_tls, telemetry]


def mutual_tls() -> dict[str, Any]:
    """Spec of a PeerAuthentication: only mutual TLS."""
    return {"mtls": {"mode": "STRICT"}}


def tracing(provider: str, share: float) -> dict[str, Any]:
    """Spec of a Telemetry: trace `share` (0 to 1) of the requests."""
    return {"tracing": [{"providers": [{"name": provider}], "randomSamplingPercentage": round(share * 100, 2)}]}
