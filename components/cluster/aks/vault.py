"""Key vaults of a region on Azure, and the keys in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault

from components.cluster.aks.plan import vault_name
from components.cluster.arguments import NetworkArgs, common_labels

ROTATE_AFTER = "P90D"


@dataclass(frozen=True, kw_only=True)
class AksVaultArgs:
    """The vault is in a resource group (`group_name`, `group_id`) and trusts the directory `tenant_id`.

    `kept` leaves the vault in Azure when the program no longer has it (ADR 24); then its group must be kept, too.
    """

    place: NetworkArgs
    group_name: pulumi.Output[str]
    group_id: pulumi.Output[str]
    tenant_id: pulumi.Input[str]
    kept: bool = False


class AksVault(pulumi.ComponentResource):
    """A key vault whose keys are used by role. What is deleted in it can be had back for 90 days, and not purged.

    Outputs: `args`, `vault_id`, `vault_name`.
    """

    args: AksVaultArgs
    vault_id: pulumi.Output[str]
    vault_name: pulumi.Output[str]

    def __init__(self, name: str, args: AksVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksVault", name, None, opts)
        self.args = args
        vault = keyvault.Vault(
            f"{name}-vault",
            resource_group_name=args.group_name,
            location=args.place.location,
            vault_name=args.group_id.apply(vault_name),
            properties=keyvault.VaultPropertiesArgs(
                sku=keyvault.SkuArgs(family="A", name="standard"),
                tenant_id=args.tenant_id,
                enable_rbac_authorization=True,
                # Without a key nobody could read what it has encrypted: it must not vanish at once.
                enable_soft_delete=True,
                enable_purge_protection=True,
                soft_delete_retention_in_days=90,
            ),
            tags=common_labels(args.place),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.kept),
        )
        self.vault_id = vault.id
        self.vault_name = vault.name
        self.register_outputs({})


def vault_key(name: str, vault: AksVault, uses: Sequence[str], opts: pulumi.ResourceOptions) -> keyvault.Key:
    """A key in the vault for `uses` such as `wrapKey`. It gets a new version every 90 days.

    Pulumi never deletes the key: it would ask the vault itself, where a deployer who owns the subscription has no
    rights. The key goes with the vault.
    """
    action = keyvault.LifetimeActionArgs(
        action=keyvault.ActionArgs(type="rotate"), trigger=keyvault.TriggerArgs(time_after_create=ROTATE_AFTER)
    )
    return keyvault.Key(
        name,
        resource_group_name=vault.args.group_name,
        vault_name=vault.vault_name,
        properties=keyvault.KeyPropertiesArgs(
            kty="RSA",
            key_size=3072,
            key_ops=list(uses),
            rotation_policy=keyvault.RotationPolicyArgs(lifetime_actions=[action]),
        ),
        tags=common_labels(vault.args.place),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )
