"""The network of a region on AWS: a VPC with private, public, pod and database subnets in each zone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi_aws import cloudwatch, ec2

from components.cluster import PublicAddress
from components.cluster.eks.identity import EksRole, EksRoleArgs, log_writing_policy, service_trust
from components.cluster.location import FLOW_LOG_MINUTES, LOG_RETENTION_DAYS, NetworkArgs, common_labels
from components.offers import has_eks
from components.settings.cloud_values import EKS_ZONE_SLOTS

DEFAULT_ZONES: Final = ("a", "b", "c")
_ZONES: Final[Mapping[str, Sequence[str]]] = {"ap-northeast-1": ("a", "c", "d"), "ca-central-1": ("a", "b", "d")}
_FLOW_LOGS: Final = "vpc-flow-logs.amazonaws.com"
_BALANCER: Final = "service.beta.kubernetes.io/aws-load-balancer-"


@dataclass(frozen=True, kw_only=True)
class EksZoneArgs:
    """One zone, and the CIDR blocks of its subnets.

    All four VPC inputs are the same VPC. Each is known only once the VPC has the range that contains the block.
    """

    location: str
    zone: str
    node_vpc: pulumi.Input[str]
    """The VPC with the range of `nodes`."""
    pod_vpc: pulumi.Input[str]
    """The VPC with the range of `pods`."""
    public_vpc: pulumi.Input[str]
    """The VPC with the range of `public`."""
    managed_vpc: pulumi.Input[str]
    """The VPC with the range of `managed`."""
    nodes: str
    pods: str
    public: str
    managed: str
    public_routes: pulumi.Input[str]
    """Route table of the public subnet."""
    tags: Mapping[str, str]


class EksZone(pulumi.ComponentResource):
    """Subnets for nodes and pods (egress through the NAT), load balancers (public) and databases (no egress).

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
        # AWS creates a NAT only in a subnet that already has a route to the internet.
        self.public_subnet_id = self._associate(f"{name}-public", args, public, args.public_routes)
        self.private_routes = self._routes_through_nat(name, args, self.public_subnet_id)
        nodes = self._subnet(f"{name}-nodes", args, args.node_vpc, args.nodes, {"kubernetes.io/role/internal-elb": "1"})
        pods = self._subnet(f"{name}-pods", args, args.pod_vpc, args.pods)
        # A subnet's ID is known once it has its route: machines that start without one never join.
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
        """Attach the routes to the subnet. Return the subnet's ID, known once it has them."""
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


@dataclass(frozen=True, kw_only=True)
class EksNetworkArgs(NetworkArgs):
    """A region's network on AWS, and its zones."""

    zones: Sequence[str] | None = None
    """Letters of the region's zones. None: the usual three.

    A letter means different zones in different accounts, and some zones have no EKS.
    """

    @property
    def zone_letters(self) -> Sequence[str]:
        """Return the zones, sorted, because their order in the setting has no meaning."""
        return sorted(usual_zones(self.location) if self.zones is None else self.zones)


class EksNetwork(pulumi.ComponentResource):
    """A VPC over several zones. Each zone has its own NAT, so a zone's failure does not affect the others.

    Outputs: `args`, `vpc_id`, `egress_addresses`, and by zone `node_subnet_ids`, `pod_subnet_ids`,
    `public_subnet_ids` (for load balancers) and `managed_subnet_ids` (for managed databases and caches, without a route
    to or from the internet).
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
            cidr_block=str(args.addresses.nodes),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=_tags(args, name),
            opts=child,
        )
        self.vpc_id = vpc.id
        # The default group has no rules, so a resource without a chosen group is unreachable.
        ec2.DefaultSecurityGroup(f"{name}-default-group", region=args.location, vpc_id=vpc.id, opts=child)
        if args.flow_logs:
            EksFlowLogs(f"{name}-flows", args, vpc.id, child)
        self._look_at_zones(args)
        zones = self._zones(name, args, vpc)
        self._storage_endpoint(name, args, vpc, zones)
        self.egress_addresses = [zone.egress_address for zone in zones.values()]
        self.node_subnet_ids = {letter: zone.node_subnet_id for letter, zone in zones.items()}
        self.pod_subnet_ids = {letter: zone.pod_subnet_id for letter, zone in zones.items()}
        self.public_subnet_ids = {letter: zone.public_subnet_id for letter, zone in zones.items()}
        self.managed_subnet_ids = {letter: zone.managed_subnet_id for letter, zone in zones.items()}
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def _look_at_zones(self, args: EksNetworkArgs) -> None:
        """Warn about zones that the account lacks or that have no EKS. Only the account knows which zones they are."""

        def tell(found: aws.GetAvailabilityZonesResult) -> None:
            ids = dict(zip(found.names, found.zone_ids, strict=True))
            for warning in zone_warnings(args.location, args.zone_letters, ids):
                pulumi.log.warn(warning, self)

        asked = pulumi.InvokeOutputOptions(parent=self)
        aws.get_availability_zones_output(region=args.location, state="available", opts=asked).apply(tell)

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
                    nodes=subnets(args.addresses.nodes, letters)[letter],
                    pods=subnets(args.addresses.pods, letters)[letter],
                    public=subnets(args.addresses.public, letters)[letter],
                    managed=subnets(args.addresses.managed, letters)[letter],
                    public_routes=public_routes,
                    tags=common_labels(args),
                ),
                child,
            )
            for letter in letters
        }

    def _more_addresses(self, name: str, args: EksNetworkArgs, vpc: ec2.Vpc, block: IPv4Network) -> pulumi.Output[str]:
        """Add a range to the VPC. Return the VPC's ID, known once it has the range."""
        more = ec2.VpcIpv4CidrBlockAssociation(
            f"{name}-addresses",
            region=args.location,
            vpc_id=vpc.id,
            cidr_block=str(block),
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
        # Image layers and backups take the gateway, which is free, instead of the NAT.
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


class EksFlowLogs(pulumi.ComponentResource):
    """Flow logs of a VPC, with limited retention. They list all connections: AWS offers no sampling."""

    def __init__(
        self, name: str, args: NetworkArgs, vpc: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:EksFlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = cloudwatch.LogGroup(
            f"{name}-group",
            region=args.location,
            retention_in_days=LOG_RETENTION_DAYS,
            tags=common_labels(args),
            opts=child,
        )
        ec2.FlowLog(
            f"{name}-log",
            region=args.location,
            vpc_id=vpc,
            traffic_type="ALL",
            max_aggregation_interval=FLOW_LOG_MINUTES * 60,
            log_destination=group.arn,
            iam_role_arn=self._role(name, args, group.arn).arn,
            tags=common_labels(args),
            opts=child,
        )
        self.register_outputs({})

    def _role(self, name: str, args: NetworkArgs, group: pulumi.Output[str]) -> EksRole:
        return EksRole(
            f"{name}-identity",
            EksRoleArgs(
                # Only for this account's logs, because the service acts for all accounts.
                trust=pulumi.Output.json_dumps(
                    group.apply(lambda arn: service_trust(_FLOW_LOGS, account=arn.split(":")[4]))
                ),
                policy=pulumi.Output.json_dumps(group.apply(log_writing_policy)),
                tags=common_labels(args),
            ),
            pulumi.ResourceOptions(parent=self),
        )


class EksAddress(pulumi.ComponentResource):
    """Elastic IPs for a network load balancer, one per zone of the balancer.

    `only` selects a single zone by number, modulo the number of zones (None: all zones).
    From one zone the balancer still reaches pods in all zones.

    Outputs: `public` (a `PublicAddress`).
    """

    public: PublicAddress

    def __init__(
        self, name: str, network: EksNetwork, only: int | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:EksAddress", name, None, opts)
        zones = chosen_zones(network.args.zone_letters, only)
        eips = {zone: self._eip(f"{name}-{zone}", network) for zone in zones}
        self.public = PublicAddress(
            addresses=[eips[zone].public_ip for zone in zones],
            annotations=_annotations(
                [eips[zone].allocation_id for zone in zones], [network.public_subnet_ids[zone] for zone in zones]
            ),
        )
        self.register_outputs({"addresses": self.public.addresses})

    def _eip(self, name: str, network: EksNetwork) -> ec2.Eip:
        return ec2.Eip(
            f"{name}-address",
            region=network.args.location,
            domain="vpc",
            tags={**common_labels(network.args), "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _annotations(
    allocations: Sequence[pulumi.Output[str]], subnets: Sequence[pulumi.Output[str]]
) -> Mapping[str, pulumi.Output[str]]:
    """Return annotations with addresses and subnets in the same order: the first address is in the first subnet."""
    return {
        f"{_BALANCER}eip-allocations": pulumi.Output.all(*allocations).apply(",".join),
        f"{_BALANCER}subnets": pulumi.Output.all(*subnets).apply(",".join),
    }


def usual_zones(location: str) -> Sequence[str]:
    """Return the letters of three zones that usually have EKS in an AWS region. Pure."""
    return _ZONES.get(location, DEFAULT_ZONES)


def zone_warnings(location: str, zones: Sequence[str], ids: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning for each zone that cannot have a cluster. `ids` are those of the account, by full name. Pure."""
    good = [name[-1] for name, zone_id in sorted(ids.items()) if name[:-1] == location and has_eks(zone_id)]
    for zone in zones:
        zone_id = ids.get(f"{location}{zone}")
        if zone_id is None or not has_eks(zone_id):
            known = f"it is {zone_id}, where EKS has no clusters"
            lacks = known if zone_id else "this account does not have it"
            yield (
                f"{location}: AWS will refuse the zone {zone}: {lacks}. "
                f"Write zones with letters among {', '.join(good)} before the region's first deployment"
            )


def zone_slot(zone: str) -> int:
    """Return a zone's slot. It depends only on the zone's letter, so it never moves. Pure."""
    return (ord(zone) - ord("a")) % EKS_ZONE_SLOTS


def chosen_zones(zones: Sequence[str], only: int | None) -> Sequence[str]:
    """Return all zones, or number `only` of them, modulo their count. More zones change a number's meaning. Pure."""
    ordered = sorted(zones)
    return ordered if only is None else [ordered[only % len(ordered)]]


def subnets(block: IPv4Network, zones: Sequence[str]) -> dict[str, str]:
    """Return each zone's part of the range. Pure."""
    parts = list(block.subnets(prefixlen_diff=(EKS_ZONE_SLOTS - 1).bit_length()))
    return {zone: str(parts[zone_slot(zone)]) for zone in sorted(zones)}


def _tags(args: NetworkArgs, name: str) -> dict[str, str]:
    return {**common_labels(args), "Name": name}
