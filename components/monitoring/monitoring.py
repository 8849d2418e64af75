"""Everything that watches a region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.cluster import DnsServer
from components.context import RegionLabels
from components.monitoring import names
from components.monitoring.alerts import Alerts, AlertsArgs
from components.monitoring.collector import Collector, CollectorArgs
from components.monitoring.jaeger import Jaeger, JaegerArgs
from components.monitoring.network_policies import network_policies, tracing_network_policies
from components.monitoring.prometheus import AlertReceiver, PrometheusStack, PrometheusStackArgs
from components.monitoring.sizes import Memory
from components.monitoring.thanos import GlobalQuery, GlobalQueryArgs, StoreArgs, StoreCertificates
from components.peering import StorePeers
from components.trust import RegionAuthority

RUNBOOKS = "docs/runbooks"
TOLD = "sent to the webhook in alertWebhookUrl"
NOBODY_TOLD = "sent to nobody: set one with `pulumi config set --secret alertWebhookUrl ...`"


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """How much is kept, what is monitored, and who sends traces.

    `memory` is what each part gets. `retention` is a Prometheus duration such as 7d; `storage` and `trace_storage` are
    volumes' sizes such as 20Gi, of the class `storage_class` (None: the cluster's default). `targets` are the
    namespaces that alerts are about, `trace_clients` those that send traces. `dns_server` answers the cluster's DNS.
    `runbooks` is where the runbooks are, a URL or the path in the repository. `receiver` is told about alerts (None:
    nobody is). `machine_prices` are USD a month by type of machine.

    `authority` signs the certificates of those who read metrics of other regions; `peers` are those regions (None:
    there are none to ask, and nothing of it is made).
    """

    labels: RegionLabels
    namespace: pulumi.Input[str]
    authority: RegionAuthority
    retention: str
    storage: str
    memory: Memory
    targets: names.MonitoringTargets
    trace_clients: Sequence[str]
    dns_server: DnsServer = "coredns"
    trace_storage: str = "5Gi"
    storage_class: str | None = None
    runbooks: str = RUNBOOKS
    node_exporter: bool = True
    collector_replicas: int = 1
    receiver: AlertReceiver | None = None
    machine_prices: Mapping[str, float] = field(default_factory=dict)
    peers: StorePeers | None = None


class Monitoring(pulumi.ComponentResource):
    """Prometheus with alerts and dashboards, and Jaeger behind an OpenTelemetry collector.

    Outputs: `release` (brings the monitoring CRDs: pass it as `monitored_by`), `trace_endpoint` (URL for OTLP/gRPC),
    `grafana_secret_name` (keys `admin-user`, `admin-password`), `grafana_port_forward` and `jaeger_port_forward`
    (commands; nothing here is reachable from outside), `alerts` (who is told about them, in words).
    """

    release: pulumi.Resource
    trace_endpoint: pulumi.Output[str]
    grafana_secret_name: pulumi.Output[str]
    grafana_port_forward: pulumi.Output[str]
    jaeger_port_forward: pulumi.Output[str]
    alerts: str

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:Monitoring", name, None, opts)
        certificates = self._certificates(name, args) if args.peers else None
        stack = self._stack(name, args, certificates)
        self.release = stack.release
        self.alerts = TOLD if args.receiver else NOBODY_TOLD
        self.grafana_secret_name = stack.grafana_secret_name
        self.grafana_port_forward = stack.grafana_port_forward
        Alerts(
            f"{name}-alerts",
            AlertsArgs(
                labels=args.labels,
                namespace=args.namespace,
                targets=args.targets,
                runbooks=args.runbooks,
                machine_prices=args.machine_prices,
                others=args.peers.regions if args.peers else None,
                monitored_by=stack.release,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if certificates:
            self._global_query(name, args, certificates)
        self._tracing(name, args)
        self.register_outputs(
            {
                "trace_endpoint": self.trace_endpoint,
                "grafana_secret_name": self.grafana_secret_name,
                "grafana_port_forward": self.grafana_port_forward,
                "jaeger_port_forward": self.jaeger_port_forward,
                "alerts": self.alerts,
            }
        )

    def _certificates(self, name: str, args: MonitoringArgs) -> StoreCertificates:
        return StoreCertificates(
            f"{name}-thanos",
            StoreArgs(region=args.labels.region, namespace=args.namespace, authority=args.authority),
            pulumi.ResourceOptions(parent=self),
        )

    def _global_query(self, name: str, args: MonitoringArgs, certificates: StoreCertificates) -> None:
        if args.peers is None:
            return
        GlobalQuery(
            f"{name}-thanos-query",
            GlobalQueryArgs(
                region=args.labels.region,
                namespace=args.namespace,
                peers=args.peers,
                certificate=certificates.query,
                memory=args.memory.thanos_query,
                monitored_by=self.release,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _stack(self, name: str, args: MonitoringArgs, certificates: StoreCertificates | None) -> PrometheusStack:
        return PrometheusStack(
            f"{name}-prometheus",
            PrometheusStackArgs(
                region=args.labels.region,
                namespace=args.namespace,
                retention=args.retention,
                storage=args.storage,
                storage_class=args.storage_class,
                memory=args.memory,
                dns_server=args.dns_server,
                node_exporter=args.node_exporter,
                receiver=args.receiver,
                store_certificate=certificates.store if certificates else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tracing(self, name: str, args: MonitoringArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        network_policies(
            tracing_network_policies(args.trace_clients),
            name=name,
            region=args.labels.region,
            namespace=args.namespace,
            opts=child,
        )
        jaeger = Jaeger(
            f"{name}-jaeger",
            JaegerArgs(
                region=args.labels.region,
                namespace=args.namespace,
                storage=args.trace_storage,
                storage_class=args.storage_class,
                monitored_by=self.release,
            ),
            opts=child,
        )
        collector = Collector(
            f"{name}-collector",
            CollectorArgs(
                region=args.labels.region,
                namespace=args.namespace,
                jaeger_host=jaeger.host,
                monitored_by=self.release,
                replicas=args.collector_replicas,
            ),
            opts=child,
        )
        self.jaeger_port_forward = jaeger.port_forward
        self.trace_endpoint = collector.endpoint
