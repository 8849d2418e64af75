"""The network of a region on Azure: its own resource group and virtual network, one address to go out with."""

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import network, resources

from components.cluster.aks.flow_logs import AksFlowLogs
from components.cluster.arguments import NetworkArgs, common_labels

CONTROL_PLANE_SERVICE = "Microsoft.ContainerService/managedClusters"


class AksNetwork(pulumi.ComponentResource):
    """A virtual network with subnets for nodes, the control plane and managed services, and a NAT for the nodes.

    Pods have addresses of their own that the network does not know (overlay).

    Outputs: `args`, `resource_group_name`, `resource_group_id`, `virtual_network_id`, `node_subnet_id`,
    `control_plane_subnet_id`, `managed_subnet_id` (private endpoints of databases and caches), `egress_addresses`.
    """

    args: NetworkArgs
    resource_group_name: pulumi.Output[str]
    resource_group_id: pulumi.Output[str]
    virtual_network_id: pulumi.Output[str]
    node_subnet_id: pulumi.Output[str]
    control_plane_subnet_id: pulumi.Output[str]
    managed_subnet_id: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
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
                address_prefixes=[addresses.nodes, addresses.control_plane, addresses.managed]
            ),
            tags=common_labels(args),
            opts=child,
        )
        self.virtual_network_id = virtual.id
        if args.flow_logs:
            AksFlowLogs(f"{name}-flows", args, group.name, virtual, child)
        self._subnets(name, args, virtual)
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def _subnets(self, name: str, args: NetworkArgs, virtual: network.VirtualNetwork) -> None:
        nodes = self._subnet(
            f"{name}-nodes",
            virtual,
            args.addresses.nodes,
            nat_gateway=network.SubResourceArgs(id=self._nat(name, args)),
        )
        # Azure changes one subnet of a network at a time, and refuses what comes meanwhile.
        control_plane = self._subnet(
            f"{name}-control-plane",
            virtual,
            args.addresses.control_plane,
            delegations=[network.DelegationArgs(name="control-plane", service_name=CONTROL_PLANE_SERVICE)],
            after=nodes,
        )
        managed = self._subnet(f"{name}-managed", virtual, args.addresses.managed, after=control_plane)
        self.node_subnet_id = nodes.id
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

    def _nat(self, name: str, args: NetworkArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        address = network.PublicIPAddress(
            f"{name}-egress",
            resource_group_name=self.resource_group_name,
            location=args.location,
            sku=network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            tags=common_labels(args),
            opts=child,
        )
        self.egress_addresses = [address.ip_address]
        nat = network.NatGateway(
            f"{name}-nat",
            resource_group_name=self.resource_group_name,
            location=args.location,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            idle_timeout_in_minutes=10,
            tags=common_labels(args),
            opts=child,
        )
        nat_id: pulumi.Output[str] = nat.id
        return nat_id
