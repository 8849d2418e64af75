"""The small, early resources of a region. Other regions may wait for these and for nothing else of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import namespaces
from components.cluster import ClusterOutputs
from components.mesh.chart_values import NETWORK_LABEL
from components.metadata import INJECTED
from components.namespace import RestrictedNamespace, RestrictedNamespaceArgs
from components.peering import PeerEndpoint, StorePeers
from components.trust import RegionAuthority, RegionAuthorityArgs, RootAuthority
from stacks import clusters, dns
from stacks.clouds import RegionCloud, RegionCluster
from stacks.data_services import data_namespaces
from stacks.peering import PeerEndpoints, PeeringSite, edge_sites_endpoints, name_peers, region_peer_endpoints
from stacks.settings import Settings
from stacks.topology import RegionPlan

BASELINE = {"pod-security.kubernetes.io/enforce": "baseline"}
"""For Rancher only, whose image runs as root. Violations of `restricted` are reported, not refused."""


@dataclass(frozen=True, kw_only=True)
class RegionBaseArgs:
    """Arguments of a `RegionBase`. The roots sign the region's certificate authorities."""

    plan: RegionPlan
    settings: Settings
    clouds: Mapping[str, RegionCloud]
    """All regions, by name: the cluster stands in the region's own and admits the others."""
    platform_root: RootAuthority
    mesh_root: RootAuthority
    traced: bool = False
    """Whether there is a collector of traces, also without `monitoring.enabled`."""


class RegionBase(pulumi.ComponentResource):
    """The region's cluster, namespaces and certificate authorities, and its peer endpoints for the other regions."""

    region_cluster: RegionCluster
    """The cluster, which can also build the cloud's managed services."""
    cluster: ClusterOutputs
    """Outputs of the cluster."""
    provider: k8s.Provider
    """Deploys to the cluster."""
    namespaces: Mapping[str, pulumi.Output[str]]
    """By name."""
    authority: RegionAuthority
    """Signs the certificates of data services and gateways."""
    mesh_authority: RegionAuthority
    """Signs Istio's certificates."""
    endpoints: PeerEndpoints
    """By the data service's namespace; empty without peering."""
    sites_endpoints: Mapping[str, PeerEndpoint]
    """Where the region's edge sites reach it, by namespace. Empty if it is no site's home."""

    def __init__(self, name: str, args: RegionBaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:stack:RegionBase", name, None, opts)
        self._args = args
        region = args.plan.name
        child = pulumi.ResourceOptions(parent=self)
        self.region_cluster = clusters.cluster(args.plan, args.settings, args.clouds, child)
        self.cluster = self.region_cluster.outputs
        self.provider = self.cluster.provider
        self.namespaces = {
            namespace: self._namespace(region, namespace, labels)
            for namespace, labels in namespace_labels(args.plan, args.settings, traced=args.traced).items()
        }
        self.authority = self._authority(region, "platform", args.platform_root)
        self.mesh_authority = self._authority(region, "mesh", args.mesh_root)
        self.endpoints = region_peer_endpoints(self._site()) if args.plan.peering_enabled else {}
        self.sites_endpoints = edge_sites_endpoints(self._site())
        self.register_outputs({"namespaces": dict(self.namespaces)})

    def peers(self, endpoints: Mapping[str, PeerEndpoints]) -> Mapping[str, StorePeers]:
        """Make the DNS names of the other regions' peer endpoints here, and return the endpoints.

        They are by the data service's namespace, and there are none without peering.

        `endpoints` has the peer endpoints of all regions, by region.
        """
        return name_peers(self._site(), endpoints) if self._args.plan.peering_enabled else {}

    def _site(self) -> PeeringSite:
        return PeeringSite(
            plan=self._args.plan,
            settings=self._args.settings,
            clouds=self._args.clouds,
            cluster=self.cluster,
            namespaces=self.namespaces,
            parent=self,
        )

    def _namespace(self, region: str, namespace: str, labels: dict[str, str]) -> pulumi.Output[str]:
        return RestrictedNamespace(
            f"{region}-{namespace}",
            RestrictedNamespaceArgs(
                namespace=namespace,
                region=region,
                labels=labels,
                dns_caches=dns.caches_of(self._args.settings.region(region)),
            ),
            pulumi.ResourceOptions(parent=self, providers=[self.provider]),
        ).namespace

    def _authority(self, region: str, purpose: str, root: RootAuthority) -> RegionAuthority:
        return RegionAuthority(
            f"{region}-{purpose}-authority",
            RegionAuthorityArgs(root=root, common_name=f"Sacred Council {purpose} authority of {region}"),
            pulumi.ResourceOptions(parent=self),
        )


def namespace_labels(plan: RegionPlan, settings: Settings, *, traced: bool = False) -> dict[str, dict[str, str]]:
    """The region's namespaces, each with its labels besides the standard ones.

    `traced`: there is a collector of traces, also without `monitoring.enabled`.
    """
    mesh = {
        namespaces.ISTIO: {NETWORK_LABEL: plan.mesh_network},
        namespaces.INGRESS: INJECTED,
    }
    return {
        **{namespace: {} for namespace in data_namespaces(settings).values()},
        **(mesh if settings.mesh.enabled else {}),
        **({namespaces.MONITORING: {}} if settings.monitoring.enabled or traced else {}),
        **({namespaces.LIVE: {}} if settings.messaging.websocket.enabled else {}),
        **({namespaces.KEDA: {}} if settings.scaling.enabled else {}),
        **({namespaces.CERT_MANAGER: {}} if settings.edge.cdn != "none" or plan.name == settings.rancher_hub else {}),
        **_hub_namespaces(plan, settings),
        namespaces.SERVICES: INJECTED if settings.mesh.enabled else {},
    }


def _hub_namespaces(plan: RegionPlan, settings: Settings) -> dict[str, dict[str, str]]:
    return {
        **({namespaces.ARGO_CD: {}} if plan.name == settings.gitops_hub else {}),
        **(
            {namespaces.RANCHER: BASELINE, namespaces.RANCHER_CLUSTERS: {}} if plan.name == settings.rancher_hub else {}
        ),
    }
