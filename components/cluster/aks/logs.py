"""Where an AKS control plane writes its logs."""

from typing import Final

import pulumi
from pulumi_azure_native import monitor, operationalinsights

from components.cluster.aks.network import AksNetwork
from components.cluster.arguments import LOG_RETENTION_DAYS, common_labels

LOGGED: Final = (
    "kube-apiserver",
    # Without the reads, which are most of it.
    "kube-audit-admin",
    "kube-controller-manager",
    "kube-scheduler",
    "cluster-autoscaler",
    "cloud-controller-manager",
    "guard",
)


class AksLogs(pulumi.ComponentResource):
    """A workspace that keeps the control plane's logs."""

    def __init__(
        self,
        name: str,
        network: AksNetwork,
        cluster_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        workspace = operationalinsights.Workspace(
            f"{name}-workspace",
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=LOG_RETENTION_DAYS,
            tags=common_labels(network.args),
            opts=child,
        )
        monitor.DiagnosticSetting(
            f"{name}-setting",
            resource_uri=cluster_id,
            workspace_id=workspace.id,
            log_analytics_destination_type="Dedicated",
            logs=[monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in LOGGED],
            opts=child,
        )
        self.register_outputs({})
