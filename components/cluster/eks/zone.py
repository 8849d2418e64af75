"""One zone of a region on AWS: its subnets, its NAT, its routes."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2


@dataclass(frozen=True, kw_only=True)
class EksZoneArgs:
    """`nodes`, `pods`, `public` and `managed` are the zone's CIDR blocks, each of the VPC that is named for it.

    It is one VPC; but each of its ids is known only once the VPC has the range that the block is from.
    """

    location: str
    zone: str
    node_vpc: pulumi.Input[str]
    pod_vpc: pulumi.Input[str]
    public_vpc: pulumi.Input[str]
    managed_vpc: pulumi.Input[str]
    nodes: str
    pods: str
    public: str
    managed: str
    public_routes: pulumi.Input[str]
    tags: Mapping[str, str]


class EksZone(pulumi.ComponentResource):
    """Subnets for nodes and pods (out through the NAT), load balancers (public) and databases (no way out).

    Outputs: `node_subnet_id`, `pod_subnet_id`, `public_subnet_id`, `managed_subnet_id`, `egress_address`,
    `private_routes` (route table).
    """

    node_subnet_id: pulumi.Output[str]
    pod_subnet_id: pulumi.Output[str]
    public_subnet_id: pulumi.Output[str]
    managed_subnet_id: pulumi.Output[str]
    egress_address: pulumi.Output[str]
    private_routes: pulumi.Output[str]

    def __init__(self, name: str, args: EksZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksZone", name, None, opts)
        public = self._subnet(f"{name}-public", args, args.public_vpc, args.public, {"kubernetes.io/role/elb": "1"})
        # AWS makes a NAT only where there is a way to the internet already.
        self.public_subnet_id = self._associate(f"{name}-public", args, public, args.public_routes)
        self.private_routes = self._routes_through_nat(name, args, self.public_subnet_id)
        nodes = self._subnet(f"{name}-nodes", args, args.node_vpc, args.nodes, {"kubernetes.io/role/internal-elb": "1"})
        pods = self._subnet(f"{name}-pods", args, args.pod_vpc, args.pods)
        # Subnets are known when their way out is: machines that start without one never join.
        self.node_subnet_id = self._associate(f"{name}-nodes", args, nodes, self.private_routes)
        self.pod_subnet_id = self._associate(f"{name}-pods", args, pods, self.private_routes)
        self.managed_subnet_id = self._subnet(f"{name}-managed", args, args.managed_vpc, args.managed).id
        self.register_outputs({"egress_address": self.egress_address})

    def _subnet(
        self,
        name: str,
        args: EksZoneArgs,
        vpc: pulumi.Input[str],
        block: str,
        tags: Mapping[str, str] | None = None,
    ) -> ec2.Subnet:
        return ec2.Subnet(
            f"{name}-subnet",
            region=args.location,
            vpc_id=vpc,
            availability_zone=args.zone,
            cidr_block=block,
            map_public_ip_on_launch=False,
            tags={**args.tags, **(tags or {}), "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _associate(
        self, name: str, args: EksZoneArgs, subnet: ec2.Subnet, routes: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        """Give the subnet its routes; the subnet's id, once it has them."""
        association = ec2.RouteTableAssociation(
            f"{name}-routes",
            region=args.location,
            subnet_id=subnet.id,
            route_table_id=routes,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.all(subnet.id, association.id).apply(lambda known: str(known[0]))

    def _routes_through_nat(self, name: str, args: EksZoneArgs, subnet: pulumi.Output[str]) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        tags = {**args.tags, "Name": name}
        address = ec2.Eip(f"{name}-egress", region=args.location, domain="vpc", tags=tags, opts=child)
        self.egress_address = address.public_ip
        nat = ec2.NatGateway(
            f"{name}-nat",
            region=args.location,
            subnet_id=subnet,
            allocation_id=address.allocation_id,
            tags=tags,
            opts=child,
        )
        table = ec2.RouteTable(
            f"{name}-private-routes", region=args.location, vpc_id=args.node_vpc, tags=tags, opts=child
        )
        route = ec2.Route(
            f"{name}-private-default",
            region=args.location,
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nat.id,
            opts=child,
        )
        return pulumi.Output.all(table.id, route.id).apply(lambda known: str(known[0]))
