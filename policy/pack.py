"""The rules as a Pulumi policy pack."""

from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    ResourceValidationPolicy,
    StackValidationPolicy,
)

from policy.rule import Rule
from policy.rules import (
    budget,
    carbon,
    circles,
    deletion,
    encryption,
    exposure,
    images,
    labels,
    ledger,
    messaging,
    models,
    regions,
    resources,
    scaling,
    secrets,
    tls,
)

NAME: Final = "sacred-council"

RULES: Final = (
    encryption.RULE,
    exposure.RULE,
    resources.RULE,
    labels.RULE,
    regions.RULE,
    images.RULE,
    models.RULE,
    ledger.RULE,
    messaging.RULE,
    circles.RULE,
    carbon.RULE,
    budget.RULE,
    deletion.RULE,
    tls.RULE,
    secrets.RULE,
    scaling.RULE,
)


def policies() -> Iterator[Policy]:
    """The SDK's policy for each rule."""
    for rule in RULES:
        if rule.validate_stack is not None:
            yield StackValidationPolicy(validate=rule.validate_stack, **_common(rule))
        else:
            yield ResourceValidationPolicy(validate=rule.validate, **_common(rule))


def _common(rule: Rule) -> dict[str, Any]:
    properties = {name: dict(schema) for name, schema in rule.schema.items()}
    return {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": EnforcementLevel(rule.level),
        "config_schema": PolicyConfigSchema(properties=properties) if properties else None,
        "remediation_steps": rule.remedy,
    }


def serve() -> None:
    """Serve the pack to the engine until it ends the process."""
    PolicyPack(name=NAME, policies=list(policies()))
