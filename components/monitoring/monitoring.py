"""Everything that monitors a region."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import DnsServer
from components.context import RegionContext
from components.metadata import object_meta
from components.monitoring.collector import Collector
from components.monitoring.dashboards import ALL_REGIONS, ONE_REGION, Scope, folder, rendered
from components.monitoring.jaeger import Jaeger
from components.monitoring.names import MonitoringTargets
from components.monitoring.network_policies import network_policies, tracing_network_policies
from components.monitoring.prometheus import AlertReceiver, PrometheusStack
from components.monitoring.rules import rule_groups
from components.monitoring.rules.scaling import ScalingPlan
from components.monitoring.settings import MonitoringSettings
from components.monitoring.sizes import Memory, RegionSize, memory
from components.monitoring.stack_values import FOLDER_ANNOTATION
from components.monitoring.thanos import GlobalQuery, StoreCertificates
from components.namespaces import MONITORING

APP = "sacred-council-monitoring"
RUNBOOKS = "docs/runbooks"
TOLD = "sent to the webhook in alertWebhookUrl"
NOBODY_TOLD = "sent to nobody: set one with `pulumi config set --secret alertWebhookUrl ...`"


class Monitoring(pulumi.ComponentResource):
    """Prometheus with alerts and dashboards, and Jaeger behind an OpenTelemetry collector.

    `size` decides how much memory the parts get.
    `targets` are the namespaces that alerts cover; `trace_clients` are those that send traces.
    `trace_sites` are the IPv4 addresses from which edge sites send theirs.
    `dns_server` is the cluster's DNS server (None: Prometheus scrapes none).
    `machine_prices` are US dollars per month by machine type.
    Without a `receiver` nobody gets alerts.
    `scaling` says what the services' replicas follow. None: KEDA does not scale them.
    If the context has peers, Thanos asks them for their metrics.

    Outputs: `release` (installs the monitoring CRDs: pass it as `monitored_by`), `trace_endpoint` (URL for OTLP/gRPC),
    `grafana_secret_name` (keys `admin-user`, `admin-password`), `grafana_port_forward` and `jaeger_port_forward`
    (commands; nothing here is reachable from outside), `alerts` (a text about who gets them).
    """

    release: pulumi.Resource
    trace_endpoint: pulumi.Output[str]
    grafana_secret_name: pulumi.Output[str]
    grafana_port_forward: pulumi.Output[str]
    jaeger_port_forward: pulumi.Output[str]
    alerts: str

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MonitoringSettings,
        *,
        size: RegionSize,
        targets: MonitoringTargets,
        trace_clients: Sequence[str],
        trace_sites: Sequence[str] = (),
        dns_server: DnsServer | None = "coredns",
        machine_prices: Mapping[str, float] | None = None,
        receiver: AlertReceiver | None = None,
        scaling: ScalingPlan | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:monitoring:Monitoring", name, None, context.child(opts))
        child = pulumi.ResourceOptions(parent=self)
        parts = memory(size, settings)
        certificates = StoreCertificates(f"{name}-thanos", context, opts=child) if MONITORING in context.peers else None
        stack = PrometheusStack(
            f"{name}-prometheus",
            context,
            settings,
            memory=parts,
            dns_server=dns_server,
            receiver=receiver,
            store_certificate=certificates.store if certificates else None,
            opts=child,
        )
        context = context.with_monitoring(stack.release)
        Alerts(
            f"{name}-alerts",
            context,
            targets=targets,
            runbooks=settings.runbooks or RUNBOOKS,
            machine_prices=machine_prices or {},
            scaling=scaling,
            opts=child,
        )
        if certificates:
            self._ask_all_regions(name, context, certificates, parts)
        self._tracing(name, context, trace_clients, trace_sites)
        self.release = stack.release
        self.alerts = TOLD if receiver else NOBODY_TOLD
        self.grafana_secret_name = stack.grafana_secret_name
        self.grafana_port_forward = stack.grafana_port_forward
        self._register()

    def _register(self) -> None:
        self.register_outputs(
            {
                "trace_endpoint": self.trace_endpoint,
                "grafana_secret_name": self.grafana_secret_name,
                "grafana_port_forward": self.grafana_port_forward,
                "jaeger_port_forward": self.jaeger_port_forward,
                "alerts": self.alerts,
            }
        )

    def _ask_all_regions(
        self, name: str, context: RegionContext, certificates: StoreCertificates, parts: Memory
    ) -> None:
        GlobalQuery(
            f"{name}-thanos-query",
            context,
            peers=context.peers[MONITORING],
            certificate=certificates.query,
            memory=parts.thanos_query,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tracing(self, name: str, context: RegionContext, clients: Sequence[str], sites: Sequence[str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        network_policies(
            tracing_network_policies(clients, sites),
            name=name,
            region=context.region,
            namespace=context.namespaces[MONITORING],
            opts=child,
        )
        jaeger = Jaeger(f"{name}-jaeger", context, opts=child)
        collector = Collector(f"{name}-collector", context, jaeger_host=jaeger.host, for_sites=bool(sites), opts=child)
        self.jaeger_port_forward = jaeger.port_forward
        self.trace_endpoint = collector.endpoint


class Alerts(pulumi.ComponentResource):
    """The platform's own rules, and its dashboards of this region and of all regions. No outputs.

    `targets` are the namespaces that alerts cover.
    `runbooks` is the URL or path of their runbooks.
    `machine_prices` are US dollars per month by machine type.
    `scaling` says what the services' replicas follow. None: KEDA does not scale them.
    Dashboards of all regions exist only if the context has peers, because only then is there a Thanos.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        targets: MonitoringTargets,
        runbooks: str,
        machine_prices: Mapping[str, float],
        scaling: ScalingPlan | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:monitoring:Alerts", name, None, opts)
        peers = context.peers.get(MONITORING)
        groups = rule_groups(
            targets,
            context.labels,
            runbooks=runbooks,
            machine_prices=machine_prices,
            others=peers.regions if peers else (),
            scaling=scaling,
        )
        k8s.apiextensions.CustomResource(
            f"{name}-rules",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=object_meta(
                "sacred-council", app=APP, region=context.region, namespace=context.namespaces[MONITORING]
            ),
            spec={"groups": groups},
            opts=pulumi.ResourceOptions(parent=self, depends_on=context.monitored_by),
        )
        self._dashboards(name, context, targets, ONE_REGION, "dashboard")
        if peers:
            self._dashboards(name, context, targets, ALL_REGIONS, "dashboard-global")
        self.register_outputs({})

    def _dashboards(
        self, name: str, context: RegionContext, targets: MonitoringTargets, scope: Scope, prefix: str
    ) -> None:
        for dashboard, text in rendered(targets, scope).items():
            k8s.core.v1.ConfigMap(
                f"{name}-{prefix}-{dashboard}",
                metadata=object_meta(
                    f"{prefix}-{dashboard}",
                    app=APP,
                    region=context.region,
                    namespace=context.namespaces[MONITORING],
                    extra_labels={"grafana_dashboard": "1"},
                    annotations={FOLDER_ANNOTATION: folder(scope)},
                ),
                # Until the sidecar reads the annotation, the files of both views are in one folder.
                data={f"{scope.name}-{dashboard}.json": text},
                opts=pulumi.ResourceOptions(parent=self),
            )
