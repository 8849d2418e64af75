"""Encryption at rest: Secrets of clusters, databases, caches and disks.

No rule checks resources that are always encrypted: disks, databases, caches and buckets of Google Cloud; disks,
databases and storage of Azure; buckets of AWS.
"""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Config, Must, Rule, Table, apply, is_true, one_of
from policy.values import Props


def _storage_class(props: Props, config: Config) -> Iterator[str]:
    # Only AWS does not encrypt disks by default.
    if props.get("provisioner") == "ebs.csi.aws.com":
        yield from Must(path="parameters.encrypted", holds=is_true, remedy="encrypt its volumes")(props, config)


TABLE: Final[Table] = {
    "gcp:container/cluster:Cluster": (
        Must(
            path="databaseEncryption.state",
            holds=one_of("ENCRYPTED"),
            remedy="encrypt the cluster's Secrets with a key of your own",
        ),
    ),
    "aws:eks/cluster:Cluster": (
        Must(
            path="encryptionConfig.resources",
            holds=lambda value: isinstance(value, list) and "secrets" in value,
            remedy="encrypt the cluster's Secrets with a key of your own",
        ),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        Must(path="blockDeviceMappings[].ebs.encrypted", holds=is_true, remedy="encrypt the machines' disks"),
    ),
    "aws:ebs/volume:Volume": (Must(path="encrypted", holds=is_true, remedy="encrypt the disk"),),
    "aws:efs/fileSystem:FileSystem": (Must(path="encrypted", holds=is_true, remedy="encrypt the file system"),),
    "aws:rds/instance:Instance": (Must(path="storageEncrypted", holds=is_true, remedy="encrypt the database"),),
    "aws:rds/cluster:Cluster": (Must(path="storageEncrypted", holds=is_true, remedy="encrypt the database"),),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        Must(path="atRestEncryptionEnabled", holds=is_true, remedy="encrypt the data that the cache stores"),
    ),
    "azure-native:containerservice:ManagedCluster": (
        Must(
            path="securityProfile.azureKeyVaultKms.enabled",
            holds=is_true,
            remedy="encrypt the cluster's Secrets with a key of your own",
        ),
    ),
    "kubernetes:storage.k8s.io/v1:StorageClass": (_storage_class,),
}


def encryption(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Stored data is encrypted."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="encryption-at-rest",
    description="Stored data must be encrypted.",
    remedy="Turn encryption on for the resource. Some resources must be replaced for it.",
    validate=encryption,
)
