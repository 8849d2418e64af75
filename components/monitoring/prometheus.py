"""Prometheus, Alertmanager, Grafana and their operator, from the chart kube-prometheus-stack."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.cluster import DnsServer
from components.metadata import object_meta
from components.monitoring import names
from components.monitoring.alertmanager import RECEIVER_SECRET, TOKEN_KEY, URL_KEY
from components.monitoring.network_policies import network_policies, stack_network_policies
from components.monitoring.sizes import Memory
from components.monitoring.stack_values import READER, retention_size, stack_values
from components.releases import chart_release
from components.trust import Certificate
from components.versions import KUBE_PROMETHEUS_STACK

ADMIN_USER = "admin"
PASSWORD_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class AlertReceiver:
    """Who is told about alerts: the secret `url` of a webhook, and the secret bearer `token` it wants, if any."""

    url: pulumi.Output[str]
    token: pulumi.Output[str] | None = None


@dataclass(frozen=True, kw_only=True)
class PrometheusStackArgs:
    """`retention` is a Prometheus duration such as 7d, `storage` the size of its volume such as 20Gi.

    `memory` is what each part gets. `storage_class` None is the cluster's default, `dns_server` answers its DNS.
     `node_exporter` needs host access in kube-system. `receiver` is told
    about alerts (None: nobody is). With `store_certificate` Thanos reads the metrics, and Grafana those of all regions.
    """

    region: str
    namespace: pulumi.Input[str]
    retention: str
    storage: str
    memory: Memory
    storage_class: str | None = None
    dns_server: DnsServer = "coredns"
    node_exporter: bool = True
    receiver: AlertReceiver | None = None
    store_certificate: Certificate | None = None

    def __post_init__(self) -> None:
        retention_size(self.storage)


class PrometheusStack(pulumi.ComponentResource):
    """Metrics, alerts and dashboards of the region.

    Outputs: `release` (brings the CRDs of ServiceMonitor, PodMonitor and PrometheusRule: depend on it),
    `grafana_secret_name` (keys `admin-user`, `admin-password`), `grafana_port_forward` (a command).
    """

    release: k8s.helm.v3.Release
    grafana_secret_name: pulumi.Output[str]
    grafana_port_forward: pulumi.Output[str]

    def __init__(self, name: str, args: PrometheusStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:PrometheusStack", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        admin = self._admin(name, args)
        reader = self._dashboard_reader(name, args)
        told = self._receiver(name, args, args.receiver) if args.receiver else []
        receiving = bool(told)
        mounted = [args.store_certificate] if args.store_certificate else []
        policies = network_policies(
            stack_network_policies(receiver=receiving),
            name=name,
            region=args.region,
            namespace=args.namespace,
            opts=child,
        )
        self.release = chart_release(
            f"{name}-release",
            KUBE_PROMETHEUS_STACK,
            name=names.STACK,
            namespace=args.namespace,
            values=stack_values(
                region=args.region,
                namespace=args.namespace,
                retention=args.retention,
                storage=args.storage,
                storage_class=args.storage_class,
                memory=args.memory,
                dns_server=args.dns_server,
                node_exporter=args.node_exporter,
                receiver=receiving,
                receiver_token=args.receiver is not None and args.receiver.token is not None,
                across=args.store_certificate is not None,
            ),
            # Its hooks call the API server, so the network policies are there before they run.
            opts=pulumi.ResourceOptions.merge(
                child, pulumi.ResourceOptions(depends_on=[admin, reader, *told, *mounted, *policies])
            ),
        )
        self.grafana_secret_name = admin.metadata.name
        self.grafana_port_forward = pulumi.Output.concat(
            "kubectl -n ", args.namespace, f" port-forward service/{names.GRAFANA} 3000:80"
        )
        self.register_outputs(
            {"grafana_secret_name": self.grafana_secret_name, "grafana_port_forward": self.grafana_port_forward}
        )

    def _admin(self, name: str, args: PrometheusStackArgs) -> k8s.core.v1.Secret:
        child = pulumi.ResourceOptions(parent=self)
        password = random.RandomPassword(f"{name}-grafana-password", length=PASSWORD_LENGTH, special=False, opts=child)
        return k8s.core.v1.Secret(
            f"{name}-grafana-admin",
            metadata=object_meta(names.GRAFANA_SECRET, app=names.GRAFANA, region=args.region, namespace=args.namespace),
            string_data={"admin-user": ADMIN_USER, "admin-password": password.result},
            opts=child,
        )

    def _dashboard_reader(self, name: str, args: PrometheusStackArgs) -> k8s.rbac.v1.Role:
        """What Grafana may read. The chart's own role has the Secrets, too: of its namespace, or of all."""
        reading = k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["configmaps"], verbs=["get", "list", "watch"])
        return k8s.rbac.v1.Role(
            f"{name}-grafana-reader",
            metadata=object_meta(READER, app=names.GRAFANA, region=args.region, namespace=args.namespace),
            rules=[reading],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _receiver(self, name: str, args: PrometheusStackArgs, receiver: AlertReceiver) -> list[pulumi.Resource]:
        token = {} if receiver.token is None else {TOKEN_KEY: receiver.token}
        return [
            k8s.core.v1.Secret(
                f"{name}-alert-receiver",
                metadata=object_meta(RECEIVER_SECRET, app="alertmanager", region=args.region, namespace=args.namespace),
                string_data={URL_KEY: receiver.url, **token},
                opts=pulumi.ResourceOptions(parent=self),
            )
        ]
