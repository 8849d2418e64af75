"""Resource groups and networks of Azure. Times [INF]: a NAT gateway 0.5 minutes, a private endpoint 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sandbox.providers.azure_native.make import in_group, named, subscription
from sandbox.providers.cloud.kinds import MICROSOFT, Existing, Facts, Table

_NETWORK: Final = "Microsoft.Network"


def _in_several_zones(facts: Facts, _existing: Existing) -> str | None:
    if len(facts.inputs.get("zones") or []) > 1:
        return "A NAT gateway of the SKU Standard can be in one zone only: give each zone its own"
    return None


def _every_zone(facts: Facts) -> Sequence[Any]:
    """Azure knows addresses of one zone and of all zones, and takes two zones for all.

    Source: github.com/hashicorp/terraform-provider-azurerm issues 16470 and 18741.
    """
    zones = facts.inputs.get("zones") or []
    return zones if len(zones) < 2 else ["1", "2", "3"]


KINDS: Final[Table] = {
    "azure-native:resources:ResourceGroup": named(
        lambda facts: f"{subscription(facts)}/resourceGroups/{facts.text('resourceGroupName')}",
        "resourceGroupName",
        "managedBy",
        longest=90,
        minutes=0.1,
        holds=True,
    ),
    "azure-native:network:VirtualNetwork": named(
        in_group(_NETWORK, "virtualNetworks", "$virtualNetworkName"),
        "virtualNetworkName",
        "extendedLocation",
        longest=64,
        minutes=0.2,
    ),
    "azure-native:network:Subnet": named(
        in_group(_NETWORK, "virtualNetworks", "$virtualNetworkName", "subnets", "$subnetName"),
        "subnetName",
        "virtualNetworkName",
        minutes=0.2,
    ),
    "azure-native:network:NatGateway": named(
        in_group(_NETWORK, "natGateways", "$natGatewayName"),
        "natGatewayName",
        "zones sku",
        minutes=0.5,
        refusal=_in_several_zones,
    ),
    "azure-native:network:PublicIPAddress": named(
        in_group(_NETWORK, "publicIPAddresses", "$publicIpAddressName"),
        "publicIpAddressName",
        "zones sku publicIPAddressVersion publicIPPrefix",
        minutes=0.1,
        outputs={"ipAddress": lambda facts: facts.address(MICROSOFT), "zones": _every_zone},
        settles="zones",
    ),
    "azure-native:network:PublicIPPrefix": named(
        in_group(_NETWORK, "publicIPPrefixes", "$publicIpPrefixName"),
        "publicIpPrefixName",
        "zones sku prefixLength",
        outputs={"ipPrefix": lambda facts: f"{facts.address(MICROSOFT)}/32"},
    ),
    "azure-native:network:NetworkSecurityGroup": named(
        in_group(_NETWORK, "networkSecurityGroups", "$networkSecurityGroupName"), "networkSecurityGroupName"
    ),
    "azure-native:network:RouteTable": named(in_group(_NETWORK, "routeTables", "$routeTableName"), "routeTableName"),
    "azure-native:network:FlowLog": named(
        in_group(_NETWORK, "networkWatchers", "$networkWatcherName", "flowLogs", "$flowLogName"),
        "flowLogName",
        "networkWatcherName targetResourceId",
        minutes=0.2,
    ),
    "azure-native:network:PrivateEndpoint": named(
        in_group(_NETWORK, "privateEndpoints", "$privateEndpointName"),
        "privateEndpointName",
        "subnet privateLinkServiceConnections",
        minutes=1.0,
        outputs={
            "customDnsConfigs": lambda facts: [
                {"fqdn": f"{facts.token[:8]}.privatelink", "ipAddresses": [facts.private_address()]}
            ]
        },
    ),
    "azure-native:network:PrivateDnsZoneGroup": named(
        in_group(
            _NETWORK, "privateEndpoints", "$privateEndpointName", "privateDnsZoneGroups", "$privateDnsZoneGroupName"
        ),
        "privateDnsZoneGroupName",
        "privateEndpointName",
    ),
    "azure-native:privatedns:PrivateZone": named(
        in_group(_NETWORK, "privateDnsZones", "$privateZoneName"), "privateZoneName", minutes=0.5
    ),
    "azure-native:privatedns:VirtualNetworkLink": named(
        in_group(_NETWORK, "privateDnsZones", "$privateZoneName", "virtualNetworkLinks", "$virtualNetworkLinkName"),
        "virtualNetworkLinkName",
        "privateZoneName virtualNetwork",
        minutes=0.5,
    ),
}
