"""What is wrong with the pods of a workload, in words: from their conditions, containers and warning events."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sandbox.providers.kubernetes.awaits.subject import Subject
from sandbox.providers.kubernetes.objects import Kind, Obj, condition, items, mapping, name, namespace, owned_by, text

_POD: Final = Kind("", "v1", "Pod")
_EVENT: Final = Kind("", "v1", "Event")
_REPLICA_SET: Final = Kind("apps", "v1", "ReplicaSet")
_MOST_PROBLEMS: Final = 8


def selector(workload: Obj) -> str:
    """The workload's label selector as a query parameter."""
    labels = mapping(workload, "spec", "selector", "matchLabels")
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


async def replica_sets(subject: Subject, deployment: Obj) -> list[Obj]:
    """The ReplicaSets of a Deployment."""
    query = {"labelSelector": selector(deployment)}
    found = await subject.session.listing(_REPLICA_SET, namespace(deployment), **query)
    return [item for item in found if owned_by(item, deployment)]


async def problems(subject: Subject, workload: Obj, owners: list[Obj] | None = None) -> list[str]:
    """What stands in the way of a workload's pods; `owners` own the pods if the workload does not itself."""
    owners = [workload] if owners is None else owners
    found = await subject.session.listing(_POD, namespace(workload), labelSelector=selector(workload))
    pods = [pod for pod in found if any(owned_by(pod, owner) for owner in owners)]
    seen: list[str] = []
    for pod in pods:
        seen += pod_problems(pod)
    if not seen:
        for obj in [workload, *owners, *[pod for pod in pods if not _is_ready(pod)]]:
            seen += await warning_events(subject, obj)
    return _counted(seen)


def _is_ready(pod: Obj) -> bool:
    return text(condition(pod, "Ready"), "status") == "True"


def pod_problems(pod: Obj) -> list[str]:
    """What a pod's own status says is wrong."""
    seen = []
    for kind in ("PodScheduled", "Initialized"):
        entry = condition(pod, kind)
        if text(entry, "status") == "False" and text(entry, "message"):
            seen.append(f"Pod {name(pod)}: {text(entry, 'message')}")
    statuses = items(pod, "status", "initContainerStatuses") + items(pod, "status", "containerStatuses")
    for status in statuses:
        seen += [f"Pod {name(pod)}, container {text(status, 'name')}: {problem}" for problem in _container(status)]
    return seen


def _container(status: Obj) -> list[str]:
    seen = []
    waiting = mapping(status, "state", "waiting")
    if waiting and text(waiting, "reason") not in ("", "ContainerCreating", "PodInitializing"):
        seen.append(f"{text(waiting, 'reason')} {text(waiting, 'message')}".strip())
    for state in ("state", "lastState"):
        ended = mapping(status, state, "terminated")
        if ended and ended.get("exitCode") != 0:
            detail = text(ended, "message") or text(ended, "reason")
            seen.append(f"ended with exit code {ended.get('exitCode')} {detail}".strip())
    return seen


async def warning_events(subject: Subject, obj: Obj) -> list[str]:
    """The warnings that controllers recorded about an object."""
    uid = text(obj, "metadata", "uid")
    if not uid:
        return []
    query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning"}
    events = await subject.session.listing(_EVENT, namespace(obj) or "default", **query)
    label = f"{text(obj, 'kind') or 'Pod'} {name(obj)}"
    return [f"{label}: {text(event, 'reason')} {text(event, 'message')}" for event in events]


def _counted(seen: list[str]) -> list[str]:
    """Each problem once, at most a handful."""
    distinct = list(Counter(seen))
    more = len(distinct) - _MOST_PROBLEMS
    return distinct[:_MOST_PROBLEMS] + ([f"... and {more} more"] if more > 0 else [])
