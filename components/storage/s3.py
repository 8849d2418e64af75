"""Object storage of AWS."""

import json
from typing import Any

import pulumi
from pulumi_aws import s3

from components.cluster.location import common_labels
from components.storage import REGRET_DAYS, ObjectStore, ObjectStoreArgs


class S3Store(pulumi.ComponentResource):
    """A bucket in the region, encrypted with S3's keys. The principal may add and read objects, over TLS.

    Outputs: `store` (an `ObjectStore`).
    """

    store: ObjectStore

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:storage:S3Store", name, None, opts)
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        self._location = args.place.location
        bucket = s3.Bucket(
            f"{name}-bucket",
            region=self._location,
            force_destroy=False,
            tags=common_labels(args.place),
            opts=self._kept,
        )
        closed = self._closed(name, bucket)
        self._protected(name, bucket, args.retention)
        policy = s3.BucketPolicy(
            f"{name}-policy",
            region=self._location,
            bucket=bucket.bucket,
            policy=pulumi.Output.all(bucket.arn, args.principal).apply(lambda known: json.dumps(bucket_policy(*known))),
            # AWS checks the policy against the public access block, and accepts one change of a bucket at a time.
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=[closed])),
        )
        ready = pulumi.Output.all(bucket.bucket, policy.id)
        self.store = ObjectStore(
            uri=ready.apply(lambda known: f"s3://{known[0]}"), parameters={"AWS_REGION": self._location}
        )
        self.register_outputs({"uri": self.store.uri})

    def _closed(self, name: str, bucket: s3.Bucket) -> s3.BucketPublicAccessBlock:
        s3.BucketOwnershipControls(
            f"{name}-ownership",
            region=self._location,
            bucket=bucket.bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._kept,
        )
        return s3.BucketPublicAccessBlock(
            f"{name}-closed",
            region=self._location,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept,
        )

    def _protected(self, name: str, bucket: s3.Bucket, retention: int) -> None:
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            region=self._location,
            bucket=bucket.bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="AES256"
                        )
                    )
                )
            ],
            opts=self._kept,
        )
        versioning = s3.BucketVersioning(
            f"{name}-versioning",
            region=self._location,
            bucket=bucket.bucket,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._kept,
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            region=self._location,
            bucket=bucket.bucket,
            rules=[_lifecycle(retention)],
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=[versioning])),
        )


def _lifecycle(retention: int) -> s3.BucketLifecycleConfigurationRuleArgs:
    return s3.BucketLifecycleConfigurationRuleArgs(
        id="retention",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=retention),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=REGRET_DAYS
        ),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=1
        ),
    )


def bucket_policy(bucket_arn: str, principal_arn: str) -> dict[str, Any]:
    """Deny requests without TLS. Let the principal list the bucket, and add and read objects. Pure."""
    everything = [bucket_arn, f"{bucket_arn}/*"]
    principal = {"AWS": principal_arn}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": everything,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {"Effect": "Allow", "Principal": principal, "Action": "s3:ListBucket", "Resource": bucket_arn},
            {
                "Effect": "Allow",
                "Principal": principal,
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"{bucket_arn}/*",
            },
        ],
    }
