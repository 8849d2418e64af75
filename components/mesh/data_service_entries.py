"""Let the mesh's pods reach data services that a cloud runs. The mesh blocks targets that it does not know."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.connection import DataService
from components.context import RegionContext
from components.metadata import object_meta
from components.namespaces import SERVICES

APP = "managed-data-services"


class DataServiceEntries(pulumi.ComponentResource):
    """One entry of the mesh's registry per data service. Connections keep their address and the client's encryption.

    `data_services` maps each kind to its port; all addresses are in `addresses` (CIDR).
    Only the services' pods may reach them.
    `ready` are the resources of the control plane to wait for.

    No outputs.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        data_services: Mapping[DataService, pulumi.Input[int]],
        *,
        addresses: str,
        ready: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:mesh:DataServiceEntries", name, None, context.child(opts))
        for data_service, port in data_services.items():
            k8s.apiextensions.CustomResource(
                f"{name}-{data_service}",
                api_version="networking.istio.io/v1",
                kind="ServiceEntry",
                metadata=object_meta(
                    f"managed-{data_service}", app=APP, region=context.region, namespace=context.namespaces[SERVICES]
                ),
                spec=service_entry(data_service, port, addresses),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(ready)),
            )
        self.register_outputs({})


def service_entry(data_service: DataService, port: pulumi.Input[int], addresses: str) -> dict[str, object]:
    """Spec of a ServiceEntry: any address of the range, on the data service's port. No client resolves its host."""
    return {
        "hosts": [f"{data_service}.managed.internal"],
        "addresses": [addresses],
        # Not TLS, because PostgreSQL's clients begin without it.
        "ports": [{"name": f"tcp-{data_service}", "number": port, "protocol": "TCP"}],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
        "exportTo": ["."],
    }
