"""Databases, caches and storage of Google Cloud. Times [INF]: Cloud SQL 8 minutes, Memorystore 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sandbox.providers.cloud.kinds import GOOGLE, Facts, Table
from sandbox.providers.gcp.grants import key_needs, key_refused
from sandbox.providers.gcp.make import in_place, member, named, nameless, place, project, worldwide

_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----\n(simulated)\n-----END CERTIFICATE-----\n"


def _sql_addresses(facts: Facts) -> list[dict[str, Any]]:
    return [{"ipAddress": facts.private_address(), "type": "PRIVATE", "timeToRetire": ""}]


def _last_backup(facts: Facts) -> Sequence[str] | None:
    """What Cloud SQL's last backup needs; None where none is asked for."""
    wanted = ((facts.inputs.get("settings") or {}).get("finalBackupConfig") or {}).get("enabled")
    return key_needs(facts, facts.inputs.get("encryptionKeyName"), "sqladmin") if wanted else None


KINDS: Final[Table] = {
    "gcp:sql/databaseInstance:DatabaseInstance": named(
        lambda facts: facts.text("name"),
        "settings.ipConfiguration.privateNetwork encryptionKeyName masterInstanceName",
        minutes=8.0,
        longest=98,
        refusal=lambda facts, _existing: key_refused(facts, facts.inputs.get("encryptionKeyName"), "sqladmin"),
        last_backup=_last_backup,
        outputs={
            "connectionName": lambda facts: f"{project(facts)}:{place(facts)}:{facts.text('name')}",
            "privateIpAddress": lambda facts: facts.private_address(),
            "publicIpAddress": lambda facts: facts.address(GOOGLE),
            "firstIpAddress": lambda facts: facts.private_address(),
            "ipAddresses": _sql_addresses,
            "serverCaCerts": lambda facts: [{"cert": _CERTIFICATE, "commonName": "simulated"}],
            "dnsName": lambda facts: f"{facts.token[:12]}.{facts.token[12:24]}.{place(facts)}.sql.goog.",
            "pscServiceAttachmentLink": lambda facts: (
                f"https://www.googleapis.com/compute/v1/projects/sandbox-producer/regions/{place(facts)}/"
                f"serviceAttachments/a-{facts.token[:12]}-psc-service-attachment"
            ),
            "selfLink": lambda facts: "https://sqladmin.googleapis.com/v1/" + worldwide("instances", of="")(facts),
        },
        secret=frozenset({"serverCaCerts"}),
    ),
    "gcp:sql/database:Database": named(
        lambda facts: f"projects/{project(facts)}/instances/{facts.text('instance')}/databases/{facts.text('name')}",
        "instance charset collation",
    ),
    "gcp:sql/user:User": named(
        lambda facts: f"{facts.text('name')}//{facts.text('instance')}", "instance host type", longest=128
    ),
    "gcp:redis/instance:Instance": named(
        in_place("instances"),
        "authorizedNetwork connectMode customerManagedKey tier transitEncryptionMode reservedIpRange locationId",
        minutes=5.0,
        longest=40,
        refusal=lambda facts, _existing: key_refused(facts, facts.inputs.get("customerManagedKey"), "redis"),
        outputs={
            "host": lambda facts: facts.private_address(),
            "port": lambda facts: 6378 if facts.text("transitEncryptionMode") == "SERVER_AUTHENTICATION" else 6379,
            "authString": lambda facts: facts.token,
            "serverCaCerts": lambda facts: [{"cert": _CERTIFICATE, "serialNumber": "1"}],
        },
        secret=frozenset({"authString"}),
    ),
    "gcp:storage/bucket:Bucket": named(
        lambda facts: facts.text("name"),
        "location customPlacementConfig enableObjectRetention",
        minutes=0.1,
        outputs={
            "url": lambda facts: f"gs://{facts.text('name')}",
            "selfLink": lambda facts: f"https://www.googleapis.com/storage/v1/b/{facts.text('name')}",
        },
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": member("bucket", "role", "member"),
    "gcp:secretmanager/secret:Secret": nameless(
        lambda facts: f"projects/{project(facts)}/secrets/{facts.text('secretId')}", "secretId replication"
    ),
}
