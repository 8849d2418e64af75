"""Deletion protection: where a region has some, everything in it that holds data has it."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from pulumi_policy import PolicyResource, ReportViolation, StackValidationArgs

from policy.places import location
from policy.rule import Rule, Schema, configured
from policy.values import UNKNOWN, at, plain

SCHEMA: Final[Schema] = {
    "always": {
        "type": "boolean",
        "default": False,
        "description": "Whether all that holds data is protected, whether the stack's settings ask for it or not.",
    }
}


def _by(path: str) -> Callable[[Any], bool]:
    return lambda props: at(props, path) in (True, UNKNOWN)


def _kept(props: Any) -> bool:
    return at(props, "forceDestroy") is not True


def _never(_props: Any) -> bool:
    return False


STATEFUL: Final[dict[str, Callable[[Any], bool]]] = {
    "gcp:container/cluster:Cluster": _by("deletionProtection"),
    "gcp:sql/databaseInstance:DatabaseInstance": _by("deletionProtection"),
    "gcp:redis/instance:Instance": _by("deletionProtection"),
    "aws:eks/cluster:Cluster": _by("deletionProtection"),
    "aws:rds/instance:Instance": _by("deletionProtection"),
    "aws:elasticache/replicationGroup:ReplicationGroup": _never,
    "azure-native:containerservice:ManagedCluster": _never,
    "azure-native:dbforpostgresql:Server": _never,
    "azure-native:redisenterprise:RedisEnterprise": _never,
}
"""What holds data, and whether its own properties protect it. Pulumi's `protect` does too, and is all Azure has."""

BUCKETS: Final = {"gcp:storage/bucket:Bucket": _kept, "aws:s3/bucket:Bucket": _kept}
"""A bucket protects what is in it, unless it may be deleted with all that."""


def deletion(args: StackValidationArgs, report: ReportViolation) -> None:
    """What holds data is protected alike in each region."""
    always = configured(args.get_config(), SCHEMA)["always"]
    asked = {_place(one) for one in args.resources if one.resource_type in STATEFUL and _is_protected(one)}
    for one in _stateful(args.resources):
        if (always or _place(one) in asked) and not _is_protected(one):
            report(f"{one.name} holds data and can be deleted: protect it like the rest of its region", one.urn)


def _stateful(resources: Iterable[PolicyResource]) -> list[PolicyResource]:
    return [one for one in resources if one.resource_type in STATEFUL or one.resource_type in BUCKETS]


def _is_protected(resource: PolicyResource) -> bool:
    kind = resource.resource_type
    own = STATEFUL.get(kind) or BUCKETS[kind]
    return resource.opts.protect or own(plain(resource.props))


def _place(resource: PolicyResource) -> str | None:
    provider = plain(resource.provider.props) if resource.provider else {}
    return location(resource.resource_type, plain(resource.props), provider)


RULE: Final = Rule(
    name="deletion-protection",
    description="Where a region's settings ask for deletion protection, all that holds data must have it.",
    remedy="Pass `deletion_protection` on to the component, or `protect` to the resource.",
    schema=SCHEMA,
    validate_stack=deletion,
)
