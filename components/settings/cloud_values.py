"""Types of values that depend on a cloud. Each has a rule, and a remedy for values that break it."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from components.database.instances import is_cloud_sql_machine
from components.settings.values import (
    IPV4,
    Check,
    in_schema,
    mistake,
    not_empty,
    number_as_text,
    pattern,
    whole,
)

EKS_ZONE_SLOTS: Final = 4
"""Number of address slots for zones of AWS. Every fourth letter shares a slot, so a zone's slot follows its letter."""


_NETWORK: Final = (
    "must be an IPv4 range in CIDR notation, with no bits set after the prefix",
    "write e.g. 203.0.113.0/24, or 203.0.113.7/32 for one address",
)
_ZONE_LETTERS: Final = (
    "must be two to four zone letters, no two of them four letters apart (such as a and e)",
    "write e.g. [a, b, c]",
)
"""Rules with their remedies."""


def _ipv4_network(value: str) -> str:
    try:
        return str(IPv4Network(value))
    except ValueError:
        raise mistake(*_NETWORK) from None


def _zone_letters(zones: tuple[str, ...]) -> tuple[str, ...]:
    letters = {zone for zone in zones if re.fullmatch("[a-z]", zone)}
    slots = {(ord(zone) - ord("a")) % EKS_ZONE_SLOTS for zone in letters}
    if len(zones) < 2 or len(letters) < len(zones) or len(slots) < len(zones):
        raise mistake(*_ZONE_LETTERS)
    return tuple(sorted(zones))


def _cloud_sql_machine(tier: str) -> str:
    kind, *size = tier.removeprefix("db-").split("-")
    if kind == "custom" and not is_cloud_sql_machine(*map(int, size)):
        raise mistake(
            "is not a Cloud SQL machine type: those have 1 CPU or an even number up to 96, 0.9 to 6.5 GiB per CPU "
            "in steps of 256 MiB, and at least 3840 MiB",
            "write e.g. db-custom-2-8192 (CPUs and MiB)",
        )
    return tier


def _one_each(key: Callable[[str], str], rule: str) -> Check:
    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        if len({key(value) for value in values}) < len(values):
            raise mistake(rule, "remove or rename one of them")
        return values

    return Check(check, {"uniqueItems": True})


Networks = Annotated[
    tuple[Annotated[str, Check(_ipv4_network, in_schema(*_NETWORK, pattern=whole(rf"{IPV4}(/[0-9.]+)?")))], ...],
    Field(strict=False),
]

GcpProject = Annotated[
    str,
    pattern(
        "[a-z][-a-z0-9]{4,28}[a-z0-9]",
        "must be the id of a Google Cloud project: 6 to 30 lower case letters, digits and hyphens",
        "`gcloud projects list` shows the ids",
    ),
]
GcpMachine = Annotated[
    str,
    pattern("[a-z][a-z0-9]*(-[a-z0-9]+)+", "must be a Google Cloud machine type", "write e.g. e2-standard-4"),
]
GcpVersion = Annotated[
    str,
    pattern(
        r"1\.[0-9]{2}(\.[0-9]+(-gke\.[0-9]+)?)?",
        "must be a Kubernetes or GKE version",
        'write e.g. "1.35", or remove it to follow the release channel',
    ),
]
AwsMachine = Annotated[
    str,
    pattern(r"[a-z][-a-z0-9]*\.[-a-z0-9]+", "must be an AWS instance type", "write e.g. m7i.xlarge"),
]
GcpDatabaseTier = Annotated[
    str,
    # Cloud SQL Enterprise edition has no others.
    pattern(
        r"db-(custom-[0-9]{1,3}-[0-9]{1,7}|f1-micro|g1-small)",
        "must be a machine type of the Cloud SQL Enterprise edition",
        "write e.g. db-custom-2-8192 (CPUs and MiB)",
    ),
    AfterValidator(_cloud_sql_machine),
]
AwsDatabaseClass = Annotated[
    str, pattern(r"db\.[a-z0-9]+\.[a-z0-9]+", "must be an RDS instance class", "write e.g. db.m7g.large")
]
AwsCacheNode = Annotated[
    str, pattern(r"cache\.[a-z0-9]+\.[a-z0-9]+", "must be an ElastiCache node type", "write e.g. cache.m7g.large")
]
AzureDatabaseSize = Annotated[
    str, pattern(r"Standard_[BDE][A-Za-z0-9_]+", "must be a Flexible Server size", "write e.g. Standard_D2ds_v5")
]
AzureCacheSize = Annotated[
    str,
    pattern(
        r"(Balanced_B|MemoryOptimized_M|ComputeOptimized_X|FlashOptimized_A)[0-9]+",
        "must be an Azure Managed Redis size",
        "write e.g. Balanced_B5",
    ),
]
Certificates = Annotated[
    str,
    AfterValidator(str.strip),
    pattern(
        # Editors see the surrounding space that the program strips.
        r"\s*(-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+",
        "must be certificates in PEM form and nothing else",
        "write the whole file as a block of text (|), from the first BEGIN CERTIFICATE to the last END CERTIFICATE",
    ),
]
AwsPrincipals = Annotated[
    tuple[
        Annotated[
            str,
            pattern(
                # The partitions of China and of the governments of the USA have no regions of the catalogue.
                r"arn:aws:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+",
                "must be the ARN of an IAM role or user",
                "write e.g. arn:aws:iam::123456789012:role/administrators",
            ),
        ],
        ...,
    ],
    Field(strict=False),
    _one_each(
        lambda arn: arn.rpartition("/")[2], "must not list two roles or users of the same name, whatever their paths"
    ),
    not_empty("arn:aws:iam::123456789012:role/administrators"),
]
AwsPatches = Annotated[
    str, pattern("[0-9a-z]([-0-9a-z]{0,14}[0-9a-z])?", "must be a month, or another short text", 'write e.g. "2026-12"')
]
AwsZones = Annotated[
    tuple[Annotated[str, WithJsonSchema({"type": "string", "pattern": whole("[a-z]")})], ...],
    Field(strict=False),
    Check(_zone_letters, in_schema(*_ZONE_LETTERS, minItems=2, maxItems=4, uniqueItems=True)),
]
AwsGpuZones = Annotated[
    tuple[Annotated[str, pattern("[a-z]", "must be a zone letter", "write e.g. a, b or c")], ...],
    Field(strict=False),
    not_empty("a, b"),
    _one_each(str, "must not name a zone twice"),
]
AzureMachine = Annotated[
    str,
    pattern(r"Standard_[A-Za-z0-9_-]+", "must be an Azure virtual machine size", "write e.g. Standard_D4s_v5"),
]
AzureId = Annotated[
    str,
    pattern(
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "must be an Azure id: 32 hexadecimal digits with four hyphens",
        "`az account show` and `az ad group list` show the ids of subscriptions and groups",
    ),
]
AzureIds = Annotated[tuple[AzureId, ...], Field(strict=False), not_empty("11111111-2222-3333-4444-555555555555")]
AzureZones = Annotated[
    tuple[
        Annotated[
            str,
            BeforeValidator(number_as_text, json_schema_input_type=str | Annotated[int, Field(ge=1, le=9)]),
            pattern("[1-9]", "must be a zone number", "write e.g. 1, 2 or 3"),
        ],
        ...,
    ],
    Field(strict=False),
    not_empty("1, 2, 3"),
    _one_each(str, "must not name a zone twice"),
]
MinorVersion = Annotated[
    str,
    pattern(r"1\.[0-9]{2}", "must be a Kubernetes minor version", 'write e.g. "1.35", in quotes'),
]
