"""Deletion protection: if one resource of a region has it, every resource that holds data must have it."""

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
        "description": "Whether to require protection of all data, even if the stack's settings do not ask for it.",
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
"""Types that hold data, and whether their own properties protect them. On Azure only Pulumi's `protect` does."""

BUCKETS: Final = {"gcp:storage/bucket:Bucket": _kept, "aws:s3/bucket:Bucket": _kept}
"""A bucket protects its content unless `forceDestroy` is true."""


def deletion(args: StackValidationArgs, report: ReportViolation) -> None:
    """Within a region, all resources that hold data are protected, or none is."""
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
    description="If a region's settings ask for deletion protection, every resource that holds data must have it.",
    remedy="Pass `deletion_protection` on to the component, or `protect` to the resource.",
    schema=SCHEMA,
    validate_stack=deletion,
)
