"""Scaled objects of KEDA that no outage of a source of metrics can empty."""

from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Config, Must, Rule, Table, apply, is_given
from policy.values import UNKNOWN, Props, mapping

SCALED_OBJECT: Final = "kubernetes:keda.sh/v1alpha1:ScaledObject"
HOLDING: Final = ("currentReplicas", "currentReplicasIfHigher")
"""Fallbacks that remove no replica."""
OF_THE_CLUSTER: Final = {"cpu", "memory"}
"""Triggers that need no source of metrics outside the cluster's own."""


def _at_least_one(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


def _holds(value: Any) -> bool:
    return value in HOLDING


def _a_trigger_of_the_cluster(props: Props, _config: Config) -> Iterator[str]:
    triggers = mapping(props, "spec").get("triggers")
    if triggers is UNKNOWN or not isinstance(triggers, list):
        return
    if not any(trigger is UNKNOWN or trigger.get("type") in OF_THE_CLUSTER for trigger in triggers):
        yield "no trigger is cpu or memory, so nothing adds replicas while the other triggers have no metrics"


TABLE: Final[Table] = {
    SCALED_OBJECT: (
        Must(path="spec.minReplicaCount", holds=_at_least_one, remedy="KEDA would scale to 0; write 1 or more"),
        Must(path="spec.maxReplicaCount", holds=is_given, remedy="KEDA's default is 100; write the most replicas"),
        Must(
            path="spec.fallback.behavior",
            holds=_holds,
            remedy=f"replicas would be removed when a trigger has no metrics; write {' or '.join(HOLDING)}",
        ),
        _a_trigger_of_the_cluster,
    )
}


def scaling(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Scaled objects keep their replicas when a trigger has no metrics."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="safe-scaling",
    description="Scaled objects must have bounds, a fallback that keeps replicas, and a trigger on CPU or memory.",
    remedy="Set `minReplicaCount`, `maxReplicaCount` and `fallback.behavior`, and add a trigger on CPU or memory.",
    validate=scaling,
)
