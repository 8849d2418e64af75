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
        for given in _of_parts(values.get("resources")):
            missing = _missing(given)
            if missing and not _is_volume(given):
                yield f"the chart's values have resources without {', '.join(missing)}"


def _of_parts(given: Any) -> Iterator[Any]:
    """Yield the resources of each part: some charts (KEDA) have one map of resources, by the names of their parts."""
    if not given or given is UNKNOWN:
        return
    by_part = isinstance(given, dict) and not given.keys() & {"requests", "limits"}
    yield from given.values() if by_part else [given]


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
