"""Who spoke to whom in a region's network on Azure."""

from typing import Final

import pulumi
from pulumi_azure_native import network, storage

from components.cluster.aks.plan import flow_log_account
from components.cluster.arguments import LOG_RETENTION_DAYS, NetworkArgs, common_labels

_WATCHER_GROUP: Final = "NetworkWatcherRG"
"""Azure makes it, and a watcher for each location in it, with the first virtual network there: there can be no other.

https://learn.microsoft.com/azure/network-watcher/network-watcher-create
"""


class AksFlowLogs(pulumi.ComponentResource):
    """Flow logs of a virtual network, kept for a time. Azure cannot take a sample: all connections are in them."""

    def __init__(
        self,
        name: str,
        args: NetworkArgs,
        group: pulumi.Output[str],
        virtual: network.VirtualNetwork,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksFlowLogs", name, None, opts)
        network.FlowLog(
            f"{name}-log",
            resource_group_name=_WATCHER_GROUP,
            network_watcher_name=f"NetworkWatcher_{args.location}",
            location=args.location,
            target_resource_id=virtual.id,
            storage_id=self._account(name, args, group, virtual),
            enabled=True,
            format=network.FlowLogFormatParametersArgs(type="JSON", version=2),
            retention_policy=network.RetentionPolicyParametersArgs(days=LOG_RETENTION_DAYS, enabled=True),
            tags=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _account(
        self, name: str, args: NetworkArgs, group: pulumi.Output[str], virtual: network.VirtualNetwork
    ) -> pulumi.Output[str]:
        account = storage.StorageAccount(
            f"{name}-account",
            resource_group_name=group,
            account_name=virtual.id.apply(flow_log_account),
            location=args.location,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_LRS"),
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            # Azure's own services write the logs; from elsewhere they are read by leave of the firewall only.
            network_rule_set=storage.NetworkRuleSetArgs(default_action="Deny", bypass="AzureServices"),
            encryption=storage.EncryptionArgs(key_source="Microsoft.Storage", require_infrastructure_encryption=True),
            tags=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        account_id: pulumi.Output[str] = account.id
        return account_id
