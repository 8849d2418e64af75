"""The budget of the stage, which the known cost of the stack must not exceed."""

from collections.abc import Iterable
from typing import Any, Final

from pulumi_policy import PolicyResource, ReportViolation, StackValidationArgs

from policy.rule import Rule, Schema, configured
from policy.values import at, plain
from report import cost
from report.budget import BUDGETS
from report.preview import Plan, Planned

SCHEMA: Final[Schema] = {
    "monthlyUsd": {
        "type": ["number", "null"],
        "default": None,
        "minimum": 0,
        "description": "US dollars a month; without it, the budget of the stack's stage.",
    },
    "countGrowth": {
        "type": "boolean",
        "default": False,
        "description": "Whether to count the highest cost that the settings allow, not the lowest.",
    },
}
_STACK: Final = "pulumi:pulumi:Stack"


def budget(args: StackValidationArgs, report: ReportViolation) -> None:
    """The sum of known prices is within the budget."""
    config = configured(args.get_config(), SCHEMA)
    limit = config["monthlyUsd"] if config["monthlyUsd"] is not None else _of_stage(args.resources)
    spent = cost.total(cost.lines(plan_of(args.resources)))
    amount = spent.most if config["countGrowth"] else spent.least
    if limit is not None and amount > limit:
        report(
            f"The known prices are ${amount:,.2f} a month, more than ${limit:,.2f}; {spent.unknown} charges without "
            f"a known price and {spent.by_use} by use come on top",
            None,
        )


def plan_of(resources: Iterable[PolicyResource]) -> Plan:
    """The resources that the engine passes to a policy, as a plan."""
    return Plan(
        tuple(Planned(urn=one.urn, type=one.resource_type, inputs=_known(plain(one.props))) for one in resources)
    )


def _known(props: Any) -> dict[str, Any]:
    return props if isinstance(props, dict) else {}


def _of_stage(resources: Iterable[PolicyResource]) -> float | None:
    stages = [at(plain(one.props), "stage") for one in resources if one.resource_type == _STACK]
    known = [BUDGETS[stage].most for stage in stages if isinstance(stage, str) and stage in BUDGETS]
    return known[0] if known else None


RULE: Final = Rule(
    name="budget",
    description="A stack should cost no more than the budget of its stage.",
    remedy="Use smaller machines or the next stage. `make report` lists the cost of each resource.",
    level="advisory",
    schema=SCHEMA,
    validate_stack=budget,
)
