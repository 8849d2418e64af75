"""Public exposure: databases, caches, buckets, machines and administration endpoints.

New AWS buckets are private by default (since April 2023), so the rule checks only settings that would open them.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.pods import RELEASE
from policy.rule import Config, Must, Rule, Schema, Table, apply, configured, is_given, is_not_true, is_true, one_of
from policy.rules import exposure_networks as networks
from policy.values import UNKNOWN, Props, at, shown

EVERYBODY: Final = ("0.0.0.0/0", "::/0", "*", "Internet", "Any")
_MEMBERS: Final = ("allUsers", "allAuthenticatedUsers")

SCHEMA: Final[Schema] = {
    "publicServices": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["istio-ingressgateway", "circles-*"],
        "description": "Names of load balancers that anyone may reach. A star stands for any text.",
    }
}


def _not_everybody(value: Any) -> bool:
    return value not in EVERYBODY


def _not_anyone(value: Any) -> bool:
    return not set(value if isinstance(value, list) else [value]) & set(_MEMBERS)


def _reaches_api(props: Props, _config: Config) -> Iterator[str]:
    access = at(props, "vpcConfig") or {}
    if access is UNKNOWN or not access.get("endpointPublicAccess", True):
        return
    ranges = access.get("publicAccessCidrs")
    if ranges is not UNKNOWN and (not ranges or set(ranges) & set(EVERYBODY)):
        yield f"vpcConfig.publicAccessCidrs is {shown(ranges)}: name the networks that may reach the Kubernetes API"


def _reaches_aks_api(props: Props, _config: Config) -> Iterator[str]:
    access = at(props, "apiServerAccessProfile") or {}
    if access is UNKNOWN or is_true(access.get("enablePrivateCluster")):
        return
    ranges = access.get("authorizedIPRanges")
    if ranges is not UNKNOWN and (not ranges or set(ranges) & set(EVERYBODY)):
        yield "apiServerAccessProfile.authorizedIPRanges: name the networks that may reach the Kubernetes API"


def _service(props: Props, config: Config) -> Iterator[str]:
    if at(props, "spec.type") == "LoadBalancer" and not _public(at(props, "metadata.name"), config):
        yield from _sources(at(props, "spec.loadBalancerSourceRanges"))


def _release(props: Props, config: Config) -> Iterator[str]:
    if at(props, "values.service.type") == "LoadBalancer" and not _public(props.get("name"), config):
        yield from _sources(at(props, "values.service.loadBalancerSourceRanges"))


def _public(name: Any, config: Config) -> bool:
    return any(fnmatchcase(str(name), pattern) for pattern in config["publicServices"])


def _sources(ranges: Any) -> Iterator[str]:
    if ranges is UNKNOWN:
        return
    if not ranges or {one for one in ranges if one is not UNKNOWN} & set(EVERYBODY):
        yield f"loadBalancerSourceRanges is {shown(ranges)}: name its clients' networks, or list it in publicServices"


_PRIVATE_BUCKET: Final = tuple(
    Must(path=path, holds=is_true, remedy="keep the bucket from ever becoming public")
    for path in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
)
_CLOSED: Final = Must(
    path="publicNetworkAccess", holds=one_of("Disabled"), remedy="reach it over a private endpoint only"
)


def _postgresql(props: Props, _config: Config) -> Iterator[str]:
    network = at(props, "network") or {}
    if network is UNKNOWN or network.get("delegatedSubnetResourceId"):
        return
    if network.get("publicNetworkAccess") not in ("Disabled", UNKNOWN):
        yield "network.publicNetworkAccess is not Disabled: put the server into its own subnet"


TABLE: Final[Table] = {
    "gcp:container/cluster:Cluster": (
        Must(path="privateClusterConfig.enablePrivateNodes", holds=is_true, remedy="give nodes no public addresses"),
        Must(
            path="masterAuthorizedNetworksConfig",
            holds=is_given,
            remedy="name the networks that may reach the Kubernetes API",
        ),
        Must(
            path="masterAuthorizedNetworksConfig.cidrBlocks[].cidrBlock",
            holds=_not_everybody,
            remedy="name the networks that may reach the Kubernetes API",
        ),
    ),
    "gcp:container/nodePool:NodePool": (
        Must(
            path="networkConfig.enablePrivateNodes", holds=one_of(None, True), remedy="give nodes no public addresses"
        ),
    ),
    "gcp:compute/instance:Instance": (
        Must(
            path="networkInterfaces[].accessConfigs",
            holds=lambda value: value is None,
            remedy="give machines no public addresses",
        ),
    ),
    "gcp:compute/firewall:Firewall": (networks.google_firewall,),
    "gcp:sql/databaseInstance:DatabaseInstance": (
        Must(
            path="settings.ipConfiguration.ipv4Enabled",
            holds=lambda value: value is False,
            remedy="give the database a private address only",
        ),
    ),
    "gcp:storage/bucket:Bucket": (
        Must(path="publicAccessPrevention", holds=one_of("enforced"), remedy="keep it from ever becoming public"),
        Must(
            path="uniformBucketLevelAccess", holds=is_true, remedy="grant access to the bucket, not to single objects"
        ),
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": (
        Must(path="member", holds=_not_anyone, remedy="name who may read the bucket"),
    ),
    "gcp:storage/bucketIAMBinding:BucketIAMBinding": (
        Must(path="members", holds=_not_anyone, remedy="name who may read the bucket"),
    ),
    "aws:eks/cluster:Cluster": (_reaches_api,),
    "aws:ec2/subnet:Subnet": (
        Must(path="mapPublicIpOnLaunch", holds=is_not_true, remedy="give machines no public addresses"),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        Must(
            path="networkInterfaces[].associatePublicIpAddress",
            holds=is_not_true,
            remedy="give machines no public addresses",
        ),
    ),
    "aws:ec2/instance:Instance": (
        Must(path="associatePublicIpAddress", holds=is_not_true, remedy="give machines no public addresses"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (networks.amazon_group,),
    "aws:ec2/securityGroupRule:SecurityGroupRule": (networks.amazon_group_rule,),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (networks.amazon_ingress_rule,),
    "aws:rds/instance:Instance": (
        Must(path="publiclyAccessible", holds=is_not_true, remedy="give the database a private address only"),
    ),
    "aws:rds/clusterInstance:ClusterInstance": (
        Must(path="publiclyAccessible", holds=is_not_true, remedy="give the database a private address only"),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _PRIVATE_BUCKET,
    "aws:s3/bucketAcl:BucketAcl": (
        Must(path="acl", holds=one_of(None, "private", "log-delivery-write"), remedy="keep the bucket private"),
    ),
    "aws:s3/bucket:Bucket": (
        Must(path="acl", holds=one_of(None, "private", "log-delivery-write"), remedy="keep the bucket private"),
    ),
    "azure-native:containerservice:ManagedCluster": (
        _reaches_aks_api,
        Must(
            path="agentPoolProfiles[].enableNodePublicIP",
            holds=is_not_true,
            remedy="give nodes no public addresses",
        ),
    ),
    "azure-native:containerservice:AgentPool": (
        Must(path="enableNodePublicIP", holds=is_not_true, remedy="give nodes no public addresses"),
    ),
    "azure-native:network:NetworkSecurityGroup": (networks.azure_group,),
    "azure-native:dbforpostgresql:Server": (_postgresql,),
    "azure-native:redisenterprise:RedisEnterprise": (_CLOSED,),
    "azure-native:redis:Redis": (_CLOSED,),
    "azure-native:storage:StorageAccount": (
        Must(path="allowBlobPublicAccess", holds=lambda value: value is False, remedy="keep blobs private"),
    ),
    "azure-native:storage:BlobContainer": (
        Must(path="publicAccess", holds=one_of(None, "None"), remedy="keep blobs private"),
    ),
    "kubernetes:core/v1:Service": (_service,),
    "kubernetes:kafka.strimzi.io/v1:Kafka": (
        Must(
            path="spec.kafka.listeners[].type",
            holds=one_of("internal", "cluster-ip"),
            remedy="let other regions use the peer endpoints, which admit only them",
        ),
    ),
    RELEASE: (_release,),
}


def exposure(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Only the public gateway is open to everyone."""
    apply(TABLE, args, report, configured(args.get_config(), SCHEMA))


RULE: Final = Rule(
    name="no-public-exposure",
    description="Only public endpoints may be open to everyone.",
    remedy="Use private addresses, or name the networks that may connect.",
    schema=SCHEMA,
    validate=exposure,
)
