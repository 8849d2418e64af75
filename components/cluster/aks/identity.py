"""Who an AKS control plane is in Azure, and the key it encrypts Kubernetes Secrets with before they reach etcd."""

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import authorization, managedidentity

from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import KEY_VAULT_CRYPTO_USER, NETWORK_CONTRIBUTOR, role_definition
from components.cluster.aks.vault import AksVault, AksVaultArgs, vault_key
from components.cluster.arguments import common_labels
from components.grants import once_honoured


class AksIdentity(pulumi.ComponentResource):
    """The control plane's identity: it may use its subnets, its load balancers' addresses, and nothing else.

    `addresses` is the id of the resource group that the addresses are in (None: there are none).

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
            # Used by load balancers, which come later and try again.
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


class AksEncryption(pulumi.ComponentResource):
    """A key vault with one key, which rotates every 90 days.

    AKS goes on with the version it was given: after a rotation, the next `pulumi up --refresh` tells it the new one.
    The old one stays valid, for what it has encrypted.

    Outputs: `key_id` (with its version; known once Azure honours the role on the vault), `vault` (where other keys of
    the region may be).
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
    """Let an identity do in `scope` (a resource's id) what a built-in role allows.

    Azure needs minutes until it honours the role: what uses it waits for `once_honoured` with `created_on`.
    """
    return authorization.RoleAssignment(
        f"{name}-role",
        scope=scope,
        role_definition_id=scope.apply(lambda known: role_definition(known, role)),
        principal_id=principal,
        # Said so that Azure does not look for an identity that is too new to be found everywhere.
        principal_type="ServicePrincipal",
        opts=opts,
    )
