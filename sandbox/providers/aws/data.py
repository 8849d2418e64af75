"""Databases, caches and storage of AWS. Times [INF]: RDS 8 minutes (12 in several zones), ElastiCache 8."""

from __future__ import annotations

from typing import Final

from sandbox.providers.aws.make import arn, id_from, named, place, plain
from sandbox.providers.cloud.kinds import Existing, Facts, Table


def _rds_host(facts: Facts) -> str:
    return f"{facts.text('identifier')}.{facts.token[:12]}.{place(facts)}.rds.amazonaws.com"


def _cache_host(facts: Facts) -> str:
    return f"master.{facts.text('replicationGroupId')}.{facts.token[:6]}.{place(facts)}.cache.amazonaws.com"


def _untiered(facts: Facts, _existing: Existing) -> str | None:
    if facts.text("nodeType").startswith("cache.r6gd.") and not facts.inputs.get("dataTieringEnabled"):
        return "InvalidParameterCombination: data tiering must be enabled with r6gd nodes"
    return None


def _bucket_host(facts: Facts) -> str:
    return f"{facts.text('bucket')}.s3.amazonaws.com"


_BUCKET_SETTINGS: Final = (
    "bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucketVersioning:BucketVersioning",
    "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "bucketOwnershipControls:BucketOwnershipControls",
    "bucketPolicy:BucketPolicy",
)

KINDS: Final[Table] = {
    "aws:rds/subnetGroup:SubnetGroup": named(id_from("name"), "namePrefix", outputs={"arn": arn("rds", "subgrp:")}),
    "aws:rds/parameterGroup:ParameterGroup": named(
        id_from("name"), "family namePrefix description", outputs={"arn": arn("rds", "pg:")}
    ),
    "aws:rds/instance:Instance": named(
        id_from("identifier"),
        "engine username storageEncrypted kmsKeyId dbName availabilityZone "
        "characterSetName snapshotIdentifier timezone",
        key="identifier",
        longest=63,
        minutes=12.0,
        last_backup=lambda facts: None if facts.inputs.get("skipFinalSnapshot") else [facts.text("kmsKeyId")],
        outputs={
            "address": _rds_host,
            "endpoint": lambda facts: f"{_rds_host(facts)}:{facts.text('port', '5432')}",
            "port": lambda facts: facts.inputs.get("port") or 5432,
            "arn": arn("rds", "db:", "identifier"),
            "caCertIdentifier": lambda facts: facts.text("caCertIdentifier", "rds-ca-rsa2048-g1"),
            "resourceId": lambda facts: f"db-{facts.token.upper()}",
        },
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": named(
        id_from("name"), outputs={"arn": arn("elasticache", "subnetgroup:")}
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": named(
        id_from("name"), "family description", outputs={"arn": arn("elasticache", "parametergroup:")}
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": named(
        id_from("replicationGroupId"),
        "subnetGroupName atRestEncryptionEnabled kmsKeyId port networkType dataTieringEnabled",
        key="replicationGroupId",
        longest=40,
        minutes=8.0,
        refusal=_untiered,
        outputs={
            "primaryEndpointAddress": _cache_host,
            "readerEndpointAddress": lambda facts: _cache_host(facts).replace("master.", "replica.", 1),
            "configurationEndpointAddress": lambda facts: _cache_host(facts).replace("master.", "clustercfg.", 1),
            "arn": arn("elasticache", "replicationgroup:", "replicationGroupId"),
            "port": lambda facts: facts.inputs.get("port") or 6379,
        },
    ),
    "aws:s3/bucket:Bucket": named(
        id_from("bucket"),
        "bucketPrefix objectLockEnabled",
        key="bucket",
        longest=63,
        outputs={
            "arn": lambda facts: f"arn:aws:s3:::{facts.text('bucket')}",
            "bucketDomainName": _bucket_host,
            "bucketRegionalDomainName": lambda facts: f"{facts.text('bucket')}.s3.{place(facts)}.amazonaws.com",
        },
    ),
    **{f"aws:s3/{token}": plain(id_from("bucket"), "bucket") for token in _BUCKET_SETTINGS},
}
