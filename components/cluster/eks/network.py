"""The network of a region on AWS: its own VPC with private, public, pod and database subnets in each zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from components.cluster.arguments import NetworkArgs, common_labels
from components.cluster.eks import plan
from components.cluster.eks.flow_logs import EksFlowLogs
from components.cluster.eks.zone import EksZone, EksZoneArgs


@dataclass(frozen=True, kw_only=True)
class EksNetworkArgs(NetworkArgs):
    """`zones` are letters of the region's zones; None takes the usual three.

    Letters mean different zones in different accounts, and some have no EKS: if AWS refuses one, name others here.
    """

    zones: Sequence[str] | None = None

    def __post_init__(self) -> None:
        plan.check_zones(self.zone_letters)

    @property
    def zone_letters(self) -> Sequence[str]:
        """The zones, sorted: their order in the list means nothing."""
        return sorted(plan.zones(self.location) if self.zones is None else self.zones)


class EksNetwork(pulumi.ComponentResource):
    """A VPC over several zones. Every zone has its own NAT, so that one zone's failure stays its own.

    Outputs: `args`, `vpc_id`, `egress_addresses`, and by zone `node_subnet_ids`, `pod_subnet_ids`,
    `public_subnet_ids` (for load balancers) and `managed_subnet_ids` (for managed databases and caches; no way to or
    from the internet).
    """

    args: EksNetworkArgs
    vpc_id: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]
    node_subnet_ids: Mapping[str, pulumi.Output[str]]
    pod_subnet_ids: Mapping[str, pulumi.Output[str]]
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    managed_subnet_ids: Mapping[str, pulumi.Output[str]]

    def __init__(self, name: str, args: EksNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.args = args
        vpc = ec2.Vpc(
            f"{name}-vpc",
            region=args.location,
            cidr_block=args.addresses.nodes,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=_tags(args, name),
            opts=child,
        )
        self.vpc_id = vpc.id
        # With no rules at all nothing that forgets to choose a security group is reachable.
        ec2.DefaultSecurityGroup(f"{name}-default-group", region=args.location, vpc_id=vpc.id, opts=child)
        if args.flow_logs:
            EksFlowLogs(f"{name}-flows", args, vpc.id, child)
        zones = self._zones(name, args, vpc)
        self._storage_endpoint(name, args, vpc, zones)
        self.egress_addresses = [zone.egress_address for zone in zones.values()]
        self.node_subnet_ids = {letter: zone.node_subnet_id for letter, zone in zones.items()}
        self.pod_subnet_ids = {letter: zone.pod_subnet_id for letter, zone in zones.items()}
        self.public_subnet_ids = {letter: zone.public_subnet_id for letter, zone in zones.items()}
        self.managed_subnet_ids = {letter: zone.managed_subnet_id for letter, zone in zones.items()}
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def _zones(self, name: str, args: EksNetworkArgs, vpc: ec2.Vpc) -> dict[str, EksZone]:
        child = pulumi.ResourceOptions(parent=self)
        public_routes = self._public_routes(name, args, vpc)
        pods = self._more_addresses(f"{name}-pods", args, vpc, args.addresses.pods)
        public = self._more_addresses(f"{name}-public", args, vpc, args.addresses.public)
        managed = self._more_addresses(f"{name}-managed", args, vpc, args.addresses.managed)
        letters = args.zone_letters
        return {
            letter: EksZone(
                f"{name}-{letter}",
                EksZoneArgs(
                    location=args.location,
                    zone=f"{args.location}{letter}",
                    node_vpc=vpc.id,
                    pod_vpc=pods,
                    public_vpc=public,
                    managed_vpc=managed,
                    nodes=plan.subnets(args.addresses.nodes, letters)[letter],
                    pods=plan.subnets(args.addresses.pods, letters)[letter],
                    public=plan.subnets(args.addresses.public, letters)[letter],
                    managed=plan.subnets(args.addresses.managed, letters)[letter],
                    public_routes=public_routes,
                    tags=common_labels(args),
                ),
                child,
            )
            for letter in letters
        }

    def _more_addresses(self, name: str, args: EksNetworkArgs, vpc: ec2.Vpc, block: str) -> pulumi.Output[str]:
        """Give the VPC another range; the VPC's id, once it has it."""
        more = ec2.VpcIpv4CidrBlockAssociation(
            f"{name}-addresses",
            region=args.location,
            vpc_id=vpc.id,
            cidr_block=block,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.all(vpc.id, more.id).apply(lambda known: str(known[0]))

    def _public_routes(self, name: str, args: EksNetworkArgs, vpc: ec2.Vpc) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        gateway = ec2.InternetGateway(
            f"{name}-internet", region=args.location, vpc_id=vpc.id, tags=_tags(args, name), opts=child
        )
        table = ec2.RouteTable(
            f"{name}-public-routes",
            region=args.location,
            vpc_id=vpc.id,
            tags=_tags(args, f"{name}-public"),
            opts=child,
        )
        route = ec2.Route(
            f"{name}-public-default",
            region=args.location,
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        return pulumi.Output.all(table.id, route.id).apply(lambda known: str(known[0]))

    def _storage_endpoint(self, name: str, args: EksNetworkArgs, vpc: ec2.Vpc, zones: Mapping[str, EksZone]) -> None:
        # Image layers and backups take this way: the gateway costs nothing, the NAT would.
        ec2.VpcEndpoint(
            f"{name}-storage",
            region=args.location,
            vpc_id=vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{args.location}.s3",
            route_table_ids=[zone.private_routes for zone in zones.values()],
            tags=_tags(args, f"{name}-storage"),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _tags(args: NetworkArgs, name: str) -> dict[str, str]:
    return {**common_labels(args), "Name": name}
