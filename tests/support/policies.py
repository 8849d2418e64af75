"""Call the rules of the policy pack as the engine does, with handmade or rendered resources."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    StackValidationArgs,
)

from policy import pack
from tests.support.rendering import Rendered, Resource

Found = list[tuple[str, str]]
"""Name of the resource, and its problem."""


def options(protect: bool = False, parent: str | None = None) -> PolicyResourceOptions:
    """A resource's options."""
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], parent)


def arguments(
    kind: str, props: Mapping[str, Any], config: Mapping[str, Any] | None = None, region: str | None = None
) -> ResourceValidationArgs:
    """The arguments of a rule about one resource; `region` is its provider's."""
    provider = PolicyProviderResource("pulumi:providers:aws", {"region": region}, "urn", "provider") if region else None
    return ResourceValidationArgs(kind, props, "urn", "thing", options(), provider, config)


def problems(
    rule: Callable[[ResourceValidationArgs, ReportViolation], None],
    kind: str,
    props: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    region: str | None = None,
) -> list[str]:
    """The rule's messages about one resource."""
    found: list[str] = []
    rule(arguments(kind, props, config, region), lambda message, _urn: found.append(message))
    return found


def resource(kind: str, name: str, props: Mapping[str, Any], protect: bool = False) -> PolicyResource:
    """A resource as the engine passes it to a rule about stacks."""
    urn = f"urn:pulumi:local::sacred-council::sacred-council:stack:Platform${kind}::{name}"
    return PolicyResource(kind, props, urn, name, options(protect), None, None, [], {})


def stack_problems(
    rule: Callable[[StackValidationArgs, ReportViolation], None],
    resources: list[PolicyResource],
    config: Mapping[str, Any] | None = None,
) -> list[str]:
    """The rule's messages about a stack."""
    found: list[str] = []
    rule(StackValidationArgs(resources, config), lambda message, _urn: found.append(message))
    return found


def every_resource(rendered: Rendered) -> Iterator[ResourceValidationArgs]:
    """Every resource of a rendered stack, with its provider."""
    by_urn = {one.urn: one for one in rendered.resources}
    for one in rendered.resources:
        provider = by_urn.get(one.provider.rpartition("::")[0])
        shown = (
            PolicyProviderResource(provider.type, provider.inputs, provider.urn, provider.name) if provider else None
        )
        yield ResourceValidationArgs(one.type, one.inputs, one.urn, one.name, _options(one), shown, None)


def whole_stack(rendered: Rendered) -> StackValidationArgs:
    """A rendered stack with its outputs."""
    stack = PolicyResource("pulumi:pulumi:Stack", rendered.outputs, "urn", "stack", options(), None, None, [], {})
    found = [
        PolicyResource(one.type, one.inputs, one.urn, one.name, _options(one), None, None, [], {})
        for one in rendered.resources
    ]
    return StackValidationArgs([stack, *found], None)


def violations(rendered: Rendered) -> list[tuple[str, str, str]]:
    """Rule, resource and message of every violation of a mandatory rule."""
    found: list[tuple[str, str, str]] = []

    def reporter(rule: str, name: str) -> ReportViolation:
        return lambda message, urn: found.append((rule, urn or name, message))

    everything, whole = list(every_resource(rendered)), whole_stack(rendered)
    for rule in (one for one in pack.RULES if one.level == "mandatory"):
        if rule.validate_stack is not None:
            rule.validate_stack(whole, reporter(rule.name, "stack"))
        for one in everything if rule.validate else ():
            assert rule.validate is not None
            rule.validate(one, reporter(rule.name, one.name))
    return found


def _options(one: Resource) -> PolicyResourceOptions:
    return options(one.protected, one.parent)
