"""KEDA: its operator asks Prometheus, and its metrics server answers the autoscalers of Kubernetes."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.monitoring import names
from components.monitoring.network_policies import PROMETHEUS
from components.namespaces import KEDA as KEDA_NAMESPACE
from components.namespaces import MONITORING, SERVICES
from components.releases import chart_release
from components.versions import KEDA

APP: Final = "keda"
OPERATOR: Final = {"app": "keda-operator"}
METRICS_SERVER: Final = {"app": "keda-operator-metrics-apiserver"}
METRICS_PORT: Final = 8080
METRICS_SERVICE_PORT: Final = 9666
"""The operator's gRPC port for the metrics server, with mutual TLS from the operator's own authority."""
API_PORT: Final = 6443
"""The metrics server's port for the Kubernetes API server, which asks it on behalf of the autoscalers."""


class Keda(pulumi.ComponentResource):
    """KEDA and its kinds, in a closed namespace of its own that opens only the ports it needs.

    It watches the namespaces `scaled` only, and reads no Secrets outside its own namespace.
    It runs without its admission webhooks: only this program makes its objects, from checked settings.

    Outputs: `release` (scaled objects wait for it).
    """

    release: pulumi.Resource

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        scaled: Sequence[str] = (SERVICES,),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:scaling:Keda", name, None, context.child(opts))
        policies = self._network_policies(name, context)
        monitoring = [context.monitored_by] if context.monitored_by is not None else []
        namespaces = pulumi.Output.all(*(context.namespaces[namespace] for namespace in scaled)).apply(",".join)
        self.release = chart_release(
            f"{name}-release",
            KEDA,
            name=APP,
            namespace=context.namespaces[KEDA_NAMESPACE],
            values=keda_values(scaled_namespaces=namespaces, monitored=bool(monitoring)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*policies, *monitoring]),
        )
        self.register_outputs({})

    def _network_policies(self, name: str, context: RegionContext) -> list[k8s.networking.v1.NetworkPolicy]:
        policy = partial(network.policy, app=APP, region=context.region, opts=pulumi.ResourceOptions(parent=self))
        own, monitoring = context.namespaces[KEDA_NAMESPACE], context.namespaces[MONITORING]
        prometheus = network.peer(namespace=monitoring, pods=PROMETHEUS)
        scraped = network.ingress([METRICS_PORT], prometheus)
        operator = policy(
            f"{name}-operator-policy",
            name="operator",
            namespace=own,
            pods=OPERATOR,
            ingress=[network.ingress([METRICS_SERVICE_PORT], network.peer(pods=METRICS_SERVER)), scraped],
            egress=[network.egress([names.PROMETHEUS_PORT], prometheus), network.api_server_egress()],
        )
        metrics_server = policy(
            f"{name}-metrics-server-policy",
            name="metrics-server",
            namespace=own,
            pods=METRICS_SERVER,
            # The API server calls from an address that differs between clusters. It shows a client certificate.
            ingress=[network.ingress([API_PORT]), scraped],
            egress=[network.egress([METRICS_SERVICE_PORT], network.peer(pods=OPERATOR)), network.api_server_egress()],
        )
        asked = policy(
            f"{name}-prometheus-policy",
            name="prometheus-for-keda",
            namespace=monitoring,
            pods=PROMETHEUS,
            ingress=[network.ingress([names.PROMETHEUS_PORT], network.peer(namespace=own, pods=OPERATOR))],
        )
        return [operator, metrics_server, asked]


def keda_values(*, scaled_namespaces: pulumi.Input[str], monitored: bool) -> dict[str, Any]:
    """Return the values of chart `keda`. Its own security contexts are restricted already.

    `scaled_namespaces` are the namespaces whose workloads it scales, with commas between them.
    """
    monitor = {"enabled": monitored, "serviceMonitor": {"enabled": monitored, "interval": "30s"}}
    return {
        # With namespaces, the chart binds the operator's rights in those and its own, not in the cluster.
        "watchNamespace": scaled_namespaces,
        "permissions": {"operator": {"restrict": {"secret": True}}, "metricServer": {"restrict": {"secret": True}}},
        # Otherwise it may scale every kind of every API group.
        "rbac": {"enabledCustomScaledRefKinds": False},
        "webhooks": {"enabled": False},
        "prometheus": {"operator": monitor, "metricServer": monitor},
        "enableServiceLinks": False,
        "resources": {"operator": _resources("128Mi"), "metricServer": _resources("96Mi")},
    }


def _resources(memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": "20m", "memory": memory}, "limits": {"cpu": "500m", "memory": "256Mi"}}
