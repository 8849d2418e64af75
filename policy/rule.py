"""The shape of a rule: a table of checks by resource type, and a plain function that applies it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pulumi_policy import ReportViolation, ResourceValidationArgs, StackValidationArgs

from policy.values import UNKNOWN, Props, plain, shown, values_at

Level = Literal["mandatory", "advisory"]
Config = Mapping[str, Any]
Check = Callable[[Props, Config], Iterator[str]]
Table = Mapping[str, Sequence[Check]]
Schema = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule with either `validate` or `validate_stack`."""

    name: str
    description: str
    remedy: str
    level: Level = "mandatory"
    schema: Schema = field(default_factory=dict)
    """JSON Schema of each configurable property, with its default."""
    validate: Callable[[ResourceValidationArgs, ReportViolation], None] | None = None
    """Checks one resource."""
    validate_stack: Callable[[StackValidationArgs, ReportViolation], None] | None = None
    """Checks all resources of a stack together."""


@dataclass(frozen=True, kw_only=True)
class Must:
    """A condition on the values at a path. Unknown values are skipped: the engine checks again once they are known."""

    path: str
    holds: Callable[[Any], bool]
    """Whether a value is allowed."""
    remedy: str

    def __call__(self, props: Props, config: Config) -> Iterator[str]:
        """A message for each value that breaks the condition."""
        for value in values_at(props, self.path):
            if value is not UNKNOWN and not self.holds(value):
                yield f"{self.path.replace('[]', '')} is {shown(value)}: {self.remedy}"


def is_true(value: Any) -> bool:
    """True, as a boolean or as some providers write it."""
    return value is True or value == "true"


def is_not_true(value: Any) -> bool:
    """False or missing."""
    return not is_true(value)


def is_given(value: Any) -> bool:
    """Neither missing nor empty."""
    return value not in (None, "", [], {})


def one_of(*allowed: Any) -> Callable[[Any], bool]:
    """One of these values. Include None to allow a missing value."""
    return lambda value: value in allowed


def apply(table: Table, args: ResourceValidationArgs, report: ReportViolation, config: Config | None = None) -> None:
    """Report every violation that the table's checks find in the resource."""
    checks = table.get(args.resource_type, ())
    props = plain(args.props) if checks else {}
    for check in checks:
        for problem in check(props, config or {}):
            report(problem, None)


def configured(config: Any, schema: Schema) -> dict[str, Any]:
    """The configured values, completed with the schema's defaults."""
    given = plain(config) if config else {}
    return {name: given.get(name, one.get("default")) for name, one in schema.items()}
