"""Who an AKS control plane is in Azure, and the key it encrypts Kubernetes Secrets with before they reach etcd."""

import pulumi
from pulumi_azure_native import authorization, keyvault, managedidentity

from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import KEY_VAULT_CRYPTO_USER, NETWORK_CONTRIBUTOR, role_definition, vault_name
from components.cluster.arguments import common_labels

ROTATE_AFTER = "P90D"


class AksIdentity(pulumi.ComponentResource):
    """The control plane's identity: it may use its subnets, its load balancers' addresses, and nothing else.

    `addresses` is the id of the resource group that the addresses are in (None: there are none).

    Outputs: `identity_id`, `principal_id`, `tenant_id`.
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
        child = pulumi.ResourceOptions(parent=self)
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            tags=common_labels(network.args),
            opts=child,
        )
        self.identity_id = identity.id
        self.principal_id = identity.principal_id
        self.tenant_id = identity.tenant_id
        used = {"nodes": network.node_subnet_id, "control-plane": network.control_plane_subnet_id}
        if addresses is not None:
            used["addresses"] = addresses
        for purpose, scope in used.items():
            assign_role(f"{name}-{purpose}", NETWORK_CONTRIBUTOR, scope, identity.principal_id, child)
        self.register_outputs({})


class AksEncryption(pulumi.ComponentResource):
    """A key vault with one key, which rotates every 90 days.

    AKS goes on with the version it was given: after a rotation, the next `pulumi up --refresh` tells it the new one.
    The old one stays valid, for what it has encrypted.

    Outputs: `key_id` (with its version), `vault_id` and `vault_name` (where other keys of the region may be).
    """

    key_id: pulumi.Output[str]
    vault_id: pulumi.Output[str]
    vault_name: pulumi.Output[str]

    def __init__(
        self, name: str, network: AksNetwork, identity: AksIdentity, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:AksEncryption", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        vault = keyvault.Vault(
            f"{name}-vault",
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            vault_name=network.resource_group_id.apply(vault_name),
            properties=keyvault.VaultPropertiesArgs(
                sku=keyvault.SkuArgs(family="A", name="standard"),
                tenant_id=identity.tenant_id,
                enable_rbac_authorization=True,
                # Without the key nobody could read the cluster's Secrets again: it must not vanish at once.
                enable_soft_delete=True,
                enable_purge_protection=True,
                soft_delete_retention_in_days=90,
            ),
            tags=common_labels(network.args),
            opts=child,
        )
        self.vault_id = vault.id
        self.vault_name = vault.name
        assign_role(f"{name}-use", KEY_VAULT_CRYPTO_USER, vault.id, identity.principal_id, child)
        self.key_id = self._key(name, network, vault).key_uri_with_version
        self.register_outputs({})

    def _key(self, name: str, network: AksNetwork, vault: keyvault.Vault) -> keyvault.Key:
        return keyvault.Key(
            f"{name}-key",
            resource_group_name=network.resource_group_name,
            vault_name=vault.name,
            properties=keyvault.KeyPropertiesArgs(
                kty="RSA",
                key_size=3072,
                key_ops=["encrypt", "decrypt"],
                rotation_policy=rotation(),
            ),
            tags=common_labels(network.args),
            opts=pulumi.ResourceOptions(parent=self),
        )


def rotation() -> keyvault.RotationPolicyArgs:
    """A new version of the key every 90 days."""
    return keyvault.RotationPolicyArgs(
        lifetime_actions=[
            keyvault.LifetimeActionArgs(
                action=keyvault.ActionArgs(type="rotate"), trigger=keyvault.TriggerArgs(time_after_create=ROTATE_AFTER)
            )
        ]
    )


def assign_role(
    name: str, role: str, scope: pulumi.Output[str], principal: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> authorization.RoleAssignment:
    """Let an identity do in `scope` (a resource's id) what a built-in role allows."""
    return authorization.RoleAssignment(
        f"{name}-role",
        scope=scope,
        role_definition_id=scope.apply(lambda known: role_definition(known, role)),
        principal_id=principal,
        # Said so that Azure does not look for an identity that is too new to be found everywhere.
        principal_type="ServicePrincipal",
        opts=opts,
    )
