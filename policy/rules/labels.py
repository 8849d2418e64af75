"""Labels and tags, by which people find, count and charge resources."""

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Rule, Schema, configured
from policy.values import UNKNOWN, Props, at, plain

SCHEMA: Final[Schema] = {
    "kubernetes": {
        "type": "array",
        "items": {"type": "string"},
        "default": [
            "app.kubernetes.io/name",
            "app.kubernetes.io/part-of",
            "app.kubernetes.io/managed-by",
            "sacred-council.love/region",
        ],
        "description": "Labels of every Kubernetes object.",
    },
    "cloud": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["part-of", "managed-by"],
        "description": "Labels or tags of every cloud resource that supports them.",
    },
}

LABELS: Final = {
    "gcp:compute/address:Address": "labels",
    "gcp:compute/globalAddress:GlobalAddress": "labels",
    "gcp:dns/managedZone:ManagedZone": "labels",
    "gcp:container/cluster:Cluster": "resourceLabels",
    "gcp:container/nodePool:NodePool": "nodeConfig.resourceLabels",
    "gcp:kms/cryptoKey:CryptoKey": "labels",
    "gcp:redis/instance:Instance": "labels",
    "gcp:secretmanager/secret:Secret": "labels",
    "gcp:sql/databaseInstance:DatabaseInstance": "settings.userLabels",
    "gcp:storage/bucket:Bucket": "labels",
    **dict.fromkeys(
        (
            "aws:acm/certificate:Certificate",
            "aws:cloudfront/distribution:Distribution",
            "aws:cloudwatch/logGroup:LogGroup",
            "aws:ec2/eip:Eip",
            "aws:ec2/internetGateway:InternetGateway",
            "aws:ec2/launchTemplate:LaunchTemplate",
            "aws:ec2/natGateway:NatGateway",
            "aws:ec2/routeTable:RouteTable",
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:ec2/subnet:Subnet",
            "aws:ec2/vpc:Vpc",
            "aws:eks/addon:Addon",
            "aws:eks/cluster:Cluster",
            "aws:eks/nodeGroup:NodeGroup",
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:iam/role:Role",
            "aws:kms/key:Key",
            "aws:rds/instance:Instance",
            "aws:route53/healthCheck:HealthCheck",
            "aws:route53/zone:Zone",
            "aws:s3/bucket:Bucket",
            "aws:wafv2/webAcl:WebAcl",
            "azure-native:cdn:Profile",
            "azure-native:containerservice:AgentPool",
            "azure-native:containerservice:ManagedCluster",
            "azure-native:dbforpostgresql:Server",
            "azure-native:dns:Zone",
            "azure-native:frontdoor:Policy",
            "azure-native:keyvault:Vault",
            "azure-native:managedidentity:UserAssignedIdentity",
            "azure-native:network:NatGateway",
            "azure-native:network:NetworkSecurityGroup",
            "azure-native:network:PublicIPAddress",
            "azure-native:network:VirtualNetwork",
            "azure-native:operationalinsights:Workspace",
            "azure-native:redisenterprise:RedisEnterprise",
            "azure-native:resources:ResourceGroup",
            "azure-native:storage:StorageAccount",
        ),
        "tags",
    ),
}
"""Path of the labels or tags, by resource type of a cloud."""


def labels(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every resource carries the required labels or tags."""
    config, kind = configured(args.get_config(), SCHEMA), args.resource_type
    if kind in LABELS:
        problems = _missing(plain(args.props), LABELS[kind], config["cloud"])
    elif kind.startswith("kubernetes:") and not kind.startswith("kubernetes:helm.sh/"):
        problems = _missing(plain(args.props), "metadata.labels", config["kubernetes"])
    else:
        return
    for problem in problems:
        report(problem, None)


def _missing(props: Props, path: str, needed: Sequence[str]) -> Iterator[str]:
    given = at(props, path)
    missing = [] if given is UNKNOWN else [name for name in needed if name not in (given or {})]
    if missing:
        yield f"{path} lacks {', '.join(missing)}"


RULE: Final = Rule(
    name="required-labels",
    description="Every resource must carry the required labels or tags.",
    remedy="Components set them: pass the region's labels to the component.",
    schema=SCHEMA,
    validate=labels,
)
