"""Private access to managed databases and caches on Azure, and the keys of their disks."""

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import managedidentity, network, privatedns, resources

from components.cluster.aks.identity import AksVault, AksVaultArgs, assign_role, vault_key
from components.cluster.aks.network import AksNetwork
from components.cluster.location import NetworkArgs, common_labels
from components.grants import once_honoured

KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER: Final = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


@dataclass(frozen=True, kw_only=True)
class AksPrivateEndpointArgs:
    """A managed service, and the network that reaches it."""

    network: AksNetwork
    service: pulumi.Input[str]
    """Azure ID of the service."""
    kind: str
    """The part of the service to reach (Azure's group ID)."""
    zone: str
    """Private DNS zone of the service's own name."""


class AksPrivateEndpoint(pulumi.ComponentResource):
    """One address in the network's range `managed` that leads to one service by the service's own name.

    Outputs: `ready` (known once the name resolves to the address).
    """

    ready: pulumi.Output[str]

    def __init__(self, name: str, args: AksPrivateEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksPrivateEndpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.network
        endpoint = network.PrivateEndpoint(
            f"{name}-endpoint",
            resource_group_name=place.resource_group_name,
            location=place.args.location,
            subnet=network.SubnetArgs(id=place.managed_subnet_id),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name=args.kind, private_link_service_id=args.service, group_ids=[args.kind]
                )
            ],
            tags=common_labels(place.args),
            opts=child,
        )
        names = network.PrivateDnsZoneGroup(
            f"{name}-names",
            resource_group_name=place.resource_group_name,
            private_endpoint_name=endpoint.name,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=args.kind, private_dns_zone_id=self._zone(name, args))
            ],
            opts=child,
        )
        self.ready = names.id
        self.register_outputs({})

    def _zone(self, name: str, args: AksPrivateEndpointArgs) -> pulumi.Output[str]:
        """Return the zone's ID, known once the region's network uses the zone."""
        child = pulumi.ResourceOptions(parent=self)
        zone = privatedns.PrivateZone(
            f"{name}-zone",
            resource_group_name=args.network.resource_group_name,
            location="global",
            private_zone_name=args.zone,
            tags=common_labels(args.network.args),
            opts=child,
        )
        link = privatedns.VirtualNetworkLink(
            f"{name}-link",
            resource_group_name=args.network.resource_group_name,
            location="global",
            private_zone_name=zone.name,
            virtual_network=privatedns.SubResourceArgs(id=args.network.virtual_network_id),
            registration_enabled=False,
            tags=common_labels(args.network.args),
            opts=child,
        )
        return pulumi.Output.all(zone.id, link.id).apply(lambda known: str(known[0]))


class AksDataServiceKey(pulumi.ComponentResource):
    """A key for one service in the region's `vault`, and an identity that may wrap and unwrap with it.

    A service keeps the key version it was given. After a rotation, `pulumi up --refresh` passes on the new version.

    Outputs: `key_id` (with its version; known once Azure honours the identity's role), `identity_id`.
    """

    key_id: pulumi.Output[str]
    identity_id: pulumi.Output[str]

    def __init__(
        self, name: str, network: AksNetwork, vault: AksVault, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:AksDataServiceKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        identity = _identity(name, network.args, network.resource_group_name, child)
        self.key_id = _usable_key(name, vault, identity, child)
        self.identity_id = identity.id
        self.register_outputs({})


class AksKeptDataServiceKey(pulumi.ComponentResource):
    """Like `AksDataServiceKey`, for a service that leaves a last backup: key and identity stay in Azure (ADR 24).

    They have a separate resource group and vault, because deleting the region's group deletes everything in it.

    Outputs: `key_id`, `identity_id`.
    """

    key_id: pulumi.Output[str]
    identity_id: pulumi.Output[str]

    def __init__(self, name: str, place: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksKeptDataServiceKey", name, None, opts)
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
