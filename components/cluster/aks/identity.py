"""The Azure identity of an AKS control plane, and the region's key vault, whose key encrypts Kubernetes Secrets."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import authorization, keyvault, managedidentity

from components.cluster.aks.network import AksNetwork
from components.cluster.location import NetworkArgs, common_labels
from components.grants import once_honoured

KEY_VAULT_CRYPTO_USER: Final = "12338af0-0e69-4776-bea7-57ae8d297424"
NETWORK_CONTRIBUTOR: Final = "4d97b98b-1d4f-4787-a291-c67834d212e7"
ROTATE_AFTER: Final = "P90D"


class AksIdentity(pulumi.ComponentResource):
    """The control plane's identity. It may use its subnets and its load balancers' addresses, and nothing else.

    `addresses` is the ID of the addresses' resource group (None: there are none).

    Outputs: `identity_id` (known once Azure honours the roles on the subnets), `principal_id`, `tenant_id`.
    """

    identity_id: pulumi.Output[str]
    principal_id: pulumi.Output[str]
    tenant_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        network: AksNetwork,
        addresses: pulumi.Output[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksIdentity", name, None, opts)
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            tags=common_labels(network.args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.principal_id = identity.principal_id
        self.tenant_id = identity.tenant_id
        roles = self._network_roles(name, network)
        if addresses is not None:
            # Load balancers use this role. They come later and retry.
            self._role(f"{name}-addresses", addresses)
        self.identity_id = once_honoured(identity.id, [role.created_on for role in roles])
        self.register_outputs({})

    def _network_roles(self, name: str, network: AksNetwork) -> list[authorization.RoleAssignment]:
        subnets: Mapping[str, pulumi.Output[str]] = {
            **{f"nodes-{zone}": subnet for zone, subnet in network.node_subnet_ids.items()},
            "control-plane": network.control_plane_subnet_id,
        }
        return [self._role(f"{name}-{purpose}", subnet) for purpose, subnet in subnets.items()]

    def _role(self, name: str, scope: pulumi.Output[str]) -> authorization.RoleAssignment:
        child = pulumi.ResourceOptions(parent=self)
        return assign_role(name, NETWORK_CONTRIBUTOR, scope, self.principal_id, child)


@dataclass(frozen=True, kw_only=True)
class AksVaultArgs:
    """Place and resource group of a key vault."""

    place: NetworkArgs
    group_name: pulumi.Output[str]
    """The vault's resource group."""
    group_id: pulumi.Output[str]
    tenant_id: pulumi.Input[str]
    """The directory (tenant) that the vault trusts."""
    kept: bool = False
    """Whether the vault stays in Azure after the program drops it (ADR 24). Its resource group must then stay, too."""


class AksVault(pulumi.ComponentResource):
    """A key vault with access by role. Deleted keys can be recovered for 90 days, and nobody can purge them.

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
                # A lost key makes everything it encrypted unreadable, so it must not vanish at once.
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
    """Create a key in the vault for `uses` such as `wrapKey`. It gets a new version every 90 days.

    Pulumi never deletes the key. Deletion goes through the vault itself, where the subscription's owner has no rights.
    The key goes with the vault.
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


class AksEncryption(pulumi.ComponentResource):
    """A key vault with one key, which rotates every 90 days.

    AKS keeps the key version it was given. After a rotation, the next `pulumi up --refresh` passes on the new version.
    Old versions stay valid for data that they encrypted.

    Outputs: `key_id` (with its version; known once Azure honours the role on the vault), `vault` (it can hold other
    keys of the region).
    """

    key_id: pulumi.Output[str]
    vault: AksVault

    def __init__(
        self, name: str, network: AksNetwork, identity: AksIdentity, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:AksEncryption", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.vault = AksVault(
            name,
            AksVaultArgs(
                place=network.args,
                group_name=network.resource_group_name,
                group_id=network.resource_group_id,
                tenant_id=identity.tenant_id,
            ),
            child,
        )
        role = assign_role(f"{name}-use", KEY_VAULT_CRYPTO_USER, self.vault.vault_id, identity.principal_id, child)
        key = vault_key(f"{name}-key", self.vault, ["encrypt", "decrypt"], child)
        self.key_id = once_honoured(key.key_uri_with_version, [role.created_on])
        self.register_outputs({})


def assign_role(
    name: str, role: str, scope: pulumi.Output[str], principal: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> authorization.RoleAssignment:
    """Give an identity a built-in role in `scope` (a resource's ID).

    Azure needs minutes to honour the role, so its users wait for `once_honoured` with `created_on`.
    """
    return authorization.RoleAssignment(
        f"{name}-role",
        scope=scope,
        role_definition_id=scope.apply(lambda known: role_definition(known, role)),
        principal_id=principal,
        # Explicit, so that Azure does not search for an identity that is too new to be found everywhere.
        principal_type="ServicePrincipal",
        opts=opts,
    )


def role_definition(resource_id: str, role: str) -> str:
    """Return the ID of a built-in role (a GUID) in the subscription of `resource_id`. Pure."""
    parts = resource_id.split("/")
    if len(parts) < 3 or parts[1].lower() != "subscriptions":
        raise ValueError(f"resource_id: {resource_id!r} does not begin with /subscriptions/<id>")
    return f"/subscriptions/{parts[2]}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def vault_name(resource_group_id: str) -> str:
    """Return a key vault name for a resource group: 24 characters, unique in all of Azure. Pure.

    A deleted vault keeps its name for months, but a recreated resource group has another ID.
    """
    return "keys-" + hashlib.sha256(resource_group_id.lower().encode()).hexdigest()[:19]


def deletion_lock(name: str, resource: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """Let Azure refuse to delete the resource with the ID `resource`."""
    authorization.ManagementLockByScope(
        f"{name}-lock",
        scope=resource,
        level="CanNotDelete",
        notes="Deletion protection: take it off in the stack's configuration.",
        opts=opts,
    )
