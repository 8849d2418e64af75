"""Object storage of Azure."""

import hashlib
from typing import Final

import pulumi
from pulumi_azure_native import resources, storage

from components.cluster.aks.identity import assign_role
from components.cluster.location import common_labels
from components.grants import once_honoured
from components.storage import REGRET_DAYS, ObjectStore, ObjectStoreArgs

BLOB_DATA_CONTRIBUTOR: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""A built-in role that may write and delete. Azure has no role that may only write."""

CONTAINER: Final = "backups"
REDUNDANCY: Final = "Standard_ZRS"
"""Copies in three zones of the region, whatever zones have nodes.

An update cannot change this: Azure converts a running account only on request (`az storage account migration start`).
"""


class BlobStore(pulumi.ComponentResource):
    """A container in a storage account, encrypted with Azure's keys, in a resource group that outlives the region.

    The principal uses the container with its identity, without access keys.

    Outputs: `store` (an `ObjectStore`).
    """

    store: ObjectStore

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:storage:BlobStore", name, None, opts)
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        group = resources.ResourceGroup(
            f"{name}-group", location=args.place.location, tags=common_labels(args.place), opts=self._kept
        )
        account = self._account(name, args, group)
        self._protected(name, group, account, args.retention)
        container = storage.BlobContainer(
            f"{name}-container",
            resource_group_name=group.name,
            account_name=account.name,
            container_name=CONTAINER,
            public_access="None",
            opts=self._kept,
        )
        granted = assign_role(
            f"{name}-write", BLOB_DATA_CONTRIBUTOR, container.id, args.principal, pulumi.ResourceOptions(parent=self)
        )
        usable = once_honoured(container.name, [granted.created_on])
        self.store = ObjectStore(
            uri=usable.apply(lambda known: f"azure-blob://{known}"),
            parameters={"AZURE_ACCOUNT_NAME": account.name},
        )
        self.register_outputs({"uri": self.store.uri})

    def _account(self, name: str, args: ObjectStoreArgs, group: resources.ResourceGroup) -> storage.StorageAccount:
        return storage.StorageAccount(
            f"{name}-account",
            resource_group_name=group.name,
            account_name=group.id.apply(account_name),
            location=args.place.location,
            kind="StorageV2",
            sku=storage.SkuArgs(name=REDUNDANCY),
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            allow_cross_tenant_replication=False,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            encryption=storage.EncryptionArgs(key_source="Microsoft.Storage", require_infrastructure_encryption=True),
            tags=common_labels(args.place),
            opts=self._kept,
        )

    def _protected(
        self, name: str, group: resources.ResourceGroup, account: storage.StorageAccount, retention: int
    ) -> None:
        kept_for_a_while = storage.DeleteRetentionPolicyArgs(enabled=True, days=REGRET_DAYS)
        storage.BlobServiceProperties(
            f"{name}-versions",
            resource_group_name=group.name,
            account_name=account.name,
            blob_services_name="default",
            is_versioning_enabled=True,
            delete_retention_policy=kept_for_a_while,
            container_delete_retention_policy=kept_for_a_while,
            opts=self._kept,
        )
        storage.ManagementPolicy(
            f"{name}-lifecycle",
            resource_group_name=group.name,
            account_name=account.name,
            management_policy_name="default",
            policy=storage.ManagementPolicySchemaArgs(rules=[_lifecycle(retention)]),
            opts=self._kept,
        )


def _lifecycle(retention: int) -> storage.ManagementPolicyRuleArgs:
    return storage.ManagementPolicyRuleArgs(
        name="retention",
        type="Lifecycle",
        enabled=True,
        definition=storage.ManagementPolicyDefinitionArgs(
            filters=storage.ManagementPolicyFilterArgs(blob_types=["blockBlob"]),
            actions=storage.ManagementPolicyActionArgs(
                base_blob=storage.ManagementPolicyBaseBlobArgs(
                    delete=storage.DateAfterModificationArgs(days_after_modification_greater_than=retention)
                ),
                version=storage.ManagementPolicyVersionArgs(
                    delete=storage.DateAfterCreationArgs(days_after_creation_greater_than=retention)
                ),
            ),
        ),
    )


def account_name(resource_group_id: str) -> str:
    """Return a storage account name for a resource group: 24 letters and digits, unique in all of Azure. Pure."""
    return "backups" + hashlib.sha256(resource_group_id.lower().encode()).hexdigest()[:17]
