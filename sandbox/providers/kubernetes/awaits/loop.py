"""The waiting itself: look, report, sleep a little longer each time; end on success, failure, time limit or Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Final

from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes.awaits import network, storage, waitfor, workloads
from sandbox.providers.kubernetes.awaits.subject import NotReadyError, Subject, Waiter
from sandbox.providers.kubernetes.client import ApiError
from sandbox.providers.kubernetes.objects import Obj, annotation, kind_of

WAIT_FOR: Final = "pulumi.com/waitFor"
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0
_PAUSE_GROWTH: Final = 1.3
_EXPLAIN_EVERY: Final = 5.0

_WAITERS: Final[dict[str, Callable[[], Waiter]]] = {
    "apps/v1/Deployment": workloads.Deployment,
    "apps/v1/StatefulSet": workloads.StatefulSet,
    "apps/v1/DaemonSet": workloads.DaemonSet,
    "batch/v1/Job": workloads.Job,
    "v1/Pod": workloads.Pod,
    "v1/ReplicationController": workloads.ReplicationController,
    "v1/Service": network.Service,
    "networking.k8s.io/v1/Ingress": network.Ingress,
    "v1/PersistentVolume": storage.PersistentVolume,
    "v1/PersistentVolumeClaim": storage.PersistentVolumeClaim,
    "v1/ResourceQuota": storage.ResourceQuota,
    "v1/Secret": storage.TokenSecret,
    "apiextensions.k8s.io/v1/CustomResourceDefinition": storage.CustomResourceDefinition,
}


async def until_ready(subject: Subject) -> Obj:
    """Wait until the object is ready and return it as it is then. Raises `NotReadyError`."""
    waiter = None if subject.skipped else _waiter(subject)
    if waiter is None:
        return subject.live
    live = await _wait(subject, waiter)
    await subject.session.status(subject.urn, "")
    return live


async def check_ready(subject: Subject) -> None:
    """Judge the object once, for a refresh. Raises `NotReadyError` if it is not ready now."""
    make = _WAITERS.get(str(kind_of(subject.live)))
    if make is None or subject.skipped:
        return
    waiter = make()
    if not waiter.goal.checked_on_read:
        return
    verdict = await waiter.look(subject, subject.live)
    if not verdict.ready:
        seen = [verdict.failed] if verdict.failed else await waiter.explain(subject, subject.live)
        raise subject.not_ready(subject.live, "is not ready now", seen, waiter.goal.remedy)


def _waiter(subject: Subject) -> Waiter | None:
    wished = annotation(subject.inputs, WAIT_FOR)
    if wished:
        return waitfor.Expressions(_expressions(wished))
    make = _WAITERS.get(str(kind_of(subject.live)))
    return make() if make else None


def _expressions(wished: str) -> list[str]:
    try:
        parsed = json.loads(wished)
    except ValueError:
        return [wished]
    if isinstance(parsed, list) and parsed and all(isinstance(item, str) for item in parsed):
        return parsed
    raise ProviderError(f"The annotation {WAIT_FOR} is {wished!r}; expected one expression or a JSON list of them.")


async def _wait(subject: Subject, waiter: Waiter) -> Obj:
    live, pause, shown = subject.live, _FIRST_PAUSE, ""
    begin = explained = time.monotonic()
    limit = subject.seconds(waiter.goal.seconds)
    while True:
        verdict = await waiter.look(subject, live)
        if verdict.ready:
            return live
        if verdict.failed:
            raise subject.not_ready(live, "failed", [verdict.failed, *await waiter.explain(subject, live)], "")
        now = time.monotonic()
        if now - begin >= limit:
            missed = f"{waiter.goal.missed} within {limit:g} s"
            raise subject.not_ready(live, missed, await waiter.explain(subject, live), waiter.goal.remedy)
        if verdict.status != shown or now - explained > _EXPLAIN_EVERY:
            details = await waiter.explain(subject, live) if now - explained > _EXPLAIN_EVERY else []
            explained = now if details or verdict.status == shown else explained
            shown = verdict.status
            await subject.session.status(subject.urn, "; ".join([shown, *details[:2]]))
        if await _pause(subject, min(pause, begin + limit - now)):
            seen = await waiter.explain(subject, live)
            raise subject.not_ready(live, "was not waited for any longer: the operation was cancelled", seen, "")
        pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
        live = await _refetch(subject, waiter, live)


async def _refetch(subject: Subject, waiter: Waiter, last: Obj) -> Obj:
    try:
        live = await subject.session.live(last)
    except ApiError as error:
        await subject.session.status(subject.urn, f"The API server refused a look: {error.message}")
        return last
    if live is not None:
        return live
    gone = getattr(waiter, "gone", None)
    final = await gone(subject, last) if gone else None
    if final is None:
        raise NotReadyError(last, [f"{kind_of(last).kind} was deleted by somebody else while it was waited for."])
    return dict(final)


async def _pause(subject: Subject, seconds: float) -> bool:
    """Sleep; return at once, and True, when the user gives up."""
    try:
        await asyncio.wait_for(subject.session.cancelled.wait(), max(seconds, 0.01))
    except TimeoutError:
        return False
    return True
