"""CockroachDB in the cluster, as part of one database over all regions."""

import pulumi
import pulumi_kubernetes as k8s

from components.connection import connection_secret, mount_path
from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_arguments import CockroachDBArgs
from components.database.cockroachdb_jobs import CockroachDBJobs
from components.database.cockroachdb_network import network_policy
from components.database.cockroachdb_nodes import NodePods
from components.metadata import selector
from components.trust import Certificate, CertificateArgs
from components.workload import (
    AppMetadata,
    Resources,
    data_claim,
    disruption_budget,
    headless_service,
    service_account,
    service_monitor,
)

__all__ = ["CockroachDB", "CockroachDBArgs"]


class CockroachDB(pulumi.ComponentResource):
    """A secure CockroachDB cluster, initialised, with the application's database and user.

    It offers what `components.database.Database` promises: `url` (secret), `host`, `port`, `secret_name`. They are
    known once the cluster accepts the application's connections. `backup_uri` is where the region's backups go (None:
    it takes none).
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    backup_uri: pulumi.Output[str] | None

    def __init__(self, name: str, args: CockroachDBArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDB", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=plan.APP, region=args.region, namespace=args.namespace)
        node = self._node_certificate(name, args)
        network_policy(f"{name}-network-policy", args, self._child)
        self._services(name, node, args.monitored_by)
        nodes = self._nodes(name, args, node)
        jobs = CockroachDBJobs(f"{name}-jobs", args, self._child)
        self.backup_uri = jobs.backup_uri
        self._connect(name, args, [nodes, jobs.bootstrapped])
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _node_certificate(self, name: str, args: CockroachDBArgs) -> Certificate:
        return Certificate(
            f"{name}-node-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name="node",
                app=plan.APP,
                region=args.region,
                namespace=args.namespace,
                secret_name="cockroachdb-node",  # noqa: S106 - the name of a Secret
                usages=("server", "client"),
                dns_names=[pulumi.Output.format(pattern, args.namespace) for pattern in plan.NODE_NAMES],
                ip_addresses=["127.0.0.1"],
            ),
            opts=self._child,
        )

    def _services(self, name: str, node: Certificate, monitored_by: pulumi.Resource | None) -> None:
        ports = [
            k8s.core.v1.ServicePortArgs(
                name="sql", port=plan.SQL_PORT, target_port="sql", app_protocol="tcp", protocol="TCP"
            ),
            k8s.core.v1.ServicePortArgs(
                name="https", port=plan.HTTP_PORT, target_port="https", app_protocol="https", protocol="TCP"
            ),
        ]
        headless_service(name, self._app, service=plan.HEADLESS_SERVICE, ports=ports, opts=self._child)
        k8s.core.v1.Service(
            f"{name}-public",
            metadata=self._app.meta(plan.PUBLIC_SERVICE),
            spec=k8s.core.v1.ServiceSpecArgs(selector=selector(plan.APP), ports=ports),
            opts=self._child,
        )
        tls = {"ca": {"secret": {"name": node.secret_name, "key": "ca.crt"}}, "serverName": plan.PUBLIC_SERVICE}
        service_monitor(
            name,
            self._app,
            endpoint={"port": "https", "path": "/_status/vars", "scheme": "https", "tlsConfig": tls},
            monitored_by=monitored_by,
            opts=self._child,
        )

    def _nodes(self, name: str, args: CockroachDBArgs, node: Certificate) -> k8s.apps.v1.StatefulSet:
        identity = args.backup.identity if args.backup else None
        service_account(name, self._app, self._child, identity.annotations if identity else None)
        disruption_budget(name, self._app, self._child)
        pods = NodePods(
            app=self._app,
            command=plan.start_command(args.region, primary_region=args.primary_region, alone=args.peers is None),
            resources=Resources(cpu=args.cpu, memory=args.memory),
            certificate=node,
            identity=identity,
        )
        # Nodes are ready once the Job has initialised the cluster, and the Job needs running nodes: neither waits
        # for the other.
        return k8s.apps.v1.StatefulSet(
            f"{name}-statefulset",
            metadata=self._app.meta(plan.APP),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                replicas=args.nodes,
                service_name=plan.HEADLESS_SERVICE,
                pod_management_policy="Parallel",
                selector=self._app.selecting(),
                template=pods.template(),
                volume_claim_templates=[data_claim(self._app, args.storage, args.storage_class)],
            ),
            opts=self._child,
        )

    def _connect(self, name: str, args: CockroachDBArgs, ready: list[pulumi.Resource]) -> None:
        host = pulumi.Output.concat(plan.PUBLIC_SERVICE, ".", args.namespace, ".svc")
        credentials = args.credentials
        url = pulumi.Output.all(host=host, password=credentials.password).apply(
            lambda known: plan.connection_url(
                username=credentials.username,
                password=known["password"],
                host=known["host"],
                database=credentials.database,
                authority_file=f"{mount_path('database')}/ca.crt",
            )
        )
        secret = connection_secret(
            f"{name}-connection",
            "database",
            region=args.region,
            namespace=args.client_namespace,
            settings={
                "url": url,
                "host": host,
                "port": str(plan.SQL_PORT),
                "database": credentials.database,
                "username": credentials.username,
                "password": credentials.password,
                "ca.crt": args.authority.root_pem,
            },
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=ready)),
        )
        self.secret_name = secret.metadata.name
        self.host = self.secret_name.apply(lambda _: host)
        self.port = self.secret_name.apply(lambda _: plan.SQL_PORT)
        self.url = pulumi.Output.secret(self.secret_name.apply(lambda _: url))
