"""Pod specifications inside Kubernetes objects, and their containers. Data and pure functions."""

from collections.abc import Iterator
from typing import Any, Final

from policy.values import Props, elements, mapping, shown

POD_SPECS: Final = {
    "kubernetes:apps/v1:DaemonSet": "spec.template.spec",
    "kubernetes:apps/v1:Deployment": "spec.template.spec",
    "kubernetes:apps/v1:ReplicaSet": "spec.template.spec",
    "kubernetes:apps/v1:StatefulSet": "spec.template.spec",
    "kubernetes:batch/v1:CronJob": "spec.jobTemplate.spec.template.spec",
    "kubernetes:batch/v1:Job": "spec.template.spec",
    "kubernetes:core/v1:Pod": "spec",
}
"""Path of the pod's specification by the type of the object."""

RELEASE: Final = "kubernetes:helm.sh/v3:Release"


def containers(props: Props) -> Iterator[dict[str, Any]]:
    """Every container of an object's pods, including init containers."""
    for path in sorted(set(POD_SPECS.values()), key=len, reverse=True):
        spec = mapping(props, path)
        if "containers" in spec:
            for kind in ("initContainers", "containers"):
                yield from (one for one in elements(spec, kind) if isinstance(one, dict))
            return


def called(container: Props) -> str:
    """A container's name in messages."""
    return f"container {shown(container.get('name'))}"


def maps_in(values: Any) -> Iterator[dict[str, Any]]:
    """Every map in the values of a chart, at any depth."""
    if isinstance(values, dict):
        yield values
        for value in values.values():
            yield from maps_in(value)
    elif isinstance(values, list):
        for value in values:
            yield from maps_in(value)
