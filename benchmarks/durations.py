"""A model of creation times: minutes by resource type.

Clouds: the `minutes` of the sandbox's tables, which name their sources. Kubernetes: the assumptions below, for images
that are not on the node yet. Random values, keys, certificates, components and providers take no time. Use the model to
compare stacks, not to predict when a stack is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.providers.aws.kinds import KINDS as AWS
from sandbox.providers.azure_native.kinds import KINDS as AZURE
from sandbox.providers.gcp.kinds import KINDS as GCP

_CLOUDS: Final = {**GCP, **AWS, **AZURE}
_SECOND: Final = 1 / 60

KUBERNETES: Final[Mapping[str, float]] = {
    "kubernetes:apps/v1:StatefulSet": 2.0,
    "kubernetes:apps/v1:Deployment": 0.75,
    "kubernetes:apps/v1:DaemonSet": 0.75,
    "kubernetes:batch/v1:Job": 0.5,
    "kubernetes:helm.sh/v3:Release": 1.5,
    "kubernetes:helm.sh/v4:Chart": 0.0,
}
"""Minutes of types that wait for pods. A version 4 chart is a component; the graph has its objects."""
_LOAD_BALANCER: Final = 1.0
_OBJECT: Final = _SECOND


def minutes(resource: Mapping[str, Any]) -> float:
    """Minutes for one entry of the state."""
    kind = str(resource["type"])
    if not resource.get("custom") or kind.startswith(("pulumi:", "random:", "tls:")):
        return 0.0
    if kind in _CLOUDS:
        return _CLOUDS[kind].minutes
    if kind == "kubernetes:core/v1:Service" and _is_load_balancer(resource):
        return _LOAD_BALANCER
    return KUBERNETES.get(kind, _OBJECT)


def _is_load_balancer(resource: Mapping[str, Any]) -> bool:
    spec = (resource.get("inputs") or {}).get("spec")
    return isinstance(spec, dict) and spec.get("type") == "LoadBalancer"
