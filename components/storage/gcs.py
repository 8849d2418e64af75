"""Object storage of Google Cloud."""

import pulumi
from pulumi_gcp import storage

from components.cluster.gke.encryption import GrantTime
from components.cluster.location import common_labels
from components.durations import DAY_SECONDS
from components.grants import once_honoured
from components.storage import REGRET_DAYS, ObjectStore, ObjectStoreArgs


class GcsStore(pulumi.ComponentResource):
    """A bucket in the region, encrypted with Google's keys. The principal may add and read objects.

    Outputs: `store` (an `ObjectStore`).
    """

    store: ObjectStore

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:storage:GcsStore", name, None, opts)
        bucket = self._bucket(name, args)
        granted = [
            storage.BucketIAMMember(
                f"{name}-{purpose}",
                bucket=bucket.name,
                role=f"roles/storage.{role}",
                member=args.principal,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for purpose, role in {"write": "objectCreator", "read": "objectViewer"}.items()
        ]
        made = GrantTime(f"{name}-time", granted, pulumi.ResourceOptions(parent=self)).made
        usable = once_honoured(bucket.name, [made])
        self.store = ObjectStore(uri=usable.apply(lambda known: f"gs://{known}"), parameters={})
        self.register_outputs({"uri": self.store.uri})

    def _bucket(self, name: str, args: ObjectStoreArgs) -> storage.Bucket:
        delete = storage.BucketLifecycleRuleActionArgs(type="Delete")
        return storage.Bucket(
            f"{name}-bucket",
            location=args.place.location.upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=REGRET_DAYS * DAY_SECONDS),
            lifecycle_rules=[
                storage.BucketLifecycleRuleArgs(
                    action=delete, condition=storage.BucketLifecycleRuleConditionArgs(age=args.retention)
                ),
                storage.BucketLifecycleRuleArgs(
                    action=delete,
                    condition=storage.BucketLifecycleRuleConditionArgs(days_since_noncurrent_time=REGRET_DAYS),
                ),
            ],
            force_destroy=False,
            labels=common_labels(args.place),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
