"""Requests and limits of every container."""

from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.pods import POD_SPECS, RELEASE, called, containers, maps_in
from policy.rule import Config, Rule, Table, apply
from policy.values import UNKNOWN, Props, at, mapping

NEEDED: Final = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def _pods(props: Props, _config: Config) -> Iterator[str]:
    for container in containers(props):
        missing = _missing(container.get("resources") or {})
        if missing:
            yield f"{called(container)} has no {', '.join(missing)}"


def _chart(props: Props, _config: Config) -> Iterator[str]:
    """Check `resources` in a chart's values: the chart's pods are unknown here."""
    for values in maps_in(mapping(props, "values")):
        given = values.get("resources")
        if given and given is not UNKNOWN and not _is_volume(given):
            missing = _missing(given)
            if missing:
                yield f"the chart's values have resources without {', '.join(missing)}"


def _is_volume(resources: Any) -> bool:
    return at(resources, "requests.storage") is not None


def _missing(resources: Any) -> list[str]:
    return [] if resources is UNKNOWN else [path for path in NEEDED if at(resources, path) is None]


TABLE: Final[Table] = {**dict.fromkeys(POD_SPECS, (_pods,)), RELEASE: (_chart,)}


def resources(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every container has requests and limits."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="requests-and-limits",
    description="Every container must have requests and limits for CPU and memory.",
    remedy="Give the container `resources` with requests and limits.",
    validate=resources,
)
