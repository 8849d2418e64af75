"""CockroachDB in the cluster, as part of one database over all regions."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.connection import connection_secret, mount_path
from components.crossing import Neighbours
from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_bootstrap import APP as BOOTSTRAP_APP
from components.database.cockroachdb_bootstrap import CockroachDBBootstrap, CockroachDBBootstrapArgs
from components.database.cockroachdb_nodes import NodePods
from components.database.cockroachdb_regions import APP as REGIONS_APP
from components.database.cockroachdb_regions import CockroachDBRegions, CockroachDBRegionsArgs
from components.database.cockroachdb_sql import Survival
from components.database.credentials import DatabaseCredentials
from components.metadata import selector
from components.quantities import quantity_bytes
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.workload import (
    MONITORING_NAMESPACE,
    Belonging,
    Resources,
    data_claim,
    disruption_budget,
    headless_service,
    service_account,
    service_monitor,
)

MINIMUM_REPLICATED = 3


@dataclass(frozen=True, kw_only=True)
class CockroachDBArgs:
    """One region's part of a CockroachDB cluster.

    `nodes` is 1 or at least 3; `storage`, `cpu` and `memory` are per node; `storage_class` None is the cluster's
    default. `license_key` is needed seven days after a cluster of several nodes has started. `monitored_by` brings
    the ServiceMonitor kind; None goes without.

    `founder` names the region whose nodes the others join and which initialises the database; it may be this one.
    `neighbours` are the other regions (None: there are none), and `survive` is what the database survives the loss of.
    """

    region: str
    authority: RegionAuthority
    credentials: DatabaseCredentials
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    founder: str
    monitored_by: pulumi.Resource | None = None
    nodes: int = 1
    storage: str = "10Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "500m"
    memory: str = "1Gi"
    license_key: pulumi.Input[str] | None = None
    neighbours: Neighbours | None = None
    survive: Survival = "zone"

    def __post_init__(self) -> None:
        if self.nodes != 1 and self.nodes < MINIMUM_REPLICATED:
            raise ValueError(
                f"nodes: expected 1 or at least {MINIMUM_REPLICATED}, got {self.nodes}; two nodes lose the majority"
                " when one fails"
            )
        known = {self.region, *(self.neighbours.regions if self.neighbours else ())}
        if self.founder not in known:
            raise ValueError(f"founder: expected one of {', '.join(sorted(known))}, got {self.founder!r}")
        quantity_bytes("storage", self.storage)
        quantity_bytes("memory", self.memory)


class CockroachDB(pulumi.ComponentResource):
    """A secure CockroachDB cluster, initialised, with the application's database and user.

    It offers what `components.database.Database` promises: `url` (secret), `host`, `port`, `secret_name`. They are
    known once the cluster accepts the application's connections.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: CockroachDBArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDB", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._belonging = Belonging(app=plan.APP, region=args.region, namespace=args.namespace)
        node = self._node_certificate(name, args)
        self._network_policy(name, args)
        self._services(name, node, args.monitored_by)
        nodes = self._nodes(name, args, node)
        bootstrap = self._set_up(name, args)
        self._connect(name, args, [nodes, bootstrap.job])
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

    def _root_certificate(self, name: str, args: CockroachDBArgs) -> Certificate:
        return Certificate(
            f"{name}-root-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name="root",
                app=plan.APP,
                region=args.region,
                namespace=args.namespace,
                secret_name="cockroachdb-client-root",  # noqa: S106 - the name of a Secret
                usages=("client",),
            ),
            opts=self._child,
        )

    def _network_policy(self, name: str, args: CockroachDBArgs) -> None:
        nodes = network.peer(pods=selector(plan.APP))
        jobs = [BOOTSTRAP_APP, REGIONS_APP] if args.founder == args.region else [BOOTSTRAP_APP]
        clients = [*(network.peer(pods=selector(job)) for job in jobs), network.peer(namespace=args.client_namespace)]
        others = args.neighbours
        network.policy(
            f"{name}-network-policy",
            name=plan.APP,
            app=plan.APP,
            region=self._belonging.region,
            namespace=self._belonging.namespace,
            pods=selector(plan.APP),
            ingress=[
                network.ingress([plan.SQL_PORT], nodes, *clients),
                network.ingress([plan.HTTP_PORT], network.peer(namespace=MONITORING_NAMESPACE)),
                *([others.ingress(plan.SQL_PORT)] if others else []),
            ],
            egress=[
                network.egress([plan.SQL_PORT], nodes),
                *([others.egress(plan.SQL_PORT)] if others else []),
            ],
            opts=self._child,
        )

    def _set_up(self, name: str, args: CockroachDBArgs) -> CockroachDBBootstrap:
        certificate = self._root_certificate(name, args)
        bootstrap = CockroachDBBootstrap(
            f"{name}-bootstrap",
            CockroachDBBootstrapArgs(
                region=args.region,
                namespace=args.namespace,
                certificate=certificate,
                credentials=args.credentials,
                license_key=args.license_key,
                founder=args.founder == args.region,
                neighbours=args.neighbours,
            ),
            opts=self._child,
        )
        if args.founder == args.region:
            CockroachDBRegions(
                f"{name}-regions",
                CockroachDBRegionsArgs(
                    region=args.region,
                    namespace=args.namespace,
                    certificate=certificate,
                    database=args.credentials.database,
                    survive=args.survive,
                    neighbours=args.neighbours,
                ),
                pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[bootstrap.job])),
            )
        return bootstrap

    def _services(self, name: str, node: Certificate, monitored_by: pulumi.Resource | None) -> None:
        ports = [
            k8s.core.v1.ServicePortArgs(
                name="sql", port=plan.SQL_PORT, target_port="sql", app_protocol="tcp", protocol="TCP"
            ),
            k8s.core.v1.ServicePortArgs(
                name="https", port=plan.HTTP_PORT, target_port="https", app_protocol="https", protocol="TCP"
            ),
        ]
        headless_service(name, self._belonging, service=plan.HEADLESS_SERVICE, ports=ports, opts=self._child)
        k8s.core.v1.Service(
            f"{name}-public",
            metadata=self._belonging.meta(plan.PUBLIC_SERVICE),
            spec=k8s.core.v1.ServiceSpecArgs(selector=selector(plan.APP), ports=ports),
            opts=self._child,
        )
        tls = {"ca": {"secret": {"name": node.secret_name, "key": "ca.crt"}}, "serverName": plan.PUBLIC_SERVICE}
        service_monitor(
            name,
            self._belonging,
            endpoint={"port": "https", "path": "/_status/vars", "scheme": "https", "tlsConfig": tls},
            monitored_by=monitored_by,
            opts=self._child,
        )

    def _nodes(self, name: str, args: CockroachDBArgs, node: Certificate) -> k8s.apps.v1.StatefulSet:
        service_account(name, self._belonging, self._child)
        disruption_budget(name, self._belonging, self._child)
        pods = NodePods(
            belonging=self._belonging,
            command=plan.start_command(args.region, founder=args.founder, alone=args.neighbours is None),
            resources=Resources(cpu=args.cpu, memory=args.memory),
            certificate=node,
        )
        # Nodes are ready once the Job has initialised the cluster, and the Job needs running nodes: neither waits
        # for the other.
        return k8s.apps.v1.StatefulSet(
            f"{name}-statefulset",
            metadata=self._belonging.meta(plan.APP),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                replicas=args.nodes,
                service_name=plan.HEADLESS_SERVICE,
                pod_management_policy="Parallel",
                selector=self._belonging.selecting(),
                template=pods.template(),
                volume_claim_templates=[data_claim(self._belonging, args.storage, args.storage_class)],
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
