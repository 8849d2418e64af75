"""Prometheus, Alertmanager, Grafana and their operator, from the chart kube-prometheus-stack."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import DnsServer
from components.context import RegionContext
from components.metadata import object_meta
from components.monitoring import names
from components.monitoring.network_policies import network_policies, stack_network_policies
from components.monitoring.settings import MonitoringSettings
from components.monitoring.sizes import Memory
from components.monitoring.stack_values import READER, RECEIVER_SECRET, TOKEN_KEY, URL_KEY, stack_values
from components.namespaces import INGRESS, MONITORING
from components.passwords import random_password
from components.releases import chart_release
from components.trust import Certificate
from components.versions import KUBE_PROMETHEUS_STACK

ADMIN_USER = "admin"


@dataclass(frozen=True, kw_only=True)
class AlertReceiver:
    """A webhook that receives alerts. Both fields are secret."""

    url: pulumi.Output[str]
    token: pulumi.Output[str] | None = None
    """The webhook's bearer token. None: it needs none."""


class PrometheusStack(pulumi.ComponentResource):
    """Metrics, alerts and dashboards of the region.

    `memory` is the memory of each part. `dns_server` is the cluster's DNS server (None: Prometheus scrapes none).
    Without a `receiver` nobody gets alerts.
    With `store_certificate` Thanos reads the metrics, and Grafana those of all regions.

    Outputs: `release` (installs the CRDs of ServiceMonitor, PodMonitor and PrometheusRule: depend on it),
    `grafana_secret_name` (keys `admin-user`, `admin-password`), `grafana_port_forward` (a command).
    """

    release: k8s.helm.v3.Release
    grafana_secret_name: pulumi.Output[str]
    grafana_port_forward: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MonitoringSettings,
        *,
        memory: Memory,
        dns_server: DnsServer | None,
        receiver: AlertReceiver | None,
        store_certificate: Certificate | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:monitoring:PrometheusStack", name, None, opts)
        self._region = context.region
        self._namespace = context.namespaces[MONITORING]
        admin = self._admin(name)
        reader = self._dashboard_reader(name)
        told = [self._receiver(name, receiver)] if receiver else []
        mounted = [store_certificate] if store_certificate else []
        policies = self._network_policies(name, receiver, context.namespaces.get(INGRESS))
        self.release = chart_release(
            f"{name}-release",
            KUBE_PROMETHEUS_STACK,
            name=names.STACK,
            namespace=self._namespace,
            values=stack_values(
                region=self._region,
                namespace=self._namespace,
                settings=settings,
                storage_class=context.storage_class,
                memory=memory,
                dns_server=dns_server,
                receiver=receiver is not None,
                receiver_token=receiver is not None and receiver.token is not None,
                across=store_certificate is not None,
            ),
            # The chart's hooks call the API server, so the network policies must exist before.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[admin, reader, *told, *mounted, *policies]),
        )
        self.grafana_secret_name = admin.metadata.name
        self.grafana_port_forward = pulumi.Output.concat(
            "kubectl -n ", self._namespace, f" port-forward service/{names.GRAFANA} 3000:80"
        )
        self.register_outputs(
            {"grafana_secret_name": self.grafana_secret_name, "grafana_port_forward": self.grafana_port_forward}
        )

    def _network_policies(
        self, name: str, receiver: AlertReceiver | None, gateway: pulumi.Input[str] | None
    ) -> list[pulumi.Resource]:
        return network_policies(
            stack_network_policies(receiver=receiver is not None, gateway=gateway),
            name=name,
            region=self._region,
            namespace=self._namespace,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _admin(self, name: str) -> k8s.core.v1.Secret:
        child = pulumi.ResourceOptions(parent=self)
        password = random_password(f"{name}-grafana-password", child)
        return k8s.core.v1.Secret(
            f"{name}-grafana-admin",
            metadata=object_meta(
                names.GRAFANA_SECRET, app=names.GRAFANA, region=self._region, namespace=self._namespace
            ),
            string_data={"admin-user": ADMIN_USER, "admin-password": password.result},
            opts=child,
        )

    def _dashboard_reader(self, name: str) -> k8s.rbac.v1.Role:
        """Limit what Grafana may read. The chart's own role includes the Secrets of its namespace, or of all."""
        reading = k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["configmaps"], verbs=["get", "list", "watch"])
        return k8s.rbac.v1.Role(
            f"{name}-grafana-reader",
            metadata=object_meta(READER, app=names.GRAFANA, region=self._region, namespace=self._namespace),
            rules=[reading],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _receiver(self, name: str, receiver: AlertReceiver) -> k8s.core.v1.Secret:
        token = {} if receiver.token is None else {TOKEN_KEY: receiver.token}
        return k8s.core.v1.Secret(
            f"{name}-alert-receiver",
            metadata=object_meta(RECEIVER_SECRET, app="alertmanager", region=self._region, namespace=self._namespace),
            string_data={URL_KEY: receiver.url, **token},
            opts=pulumi.ResourceOptions(parent=self),
        )
