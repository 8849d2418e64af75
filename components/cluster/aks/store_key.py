"""The key that a managed service of a region on Azure encrypts its disks with, and who it is to use it."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity, resources

from components.cluster.aks.identity import assign_role
from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER
from components.cluster.aks.vault import AksVault, AksVaultArgs, vault_key
from components.cluster.arguments import NetworkArgs, common_labels
from components.grants import once_honoured


@dataclass(frozen=True, kw_only=True)
class AksStoreKeyArgs:
    """The region's `network`, and the region's `vault`, in which the key is."""

    network: AksNetwork
    vault: AksVault


class AksStoreKey(pulumi.ComponentResource):
    """A key of the service's own in the region's vault, and an identity that may wrap and unwrap with it.

    A service goes on with the version it was given: after a rotation, `pulumi up --refresh` tells it the new one.

    Outputs: `key_id` (with its version; known once Azure honours the identity's role), `identity_id`.
    """

    key_id: pulumi.Output[str]
    identity_id: pulumi.Output[str]

    def __init__(self, name: str, args: AksStoreKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksStoreKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        identity = _identity(name, args.network.args, args.network.resource_group_name, child)
        self.key_id = _usable_key(name, args.vault, identity, child)
        self.identity_id = identity.id
        self.register_outputs({})


class AksKeptStoreKey(pulumi.ComponentResource):
    """Like `AksStoreKey`, for a service that leaves a last backup: key and identity stay in Azure (ADR 24).

    They are in a resource group of their own, with a vault of their own: the region's group takes all that is in it.

    Outputs: `key_id`, `identity_id`.
    """

    key_id: pulumi.Output[str]
    identity_id: pulumi.Output[str]

    def __init__(self, name: str, place: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksKeptStoreKey", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        group = resources.ResourceGroup(f"{name}-group", location=place.location, tags=common_labels(place), opts=kept)
        identity = _identity(name, place, group.name, kept)
        vault = AksVault(
            name,
            AksVaultArgs(
                place=place, group_name=group.name, group_id=group.id, tenant_id=identity.tenant_id, kept=True
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.key_id = _usable_key(name, vault, identity, kept)
        self.identity_id = identity.id
        self.register_outputs({})


def _identity(
    name: str, place: NetworkArgs, group: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> managedidentity.UserAssignedIdentity:
    return managedidentity.UserAssignedIdentity(
        f"{name}-identity", resource_group_name=group, location=place.location, tags=common_labels(place), opts=opts
    )


def _usable_key(
    name: str, vault: AksVault, identity: managedidentity.UserAssignedIdentity, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    key = vault_key(f"{name}-key", vault, ["wrapKey", "unwrapKey"], opts)
    role = assign_role(
        f"{name}-use", KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, vault.vault_id, identity.principal_id, opts
    )
    return once_honoured(key.key_uri_with_version, [role.created_on])
