"""A program with only the mesh, for tests. Configuration: `postQuantum` and `bare` (without monitoring)."""

import pulumi

from components.mesh import ControlPlane, IngressGateway, ServiceRouting
from components.mesh.settings import MeshSettings
from components.namespace import RestrictedNamespace, RestrictedNamespaceArgs
from components.namespaces import INGRESS, ISTIO, SERVICES
from tests.programs.contexts import context_of

NAMES = ("agent-network", "sacred-messaging")

config = pulumi.Config("mesh")
settings = MeshSettings.model_validate({"postQuantum": config.get("postQuantum") or "prefer"})
bare = config.get_bool("bare") or False

crds = None if bare else RestrictedNamespace("crds", RestrictedNamespaceArgs(namespace="monitoring", region="here"))
context = context_of("here", [ISTIO, INGRESS, SERVICES], monitored_by=crds)

control_plane = ControlPlane(
    "here-mesh",
    context,
    settings,
    network_name="here-network",
    authority=context.authority,
    shared_services=NAMES,
    sidecars=6,
    traced=None if bare else 0.25,
)
gateway = IngressGateway("here-gateway", context, settings, service_type="NodePort", ready=control_plane.ready)
routing = ServiceRouting(
    "here-routing",
    context,
    NAMES,
    gateway=gateway.gateway,
    gateway_principal=gateway.principal,
    ready=control_plane.ready,
)
pulumi.export("gatewayHost", gateway.gateway_host)
pulumi.export("portForward", gateway.port_forward)
pulumi.export("urls", routing.urls)
