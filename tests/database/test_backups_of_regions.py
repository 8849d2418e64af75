"""Backups of the database: where each cloud stores them, who may write them, and which regions take none."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.storage.blob import account_name
from components.storage.s3 import bucket_policy
from tests.support.clusters import CLUSTER_TYPES
from tests.support.data_services import waits_for
from tests.support.regions import AMSTERDAM, IOWA, MIXED, VIRGINIA, Where, of_region, rendered, rendered_with
from tests.support.rendering import Rendered, Resource, render

pytestmark = pytest.mark.stack

URIS = {
    "gcp": "gs://us-central1-backups-bucket-0a1b2c3/cockroachdb?AUTH=implicit",
    "aws": "s3://us-east-1-backups-bucket-0a1b2c3/cockroachdb?AUTH=implicit&AWS_REGION=us-east-1",
}
GRANTS = ("gcp:storage/bucketIAMMember:BucketIAMMember", "azure-native:authorization:RoleAssignment")
CLOCK = "gcp:compute/healthCheck:HealthCheck"
"""Tells when a grant was made; it goes with the grant."""


@cache
def everywhere() -> Rendered:
    """Render a stack of three clouds in which every region takes backups."""
    backup = {"regions": [name for name, _ in MIXED], "schedule": "*/30 * * * *", "full": "@weekly", "retention": "8w"}
    return rendered_with(MIXED, database={"primaryRegion": IOWA[0], "nodes": 3, "backup": backup})


def backups(stack: Rendered, region: str) -> list[Resource]:
    """List the region's cloud resources for backups."""
    return [r for key, r in of_region(stack, region).items() if key.startswith("backups-") and r.custom]


def statements(stack: Rendered, region: str) -> str:
    """Return the SQL that the region's Job runs."""
    return str(stack.named(f"{region}-database-jobs-backup-settings").inputs["data"]["backup.sql"])


def pod(stack: Rendered, region: str) -> dict[str, Any]:
    """Return the pod template of the region's nodes."""
    return dict(stack.named(f"{region}-database-statefulset").inputs["spec"]["template"])


@pytest.mark.parametrize("where", MIXED)
def test_every_cloud_s_nodes_write_to_their_own_cloud_by_their_own_schedule(where: Where) -> None:
    said = statements(everywhere(), where[0])
    uri = URIS.get(where[1]) or f"azure-blob://backups/cockroachdb?AUTH=implicit&AZURE_ACCOUNT_NAME={account()}"
    assert f"FOR BACKUP INTO '{uri}'" in said
    assert f"WITH EXECUTION LOCALITY = 'region={where[0]}'" in said
    assert "RECURRING '*/30 * * * *' FULL BACKUP '@weekly'" in said
    shown = [
        out
        for urn, out in everywhere().registered_outputs.items()
        if urn.endswith(f"::{where[0]}-database-jobs-backup")
    ]
    assert {"uri": uri} in shown


@pytest.mark.parametrize(
    ("where", "grants"),
    [(IOWA, ("write", "read", "time")), (VIRGINIA, ("policy",)), (AMSTERDAM, ("write-role",))],
)
def test_nobody_is_told_of_the_storage_before_it_lets_the_nodes_in(where: Where, grants: tuple[str, ...]) -> None:
    stack = everywhere()
    settings = stack.named(f"{where[0]}-database-jobs-backup-settings")
    assert {f"{where[0]}-backups-{grant}" for grant in grants} <= waits_for(stack, settings)


def account() -> str:
    """Return the name of the storage account on Azure."""
    return str(everywhere().named("westeurope-backups-account").inputs["accountName"])


@pytest.mark.parametrize("where", MIXED)
def test_backups_outlive_the_region_and_the_stack(where: Where) -> None:
    kept = {r.name for r in backups(everywhere(), where[0]) if r.retained}
    grants = {r.name for r in backups(everywhere(), where[0]) if r.type in (*GRANTS, CLOCK)}
    assert kept
    assert kept | grants == {r.name for r in backups(everywhere(), where[0])}


def test_on_google_cloud_nobody_is_let_in_before_the_first_cluster_which_brings_the_pool_of_identities() -> None:
    stack = everywhere()
    cluster = next(r for r in stack.of_type(CLUSTER_TYPES["gke"]) if r.name == "us-central1-cluster")
    members = stack.of_type(GRANTS[0])
    assert members
    assert all(cluster.urn in member.dependencies for member in members)


def test_on_google_cloud_the_bucket_is_closed_and_versioned_and_nobody_may_delete() -> None:
    bucket = everywhere().named("us-central1-backups-bucket").inputs
    assert bucket["publicAccessPrevention"] == "enforced"
    assert bucket["uniformBucketLevelAccess"] is True
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["softDeletePolicy"] == {"retentionDurationSeconds": 7 * 86400}
    assert [rule["condition"] for rule in bucket["lifecycleRules"]] == [{"age": 56}, {"daysSinceNoncurrentTime": 7}]
    members = everywhere().of_type(GRANTS[0])
    assert {m.inputs["role"] for m in members} == {"roles/storage.objectCreator", "roles/storage.objectViewer"}
    assert {m.inputs["member"].rpartition("/subject/")[2] for m in members} == {"ns/cockroachdb/sa/cockroachdb"}


def test_on_aws_the_bucket_is_closed_encrypted_and_versioned_and_nobody_may_delete() -> None:
    named = {r.name.removeprefix("us-east-1-backups-"): r.inputs for r in backups(everywhere(), VIRGINIA[0])}
    closed = {key: value for key, value in named["closed"].items() if isinstance(value, bool)}
    assert len(closed) == 4
    assert all(closed.values())
    assert named["versioning"]["versioningConfiguration"] == {"status": "Enabled"}
    assert named["lifecycle"]["rules"][0]["expiration"] == {"days": 56}
    (encryption,) = named["encryption"]["rules"]
    assert encryption["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    policy = json.loads(named["policy"]["policy"])
    actions = [statement["Action"] for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert actions == ["s3:ListBucket", ["s3:GetObject", "s3:PutObject"]]
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_on_azure_the_account_has_no_keys_and_a_group_that_is_not_the_region_s() -> None:
    found = everywhere().named("westeurope-backups-account").inputs
    assert found["allowBlobPublicAccess"] is found["allowSharedKeyAccess"] is False
    assert found["minimumTlsVersion"] == "TLS1_2"
    assert found["sku"] == {"name": "Standard_ZRS"}
    assert found["resourceGroupName"] == "westeurope-backups-group-0a1b2c3"
    versions = everywhere().named("westeurope-backups-versions").inputs
    assert versions["isVersioningEnabled"] is True
    assert versions["deleteRetentionPolicy"] == {"enabled": True, "days": 7}
    role = everywhere().named("westeurope-backups-write-role").inputs
    assert role["scope"].endswith("BlobContainer/westeurope-backups-container")


@pytest.mark.parametrize("where", MIXED)
def test_nodes_have_the_identity_when_they_start_and_the_way_to_the_storage(where: Where) -> None:
    stack = everywhere()
    metadata = pod(stack, where[0])["metadata"]
    assert metadata["annotations"]["sacred-council.love/identity"]
    labelled = metadata["labels"].get("azure.workload.identity/use") == "true"
    annotated = "azure.workload.identity/client-id" in str(stack.named(f"{where[0]}-database-account").inputs)
    assert labelled == annotated == (where == AMSTERDAM)
    if where == VIRGINIA:
        association = "us-east-1-cluster-cockroachdb-cockroachdb-association"
        assert association in waits_for(stack, stack.named("us-east-1-database-statefulset"))
    rules = stack.named(f"{where[0]}-database-network-policy").inputs["spec"]["egress"]
    assert {"port": 443, "protocol": "TCP"} in [port for rule in rules for port in rule["ports"]]
    tokens = {"gcp": ("169.254.169.254/32", 80), "aws": ("169.254.170.23/32", 80)}.get(where[1])
    opened = {
        (peer["ipBlock"]["cidr"], rule["ports"][0]["port"])
        for rule in rules
        for peer in rule["to"]
        if "ipBlock" in peer
    }
    assert tokens is None or tokens in opened


def test_usually_the_primary_region_takes_backups_and_the_others_none() -> None:
    stack = rendered(*MIXED)
    assert {name for name, _ in MIXED if backups(stack, name)} == {IOWA[0]}
    assert "identity" not in str(pod(stack, VIRGINIA[0])["metadata"]["annotations"])
    assert "NOT IN ('', 'us-central1')" in stale(stack)


def stale(stack: Rendered) -> str:
    """Return the SQL with which the primary region's Job ends backups of regions that no longer take any."""
    return str(stack.named("us-central1-database-jobs-regions-settings").inputs["data"]["stale-backups.sql"])


def test_without_a_cloud_and_where_nobody_is_named_there_are_no_backups() -> None:
    local = render("local")
    assert [r.name for r in local.resources if "backup" in r.name] == []
    nobody = rendered_with((IOWA,), database={"primaryRegion": IOWA[0], "backup": {"regions": []}})
    assert [r.name for r in nobody.resources if "backup" in r.name] == []
    assert stale(nobody).endswith("NOT IN ('');\n")


def test_taking_backups_in_another_region_changes_nothing_of_the_first_but_the_job_that_ends_them() -> None:
    one = rendered(*MIXED)
    two = rendered_with(MIXED, database={"primaryRegion": IOWA[0], "backup": {"regions": [IOWA[0], VIRGINIA[0]]}})
    old, new = of_region(one, IOWA[0]), of_region(two, IOWA[0])
    assert old.keys() == new.keys()
    different = {key.partition(" ")[0] for key in old if old[key].inputs != new[key].inputs}
    assert different == {"database-jobs-regions-job", "database-jobs-regions-settings"}


def test_a_bucket_s_policy_lets_one_principal_in() -> None:
    allowed = [s for s in bucket_policy("arn:b", "arn:role")["Statement"] if s["Effect"] == "Allow"]
    assert {s["Principal"]["AWS"] for s in allowed} == {"arn:role"}


@given(st.text(min_size=1))
def test_accounts_of_azure_have_24_letters_and_digits(group: str) -> None:
    name = account_name(group)
    assert len(name) == 24
    assert name.isalnum()
    assert name == name.lower()
