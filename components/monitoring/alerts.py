"""Rules and dashboards as objects of the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.context import RegionLabels
from components.metadata import object_meta
from components.monitoring.dashboards import ALL_REGIONS, ONE_REGION, Scope, folder, rendered
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules import rule_groups
from components.monitoring.stack_values import FOLDER_ANNOTATION

APP = "sacred-council-monitoring"


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    """`targets` are the namespaces alerts are about, `runbooks` is where their runbooks are (a URL or a path).

    `labels` is the region, `others` those that Thanos asks besides it (empty while there are none; None: there is no
    Thanos, and so no dashboard of all regions).
    `machine_prices` are USD a month by type of machine. `monitored_by` brings the monitoring CRDs.
    """

    labels: RegionLabels
    namespace: pulumi.Input[str]
    targets: MonitoringTargets
    runbooks: str
    monitored_by: pulumi.Resource
    others: Sequence[str] | None = None
    machine_prices: Mapping[str, float] = field(default_factory=dict)


class Alerts(pulumi.ComponentResource):
    """The platform's own rules, and its dashboards: of this region, and of all. No outputs."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:Alerts", name, None, opts)
        groups = rule_groups(
            args.targets,
            args.labels,
            runbooks=args.runbooks,
            machine_prices=args.machine_prices,
            others=args.others or (),
        )
        k8s.apiextensions.CustomResource(
            f"{name}-rules",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=object_meta("sacred-council", app=APP, region=args.labels.region, namespace=args.namespace),
            spec={"groups": groups},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.monitored_by]),
        )
        self._dashboards(name, args, ONE_REGION, "dashboard")
        if args.others is not None:
            self._dashboards(name, args, ALL_REGIONS, "dashboard-global")
        self.register_outputs({})

    def _dashboards(self, name: str, args: AlertsArgs, scope: Scope, prefix: str) -> None:
        for dashboard, text in rendered(args.targets, scope).items():
            k8s.core.v1.ConfigMap(
                f"{name}-{prefix}-{dashboard}",
                metadata=object_meta(
                    f"{prefix}-{dashboard}",
                    app=APP,
                    region=args.labels.region,
                    namespace=args.namespace,
                    extra_labels={"grafana_dashboard": "1"},
                    annotations={FOLDER_ANNOTATION: folder(scope)},
                ),
                # Files of both views are in one folder of the pod until the sidecar has read the annotation.
                data={f"{scope.name}-{dashboard}.json": text},
                opts=pulumi.ResourceOptions(parent=self),
            )
