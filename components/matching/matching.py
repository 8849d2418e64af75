"""Matching: the embedding servers of a region, and the table of embeddings in its database."""

import pulumi

from components.connection import Connection, DataServiceComponent, depends_on_ready
from components.context import RegionContext
from components.database import Database, DatabaseSchema
from components.database.credentials import DatabaseCredentials
from components.matching import proxy
from components.matching.embedding import EmbeddingServer
from components.matching.index import SCHEMA, VectorIndex
from components.matching.settings import MatchingSettings
from components.namespaces import SERVICES


class EmbeddingMatching(DataServiceComponent):
    """Embedding servers in each region, and a table with a vector index in the database.

    The table is there before the Secret. The servers may come later, because fetching the model takes its time.

    Outputs: those of `components.matching.Matching`.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MatchingSettings,
        *,
        database: Database,
        credentials: DatabaseCredentials,
        keda: pulumi.Resource | None,
        gpus: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:matching:Matching", name, None, context.child(opts))
        child = pulumi.ResourceOptions(parent=self)
        index = VectorIndex.of(settings)
        server = EmbeddingServer(f"{name}-embedding", context, settings, keda=keda, gpus=gpus, opts=child)
        table = database.administration.make(
            f"{name}-schema",
            _schema(index, credentials),
            pulumi.ResourceOptions(parent=self, depends_on=[depends_on_ready(database.secret_name)]),
        )
        self.offer(
            Connection.publish(
                name,
                "matching",
                region=context.region,
                namespace=context.namespaces[SERVICES],
                url=pulumi.Output.concat("https://", server.host, f":{proxy.PORT}"),
                host=server.host,
                port=proxy.PORT,
                settings={
                    "token": server.token,
                    "ca.crt": context.authority.root_pem,
                    "model": index.full_name,
                    "dimension": str(index.dimension),
                    "table": index.table,
                    # The authority is that of the database's own Secret.
                    "database.url": credentials.url(database.host, database.port),
                    "database.username": credentials.username,
                    "database.password": credentials.password,
                },
                after=[table],
                opts=child,
            )
        )


def _schema(index: VectorIndex, credentials: DatabaseCredentials) -> DatabaseSchema:
    return DatabaseSchema(
        name=SCHEMA,
        username=credentials.username,
        password=credentials.password,
        cockroachdb=index.cockroachdb,
        cockroachdb_made=index.cockroachdb_made,
        postgresql=index.postgresql,
    )
