"""Lets the mesh's pods reach stores that a cloud runs: the mesh knows its own services, and lets nothing else out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.connection import Store
from components.metadata import object_meta

APP = "managed-stores"


@dataclass(frozen=True, kw_only=True)
class ManagedStoresArgs:
    """The `stores` by kind, each with its port; the address of each is one of `addresses` (CIDR).

    Only pods in `namespace` may reach them. `ready` is the control plane's.
    """

    region: str
    namespace: pulumi.Input[str]
    stores: Mapping[Store, pulumi.Input[int]]
    addresses: str
    ready: Sequence[pulumi.Resource]

    def __post_init__(self) -> None:
        if not self.stores:
            raise ValueError("stores: expected at least one store with its port, got none")


class ManagedStores(pulumi.ComponentResource):
    """One entry of the mesh's registry per store. Connections go where the client wanted, encrypted by the client.

    No outputs.
    """

    def __init__(self, name: str, args: ManagedStoresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:ManagedStores", name, None, opts)
        for store, port in args.stores.items():
            k8s.apiextensions.CustomResource(
                f"{name}-{store}",
                api_version="networking.istio.io/v1",
                kind="ServiceEntry",
                metadata=object_meta(f"managed-{store}", app=APP, region=args.region, namespace=args.namespace),
                spec=service_entry(store, port, args.addresses),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready)),
            )
        self.register_outputs({})


def service_entry(store: Store, port: pulumi.Input[int], addresses: str) -> dict[str, object]:
    """The entry: any address of the range on the store's port. The name is the entry's alone; nobody asks for it."""
    return {
        "hosts": [f"{store}.managed.internal"],
        "addresses": [addresses],
        # Not TLS: PostgreSQL's clients begin without it.
        "ports": [{"name": f"tcp-{store}", "number": port, "protocol": "TCP"}],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
        "exportTo": ["."],
    }
