"""Networks of AWS. Times [INF]: a NAT gateway 2 minutes, an interface endpoint 2."""

from __future__ import annotations

from typing import Final

from sandbox.providers.aws.make import ACCOUNT, arn, id_from, named, plain, random_id
from sandbox.providers.cloud.kinds import AMAZON, Facts, Kind, Table, unchangeable


def _public_address(facts: Facts) -> str:
    return facts.address(AMAZON)


def _route_id(facts: Facts) -> str:
    targets = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
    target = next((facts.text(key) for key in targets if facts.text(key)), "")
    return f"r-{facts.text('routeTableId')}-{target}"


KINDS: Final[Table] = {
    "aws:ec2/vpc:Vpc": plain(
        random_id("vpc"),
        "cidrBlock ipv4IpamPoolId ipv4NetmaskLength",
        minutes=0.2,
        outputs={
            "arn": arn("ec2", "vpc/vpc-", ""),
            "ownerId": lambda facts: ACCOUNT,
            "defaultSecurityGroupId": lambda facts: f"sg-{facts.token[-17:]}",
            "mainRouteTableId": lambda facts: f"rtb-{facts.token[-17:]}",
        },
    ),
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": plain(
        random_id("vpc-cidr-assoc"), "vpcId cidrBlock", minutes=0.3
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": plain(
        random_id("sg"), "vpcId", outputs={"name": lambda facts: "default", "arn": arn("ec2", "security-group/sg-", "")}
    ),
    "aws:ec2/securityGroup:SecurityGroup": named(
        random_id("sg"),
        "vpcId description namePrefix",
        outputs={"arn": arn("ec2", "security-group/sg-", "")},
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": plain(
        random_id("sgrule"), "securityGroupId type protocol fromPort toPort cidrBlocks sourceSecurityGroupId self"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": plain(random_id("sgr"), "securityGroupId"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": plain(random_id("sgr"), "securityGroupId"),
    "aws:ec2/internetGateway:InternetGateway": plain(
        random_id("igw"), minutes=0.1, outputs={"arn": arn("ec2", "internet-gateway/igw-", "")}
    ),
    "aws:ec2/routeTable:RouteTable": plain(random_id("rtb"), "vpcId"),
    "aws:ec2/route:Route": plain(
        _route_id, "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId"
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": plain(random_id("rtbassoc"), "subnetId gatewayId"),
    "aws:ec2/subnet:Subnet": plain(
        random_id("subnet"),
        "vpcId cidrBlock availabilityZone availabilityZoneId ipv6Native outpostArn",
        minutes=0.1,
        outputs={"arn": arn("ec2", "subnet/subnet-", "")},
    ),
    "aws:ec2/eip:Eip": plain(
        random_id("eipalloc"),
        "domain address customerOwnedIpv4Pool networkBorderGroup publicIpv4Pool",
        outputs={
            "publicIp": _public_address,
            "allocationId": random_id("eipalloc"),
            "publicDns": lambda facts: f"ec2-{_public_address(facts).replace('.', '-')}.compute.amazonaws.com",
        },
    ),
    "aws:ec2/natGateway:NatGateway": plain(
        random_id("nat"),
        "subnetId allocationId connectivityType privateIp vpcId availabilityMode",
        minutes=2.0,
        outputs={"privateIp": lambda facts: facts.private_address(), "publicIp": _public_address},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": plain(
        random_id("vpce"),
        "vpcId serviceName vpcEndpointType serviceRegion",
        minutes=0.2,
        outputs={"prefixListId": random_id("pl"), "state": lambda facts: "available"},
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Kind(
        id=random_id("lt"),
        outputs={
            "arn": arn("ec2", "launch-template/lt-", ""),
            "latestVersion": lambda facts: facts.revision,
            "defaultVersion": lambda facts: facts.revision if facts.inputs.get("updateDefaultVersion") else 1,
        },
        name_input="name",
        longest=125,
        immutable=unchangeable("region name namePrefix"),
        changing=frozenset({"latestVersion", "defaultVersion"}),
    ),
    "aws:ec2/flowLog:FlowLog": plain(
        random_id("fl"),
        "vpcId subnetId eniId transitGatewayId trafficType logDestination logDestinationType iamRoleArn logFormat "
        "maxAggregationInterval",
        outputs={"arn": arn("ec2", "vpc-flow-log/fl-", "")},
    ),
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": plain(
        random_id("pcx"), "vpcId peerVpcId peerRegion peerOwnerId"
    ),
    "aws:ec2/tag:Tag": plain(id_from("resourceId", "key", by=","), "resourceId key"),
}
