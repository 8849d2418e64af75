"""Charges of AWS resources. Data and pure functions."""

from typing import Final

from report.charges import FREE_NETWORK, FREE_PART, FREE_RIGHTS, Charge, Charger, Charges, always, by_use, number, text
from report.machines import EKS_GROUP, charges_of, machines_of
from report.preview import Plan, Planned, at, items


def _group(group: Planned, plan: Plan) -> Charges:
    (machines,) = machines_of(group, plan)
    return charges_of(machines)


def _nat(_nat: Planned, _plan: Plan) -> Charges:
    data = by_use(("NAT, data", "aws.nat.data"), ("data to the internet", "aws.egress"))
    return (Charge(what="NAT gateway", item="aws.nat"), *data)


def _endpoint(endpoint: Planned, _plan: Plan) -> Charges:
    if text(endpoint.inputs, "vpcEndpointType", "Gateway") == "Gateway":
        return ()
    # AWS charges for each zone.
    subnets = len(items(endpoint.inputs, "subnetIds")) or 1
    return (Charge(what="private endpoint", item="aws.endpoint", least=subnets),)


def _postgresql(instance: Planned, _plan: Plan) -> Charges:
    kind = "multi" if at(instance.inputs, "multiAz") else "single"
    size = text(instance.inputs, "instanceClass")
    return (
        Charge(what=f"PostgreSQL {size}, {kind} zone", item=f"aws.postgresql.{size}.{kind}"),
        Charge(
            what="PostgreSQL, disk",
            item=f"aws.postgresql.disk.{kind}",
            least=number(instance.inputs, "allocatedStorage"),
        ),
    )


def _redis(group: Planned, _plan: Plan) -> Charges:
    nodes = number(group.inputs, "numCacheClusters", 1)
    size = text(group.inputs, "nodeType")
    return (Charge(what=f"ElastiCache {size}", item=f"aws.redis.{size}", least=nodes),)


def _firewall(acl: Planned, _plan: Plan) -> Charges:
    rules = len(items(acl.inputs, "rules"))
    return (Charge(what="web firewall", item="aws.waf"), Charge(what="its rules", item="aws.waf.rule", least=rules))


def _one(what: str, item: str) -> Charger:
    return always(Charge(what=what, item=item))


CHARGERS: Final[dict[str, Charger]] = {
    "aws:eks/cluster:Cluster": _one("Kubernetes control plane", "aws.cluster"),
    EKS_GROUP: _group,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws:ec2/eip:Eip": _one("public address", "aws.address"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:kms/key:Key": _one("encryption key", "aws.key"),
    "aws:cloudwatch/logGroup:LogGroup": always(*by_use(("logs", "aws.logs"))),
    "aws:ec2/flowLog:FlowLog": always(*by_use(("flow logs", "aws.flow-logs"))),
    "aws:cloudwatch/logDelivery:LogDelivery": always(*by_use(("logs", "aws.logs"))),
    "aws:rds/instance:Instance": _postgresql,
    "aws:elasticache/replicationGroup:ReplicationGroup": _redis,
    "aws:s3/bucket:Bucket": always(*by_use(("storage", "aws.storage"))),
    "aws:cloudfront/distribution:Distribution": always(*by_use(("CDN, data", "aws.cdn.data"))),
    "aws:cloudfront/function:Function": always(*by_use(("CDN, functions", "aws.cdn.functions"))),
    "aws:wafv2/webAcl:WebAcl": _firewall,
    "aws:globalaccelerator/accelerator:Accelerator": _one("accelerator", "aws.accelerator"),
    "aws:route53/zone:Zone": always(
        Charge(what="DNS zone", item="aws.dns.zone"),
        *by_use(("DNS queries by latency", "aws.dns.latency"), ("DNS queries by place", "aws.dns.geo")),
    ),
    "aws:route53/healthCheck:HealthCheck": _one("health check", "aws.dns.health-check"),
}
"""Types that cost something. The report lists an item without a price as unknown."""

_CLUSTER: Final = "part of the cluster; its pods run on the machines"

FREE: Final = {
    **dict.fromkeys(
        (
            "aws:ec2/vpc:Vpc",
            "aws:ec2/subnet:Subnet",
            "aws:ec2/route:Route",
            "aws:ec2/routeTable:RouteTable",
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            "aws:ec2/internetGateway:InternetGateway",
            "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
            "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
            "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        FREE_NETWORK,
    ),
    **dict.fromkeys(
        (
            "aws:iam/role:Role",
            "aws:iam/policy:Policy",
            "aws:iam/rolePolicy:RolePolicy",
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            "aws:eks/accessEntry:AccessEntry",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        ),
        FREE_RIGHTS,
    ),
    **dict.fromkeys(("aws:eks/addon:Addon",), _CLUSTER),
    **dict.fromkeys(
        (
            "aws:ec2/launchTemplate:LaunchTemplate",
            "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
            "aws:cloudwatch/logDeliverySource:LogDeliverySource",
            "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
            "aws:ec2/tag:Tag",
            "aws:kms/alias:Alias",
            "aws:acm/certificate:Certificate",
            "aws:acm/certificateValidation:CertificateValidation",
            "aws:cloudfront/cachePolicy:CachePolicy",
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            "aws:elasticache/parameterGroup:ParameterGroup",
            "aws:elasticache/subnetGroup:SubnetGroup",
            "aws:rds/parameterGroup:ParameterGroup",
            "aws:rds/subnetGroup:SubnetGroup",
            "aws:route53/record:Record",
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "aws:s3/bucketVersioning:BucketVersioning",
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
            "aws:s3/bucketPolicy:BucketPolicy",
        ),
        FREE_PART,
    ),
}
"""Types without a charge of their own, and why."""
