"""Lets the mesh's pods reach data services that a cloud runs: the mesh knows its own services, and lets nothing else
out."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.connection import DataService
from components.context import RegionContext
from components.metadata import object_meta
from components.namespaces import SERVICES

APP = "managed-data-services"


class DataServiceEntries(pulumi.ComponentResource):
    """One entry of the mesh's registry per data service. Connections go where the client wanted, encrypted by the
    client.

    `data_services` by kind, each with its port; the address of each is one of `addresses` (CIDR). Only the services'
    pods may reach them. `ready` is the control plane's.

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
    """The entry: any address of the range on the data service's port. The name is the entry's alone; nobody asks for
    it."""
    return {
        "hosts": [f"{data_service}.managed.internal"],
        "addresses": [addresses],
        # Not TLS: PostgreSQL's clients begin without it.
        "ports": [{"name": f"tcp-{data_service}", "number": port, "protocol": "TCP"}],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
        "exportTo": ["."],
    }
