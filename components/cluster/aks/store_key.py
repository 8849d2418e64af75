"""The key that a managed service of a region on Azure encrypts its disks with, and who it is to use it."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault, managedidentity

from components.cluster.aks.identity import AksEncryption, assign_role, rotation
from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER
from components.cluster.arguments import common_labels


@dataclass(frozen=True, kw_only=True)
class AksStoreKeyArgs:
    """The region's `network`, and its `encryption`, in whose vault the key is."""

    network: AksNetwork
    encryption: AksEncryption


class AksStoreKey(pulumi.ComponentResource):
    """A key of the service's own in the region's vault, and an identity that may wrap and unwrap with it.

    A service goes on with the version it was given: after a rotation, `pulumi up --refresh` tells it the new one.

    Outputs: `key_id` (with its version; known once the identity may use it), `identity_id`.
    """

    key_id: pulumi.Output[str]
    identity_id: pulumi.Output[str]

    def __init__(self, name: str, args: AksStoreKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksStoreKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.network
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_group_name=place.resource_group_name,
            location=place.args.location,
            tags=common_labels(place.args),
            opts=child,
        )
        key = keyvault.Key(
            f"{name}-key",
            resource_group_name=place.resource_group_name,
            vault_name=args.encryption.vault_name,
            properties=keyvault.KeyPropertiesArgs(
                kty="RSA", key_size=3072, key_ops=["wrapKey", "unwrapKey"], rotation_policy=rotation()
            ),
            tags=common_labels(place.args),
            opts=child,
        )
        granted = assign_role(
            f"{name}-use",
            KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER,
            args.encryption.vault_id,
            identity.principal_id,
            child,
        )
        self.key_id = pulumi.Output.all(key.key_uri_with_version, granted.id).apply(lambda known: str(known[0]))
        self.identity_id = identity.id
        self.register_outputs({})
