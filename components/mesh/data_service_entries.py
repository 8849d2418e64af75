"""Lets the mesh's pods reach data services that a cloud runs: the mesh knows its own services, and lets nothing else
out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.connection import DataService
from components.metadata import object_meta

APP = "managed-data-services"


@dataclass(frozen=True, kw_only=True)
class DataServiceEntriesArgs:
    """The `data_services` by kind, each with its port; the address of each is one of `addresses` (CIDR).

    Only pods in `namespace` may reach them. `ready` is the control plane's.
    """

    region: str
    namespace: pulumi.Input[str]
    data_services: Mapping[DataService, pulumi.Input[int]]
    addresses: str
    ready: Sequence[pulumi.Resource]

    def __post_init__(self) -> None:
        if not self.data_services:
            raise ValueError("data services: expected at least one data service with its port, got none")


class DataServiceEntries(pulumi.ComponentResource):
    """One entry of the mesh's registry per data service. Connections go where the client wanted, encrypted by the
    client.

    No outputs.
    """

    def __init__(self, name: str, args: DataServiceEntriesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:DataServiceEntries", name, None, opts)
        for data_service, port in args.data_services.items():
            k8s.apiextensions.CustomResource(
                f"{name}-{data_service}",
                api_version="networking.istio.io/v1",
                kind="ServiceEntry",
                metadata=object_meta(f"managed-{data_service}", app=APP, region=args.region, namespace=args.namespace),
                spec=service_entry(data_service, port, args.addresses),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready)),
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
