"""CockroachDB in the cluster, as part of one database over all regions."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.database import cockroachdb_nodes as nodes
from components.database.administration import DatabaseAdministration
from components.database.cockroachdb_jobs import BACKUP_APP, BOOTSTRAP_APP, REGIONS_APP, BackupPlan, CockroachDBJobs
from components.database.credentials import DatabaseCredentials
from components.database.settings import DatabaseSettings
from components.metadata import DONE_AT_ONCE, selector
from components.namespaces import COCKROACHDB, MONITORING, SERVICES
from components.ports import HTTPS_PORT
from components.trust import Certificate
from components.workload import (
    AppMetadata,
    Resources,
    disruption_budget,
    headless_service,
    server_certificate,
    service_account,
    service_monitor,
    service_port,
    stateful_set,
)


class CockroachDB(DataServiceComponent):
    """A secure, initialised CockroachDB cluster with the application's database and user.

    `primary_region` initialises the database, and the nodes of other regions join its nodes. It may be this region.
    A cluster of several nodes needs `license_key` from seven days after its start.
    `backup` is the region's backup plan (None: no backups); `backed_up` are all regions that take backups.

    Outputs: those of `components.database.Database`, known once the cluster accepts the application's connections;
    `backup_uri` (where the region's backups go; None: no backups).
    """

    backup_uri: pulumi.Output[str] | None
    administration: DatabaseAdministration

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: DatabaseSettings,
        *,
        credentials: DatabaseCredentials,
        primary_region: str,
        license_key: pulumi.Input[str] | None = None,
        backup: BackupPlan | None = None,
        backed_up: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CockroachDB", name, None, context.child(opts))
        self._child = pulumi.ResourceOptions(parent=self)
        self._context = context
        self._app = AppMetadata(app=nodes.APP, region=context.region, namespace=context.namespaces[COCKROACHDB])
        at_home = primary_region == context.region
        certificate = server_certificate(
            f"{name}-node-certificate",
            self._app,
            context.authority,
            common_name="node",
            secret="cockroachdb-node",  # noqa: S106 - the name of a Secret
            dns_names=nodes.NODE_NAMES,
            opts=self._child,
        )
        self._network_policy(name, at_home=at_home, backup=backup, licensed=license_key is not None)
        self._services(name, certificate)
        started = self._nodes(name, settings, certificate, primary_region=primary_region, backup=backup)
        jobs = CockroachDBJobs(
            f"{name}-jobs",
            context,
            settings,
            credentials=credentials,
            primary_region=at_home,
            license_key=license_key,
            backup=backup,
            backed_up=backed_up,
            opts=self._child,
        )
        self.backup_uri = jobs.backup_uri
        self.administration = jobs.administration
        self._connect(name, credentials, [started, jobs.bootstrapped])

    def _network_policy(self, name: str, *, at_home: bool, backup: BackupPlan | None, licensed: bool) -> None:
        """Open the nodes to each other, to clients, to the region's Jobs and monitoring, and to the other regions.

        With a licence the nodes also reach their vendor. A free one lets them serve little once they have not reported
        for seven days: https://www.cockroachlabs.com/docs/stable/licensing-faqs
        """
        peers = self._context.peers.get(COCKROACHDB)
        itself = network.peer(pods=selector(nodes.APP))
        jobs = [BOOTSTRAP_APP, *([REGIONS_APP] if at_home else []), *([BACKUP_APP] if backup else [])]
        clients = network.peer(namespace=self._context.namespaces[SERVICES])
        self._app.network_policy(
            f"{name}-network-policy",
            ingress=[
                network.ingress([nodes.SQL_PORT], itself, *(network.peer(pods=selector(job)) for job in jobs), clients),
                network.ingress([nodes.HTTP_PORT], network.peer(namespace=MONITORING)),
                *([peers.ingress(nodes.SQL_PORT)] if peers else []),
            ],
            egress=[
                network.egress([nodes.SQL_PORT], itself),
                *([peers.egress(nodes.SQL_PORT)] if peers else []),
                *([_to_anyone()] if backup or licensed else []),
                *(_to_tokens(backup) if backup else []),
            ],
            opts=self._child,
        )

    def _services(self, name: str, certificate: Certificate) -> None:
        ports = [service_port("sql", nodes.SQL_PORT), service_port("https", nodes.HTTP_PORT, protocol="https")]
        headless_service(name, self._app, service=nodes.HEADLESS_SERVICE, ports=ports, opts=self._child)
        k8s.core.v1.Service(
            f"{name}-public",
            metadata=self._app.meta(nodes.PUBLIC_SERVICE, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(selector=selector(nodes.APP), ports=ports),
            opts=self._child,
        )
        authority = {"secret": {"name": certificate.secret_name, "key": "ca.crt"}}
        service_monitor(
            name,
            self._app,
            endpoint={
                "port": "https",
                "path": "/_status/vars",
                "scheme": "https",
                "tlsConfig": {"ca": authority, "serverName": nodes.PUBLIC_SERVICE},
            },
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _nodes(
        self,
        name: str,
        settings: DatabaseSettings,
        certificate: Certificate,
        *,
        primary_region: str,
        backup: BackupPlan | None,
    ) -> k8s.apps.v1.StatefulSet:
        identity = backup.identity if backup else None
        service_account(name, self._app, self._child, identity.annotations if identity else None)
        disruption_budget(name, self._app, self._child)
        pods = nodes.NodePods(
            app=self._app,
            command=nodes.start_command(
                self._app.region,
                primary_region=primary_region,
                alone=self._context.peers.get(COCKROACHDB) is None,
            ),
            resources=Resources(cpu=settings.cpu, memory=settings.memory),
            certificate=certificate,
            identity=identity,
        )
        # Nodes become ready only after the Job initialises the cluster, and the Job needs running nodes, so neither
        # waits for the other.
        return stateful_set(
            name,
            self._app,
            replicas=settings.nodes,
            headless=nodes.HEADLESS_SERVICE,
            pods=pods.template(),
            storage=settings.storage,
            storage_class=self._context.storage_class,
            opts=self._child,
        )

    def _connect(self, name: str, credentials: DatabaseCredentials, ready: Sequence[pulumi.Resource]) -> None:
        host = self._app.host_of(nodes.PUBLIC_SERVICE)
        self.offer(
            Connection.publish(
                name,
                "database",
                region=self._app.region,
                namespace=self._context.namespaces[SERVICES],
                url=credentials.url(host, nodes.SQL_PORT),
                host=host,
                port=nodes.SQL_PORT,
                settings=credentials.settings(self._context.authority.root_pem),
                after=ready,
                opts=self._child,
            )
        )


def _to_anyone() -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """Let the nodes reach object storage and their vendor, whose addresses change."""
    return network.egress([HTTPS_PORT], network.cidr("0.0.0.0/0"))


def _to_tokens(backup: BackupPlan) -> list[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """Let the nodes reach the known source of their identity's tokens, where it has a port of its own."""
    tokens = backup.identity.token_endpoints
    return [network.egress([port], network.cidr(block)) for block, port in tokens if port != HTTPS_PORT]
