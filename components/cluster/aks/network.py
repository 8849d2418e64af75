"""The network of a region on Azure: resource group, virtual network, and a NAT gateway per zone."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
from pulumi_azure_native import network, resources, storage

from components.cluster import PublicAddress
from components.cluster.location import LOG_RETENTION_DAYS, NetworkArgs, common_labels
from components.offers import zones as offered_zones

ZONE_SLOTS: Final = 16
"""The nodes' range has this many equal parts, one for each possible zone number."""
CONTROL_PLANE_SERVICE: Final = "Microsoft.ContainerService/managedClusters"
_WATCHER_GROUP: Final = "NetworkWatcherRG"
"""Azure creates it, and a watcher per location in it, with the first virtual network there. Only one can exist.

Source: https://learn.microsoft.com/azure/network-watcher/network-watcher-create
"""
_SERVICE: Final = "service.beta.kubernetes.io/azure-"
_EVERY_ZONE: Final = ("1", "2", "3")
"""A region of Azure has no zones or three. Source: https://learn.microsoft.com/azure/reliability/regions-list"""


@dataclass(frozen=True, kw_only=True)
class AksNetworkArgs(NetworkArgs):
    """A region's network on Azure, and its zones."""

    zones: Sequence[str]
    """Numbers of the region's zones."""


class AksNetwork(pulumi.ComponentResource):
    """A virtual network with subnets for the control plane, for managed services, and for the nodes of each zone.

    Azure's NAT gateway is in one zone, so each zone has its own, and a lost zone blocks no other zone's egress.
    Pods have overlay addresses, which the network does not route.

    Outputs: `args`, `resource_group_name`, `resource_group_id`, `virtual_network_id`, `node_subnet_ids` (by zone),
    `control_plane_subnet_id`, `managed_subnet_id` (private endpoints of databases and caches), `egress_addresses`
    (one per zone).
    """

    args: AksNetworkArgs
    resource_group_name: pulumi.Output[str]
    resource_group_id: pulumi.Output[str]
    virtual_network_id: pulumi.Output[str]
    node_subnet_ids: Mapping[str, pulumi.Output[str]]
    control_plane_subnet_id: pulumi.Output[str]
    managed_subnet_id: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(self, name: str, args: AksNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.args = args
        group = resources.ResourceGroup(f"{name}-group", location=args.location, tags=common_labels(args), opts=child)
        self.resource_group_name = group.name
        self.resource_group_id = group.id
        addresses = args.addresses
        virtual = network.VirtualNetwork(
            f"{name}-vnet",
            resource_group_name=group.name,
            location=args.location,
            address_space=network.AddressSpaceArgs(
                address_prefixes=[str(block) for block in (addresses.nodes, addresses.control_plane, addresses.managed)]
            ),
            tags=common_labels(args),
            opts=child,
        )
        self.virtual_network_id = virtual.id
        if args.flow_logs:
            AksFlowLogs(f"{name}-flows", args, group.name, virtual, child)
        self._subnets(name, args, virtual)
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def _subnets(self, name: str, args: AksNetworkArgs, virtual: network.VirtualNetwork) -> None:
        control_plane = self._subnet(
            f"{name}-control-plane",
            virtual,
            str(args.addresses.control_plane),
            delegations=[network.DelegationArgs(name="control-plane", service_name=CONTROL_PLANE_SERVICE)],
        )
        # Azure changes one subnet of a network at a time, and refuses concurrent changes.
        managed = self._subnet(f"{name}-managed", virtual, str(args.addresses.managed), after=control_plane)
        nodes, egress, before = {}, [], managed
        for zone, block in zone_subnets(args.addresses.nodes, args.zones).items():
            address, nat = self._nat(f"{name}-{zone}", args, zone)
            before = self._subnet(
                f"{name}-nodes-{zone}", virtual, block, nat_gateway=network.SubResourceArgs(id=nat), after=before
            )
            nodes[zone] = before.id
            egress.append(address)
        self.node_subnet_ids = nodes
        self.egress_addresses = egress
        self.control_plane_subnet_id = control_plane.id
        self.managed_subnet_id = managed.id

    def _subnet(
        self,
        name: str,
        virtual: network.VirtualNetwork,
        block: str,
        *,
        nat_gateway: network.SubResourceArgs | None = None,
        delegations: Sequence[network.DelegationArgs] | None = None,
        after: pulumi.Resource | None = None,
    ) -> network.Subnet:
        return network.Subnet(
            f"{name}-subnet",
            resource_group_name=self.resource_group_name,
            virtual_network_name=virtual.name,
            address_prefix=block,
            nat_gateway=nat_gateway,
            delegations=delegations,
            default_outbound_access=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[after] if after else None),
        )

    def _nat(self, name: str, args: NetworkArgs, zone: str) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Return the egress address of the zone's nodes, and the ID of their NAT gateway."""
        child = pulumi.ResourceOptions(parent=self)
        address = network.PublicIPAddress(
            f"{name}-egress",
            resource_group_name=self.resource_group_name,
            location=args.location,
            sku=network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            zones=[zone],
            tags=common_labels(args),
            opts=child,
        )
        nat = network.NatGateway(
            f"{name}-nat",
            resource_group_name=self.resource_group_name,
            location=args.location,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            zones=[zone],
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            idle_timeout_in_minutes=10,
            tags=common_labels(args),
            opts=child,
        )
        return address.ip_address, nat.id


class AksFlowLogs(pulumi.ComponentResource):
    """Flow logs of a virtual network, with limited retention. They list all connections: Azure offers no sampling."""

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
            # Only Azure's own services write the logs. Readers elsewhere need a firewall rule.
            network_rule_set=storage.NetworkRuleSetArgs(default_action="Deny", bypass="AzureServices"),
            encryption=storage.EncryptionArgs(key_source="Microsoft.Storage", require_infrastructure_encryption=True),
            tags=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        account_id: pulumi.Output[str] = account.id
        return account_id


class AksAddresses(pulumi.ComponentResource):
    """A separate resource group for addresses. The cluster may use these, and no other part of the network.

    Outputs: `args`, `group_name`, `group_id`.
    """

    args: NetworkArgs
    group_name: pulumi.Output[str]
    group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksAddresses", name, None, opts)
        self.args = args
        group = resources.ResourceGroup(
            f"{name}-group",
            location=args.location,
            tags=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.group_name = group.name
        self.group_id = group.id
        self.register_outputs({})


class AksAddress(pulumi.ComponentResource):
    """An address in all zones of the region, also in those without nodes, because Azure never changes its zones.

    Outputs: `public` (a `PublicAddress`).
    """

    public: PublicAddress

    def __init__(self, name: str, among: AksAddresses, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksAddress", name, None, opts)
        address = network.PublicIPAddress(
            f"{name}-address",
            resource_group_name=among.group_name,
            location=among.args.location,
            sku=network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            zones=address_zones(among.args.location),
            tags=common_labels(among.args),
            # Other zones would replace the address, and with it whatever names it.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["zones"]),
        )
        self.public = PublicAddress(
            addresses=[address.ip_address],
            annotations={
                f"{_SERVICE}pip-name": address.name,
                f"{_SERVICE}load-balancer-resource-group": among.group_name,
            },
            shared=True,
        )
        self.register_outputs({"addresses": self.public.addresses})


def flow_log_account(network_id: str) -> str:
    """Return a storage account name for flow logs: 24 letters and digits, unique in all of Azure. Pure."""
    return "flows" + hashlib.sha256(network_id.lower().encode()).hexdigest()[:19]


def address_zones(location: str) -> Sequence[str]:
    """Return the zones of an address that no zone's loss takes away: all of the region. Pure.

    The setting `zones` has no part in this. Azure turns two zones into three, and refuses other zones later.
    """
    return offered_zones("azure", location) or _EVERY_ZONE


def zone_subnets(nodes: IPv4Network, zones: Sequence[str]) -> dict[str, str]:
    """Return each zone's part of the nodes' range. It depends only on the zone's number, so it never moves. Pure."""
    parts = list(nodes.subnets(prefixlen_diff=(ZONE_SLOTS - 1).bit_length()))
    return {zone: str(parts[int(zone)]) for zone in sorted(zones)}
