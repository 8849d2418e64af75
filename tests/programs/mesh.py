"""A program of the mesh alone, for tests. Configuration key `postQuantum`; `bare` leaves the monitoring out."""

from typing import cast

import pulumi

from components.mesh import (
    ControlPlane,
    ControlPlaneArgs,
    IngressGateway,
    IngressGatewayArgs,
    ServiceRouting,
    ServiceRoutingArgs,
)
from components.mesh.config import PostQuantum
from components.namespace import RestrictedNamespace, RestrictedNamespaceArgs
from components.trust import RegionAuthority, RegionAuthorityArgs, RootAuthority, RootAuthorityArgs

config = pulumi.Config("mesh")
post_quantum = cast(PostQuantum, config.get("postQuantum") or "prefer")
bare = config.get_bool("bare") or False

root = RootAuthority("root", RootAuthorityArgs(common_name="root"))
authority = RegionAuthority("region", RegionAuthorityArgs(root=root, common_name="region"))
crds = None if bare else RestrictedNamespace("crds", RestrictedNamespaceArgs(namespace="monitoring", region="here"))

control_plane = ControlPlane(
    "here-mesh",
    ControlPlaneArgs(
        region="here",
        namespace="istio-system",
        network_name="here-network",
        mesh_id="sacred-council",
        trust_domain="example.org",
        authority=authority,
        injected_namespaces=["sacred-council", "istio-ingress"],
        monitoring_namespace="monitoring",
        trace_collector=None if bare else "collector.monitoring.svc.cluster.local",
        trace_sampling=0.25,
        shared_services=["agent-network.sacred-council.svc.cluster.local"],
        post_quantum=post_quantum,
        monitored_by=crds,
    ),
)
gateway = IngressGateway(
    "here-gateway",
    IngressGatewayArgs(
        region="here",
        namespace="istio-ingress",
        domain="example.org",
        authority=authority,
        service_type="NodePort",
        post_quantum=post_quantum,
        trust_domain="example.org",
        upstreams={"sacred-council": [9898]},
        control_plane_namespace="istio-system",
        monitoring_namespace="monitoring",
        ready=control_plane.ready,
        monitored_by=crds,
    ),
)
routing = ServiceRouting(
    "here-routing",
    ServiceRoutingArgs(
        region="here",
        namespace="sacred-council",
        services={"agent-network": 9898, "sacred-messaging": 9898},
        metrics_port=9797,
        domain="example.org",
        gateway=gateway.gateway,
        gateway_principal=gateway.principal,
        monitoring_namespace="monitoring",
        ready=control_plane.ready,
        monitored_by=crds,
    ),
)
pulumi.export("gatewayHost", gateway.gateway_host)
pulumi.export("portForward", gateway.port_forward)
pulumi.export("urls", routing.urls)
