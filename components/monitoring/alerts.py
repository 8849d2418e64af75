"""Alerts and dashboards as objects of the cluster."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta
from components.monitoring.dashboards import DASHBOARDS
from components.monitoring.names import Watched
from components.monitoring.rules import rule_groups

APP = "sacred-council-monitoring"


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    """`watched` are the namespaces alerts are about, `runbooks` is where their runbooks are (a URL or a path).

    `monitored_by` brings the monitoring CRDs.
    """

    region: str
    namespace: pulumi.Input[str]
    watched: Watched
    runbooks: str
    monitored_by: pulumi.Resource


class Alerts(pulumi.ComponentResource):
    """The platform's own alert rules and dashboards. No outputs."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:Alerts", name, None, opts)
        k8s.apiextensions.CustomResource(
            f"{name}-rules",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=object_meta("sacred-council", app=APP, region=args.region, namespace=args.namespace),
            spec={"groups": rule_groups(args.watched, runbooks=args.runbooks)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.monitored_by]),
        )
        for dashboard, render in DASHBOARDS.items():
            k8s.core.v1.ConfigMap(
                f"{name}-dashboard-{dashboard}",
                metadata=object_meta(
                    f"dashboard-{dashboard}",
                    app=APP,
                    region=args.region,
                    namespace=args.namespace,
                    extra_labels={"grafana_dashboard": "1"},
                ),
                data={f"{dashboard}.json": render(args.watched)},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
