"""An edge site's way to the database of its home region."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import pulumi

from components import network
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.database import cockroachdb_nodes as nodes
from components.database.credentials import DatabaseCredentials
from components.mesh.routing import SERVICE_LABELS
from components.namespaces import COCKROACHDB, SERVICES
from components.peering import PeerNames, PeerNamesArgs
from components.peering.names import SERVICE, host
from components.workload import AppMetadata, custom_object

APP: Final = "home-database"
ANY: Final = "any"


class HomeDatabase(DataServiceComponent):
    """The database of the region `home`, as a site's services see it: all its nodes behind one name.

    `endpoints` has the IPv4 addresses of the peer endpoint of each node.
    `mesh` are the resources of the mesh's control plane; empty without a mesh, which would let nobody out.

    Outputs: those of every data service, known at once. Whether the database answers is not waited for: a
    site comes up while its home is down.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        home: str,
        endpoints: Sequence[Sequence[pulumi.Output[str]]],
        credentials: DatabaseCredentials,
        mesh: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:sites:HomeDatabase", name, None, context.child(opts))
        child = pulumi.ResourceOptions(parent=self)
        addresses = list(chain.from_iterable(endpoints))
        namespace = context.namespaces[COCKROACHDB]
        numbered = {host(home, index): list(known) for index, known in enumerate(endpoints)}
        PeerNames(
            f"{name}-peers",
            PeerNamesArgs(
                region=context.region,
                app=APP,
                namespace=namespace,
                port=nodes.SQL_PORT,
                hosts={**numbered, any_node(home): addresses},
            ),
            child,
        )
        self._let_services_out(name, context, addresses, mesh)
        reached = pulumi.Output.concat(any_node(home), ".", SERVICE, ".", namespace, ".svc")
        self.offer(
            Connection.publish(
                name,
                "database",
                region=context.region,
                namespace=context.namespaces[SERVICES],
                url=credentials.url(reached, nodes.SQL_PORT),
                host=reached,
                port=nodes.SQL_PORT,
                settings=credentials.settings(context.authority.root_pem),
                after=[],
                opts=child,
            )
        )

    def _let_services_out(
        self,
        name: str,
        context: RegionContext,
        addresses: Sequence[pulumi.Output[str]],
        mesh: Sequence[pulumi.Resource],
    ) -> None:
        """Open the way to the nodes: the network policy of the services' pods, and the mesh if there is one."""
        app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[SERVICES])
        blocks = [pulumi.Output.concat(address, "/32") for address in addresses]
        app.network_policy(
            f"{name}-network-policy",
            pods=SERVICE_LABELS,
            egress=[network.egress([nodes.SQL_PORT], *map(network.cidr, blocks))],
            opts=pulumi.ResourceOptions(parent=self),
        )
        if mesh:
            custom_object(
                f"{name}-entry",
                app,
                api_version="networking.istio.io/v1",
                kind="ServiceEntry",
                name=APP,
                spec=service_entry(blocks),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(mesh)),
            )


def any_node(home: str) -> str:
    """Return the first label of the name that stands for all nodes of `home`. Their certificates have it."""
    return f"{home}-{ANY}"


def service_entry(blocks: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    """Spec of a ServiceEntry: the addresses in `blocks`, on the database's port. No client resolves its host.

    The mesh blocks targets that it does not know. Connections keep their address and the client's encryption.
    """
    return {
        "hosts": ["database.home.internal"],
        "addresses": list(blocks),
        # Not TLS, because PostgreSQL's clients begin without it.
        "ports": [{"name": "tcp-database", "number": nodes.SQL_PORT, "protocol": "TCP"}],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
        "exportTo": ["."],
    }
