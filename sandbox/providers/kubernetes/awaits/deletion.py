"""Waiting until a deleted object is really gone."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from sandbox.providers.kubernetes.awaits.subject import Subject
from sandbox.providers.kubernetes.client import ApiError
from sandbox.providers.kubernetes.objects import Obj, items, kind_of, text

_SECONDS: Final = 600.0
_WARNING_SECONDS: Final = 15.0
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_SKIPPABLE: Final = frozenset(
    {
        "v1/Namespace",
        "v1/Pod",
        "v1/ReplicationController",
        "apps/v1/DaemonSet",
        "apps/v1/Deployment",
        "apps/v1/StatefulSet",
        "batch/v1/Job",
    }
)
_REMEDY: Final = (
    "Finalizers hold it until their controller has cleaned up: check that the controller runs, and delete custom "
    "resources before their controller. Run the command again to go on waiting."
)


async def until_gone(subject: Subject) -> None:
    """Wait until the object is gone, or another one has its name. Raises `NotReadyError` at the time limit."""
    if subject.skipped and str(kind_of(subject.live)) in _SKIPPABLE:
        return
    begin, pause, last = time.monotonic(), _FIRST_PAUSE, subject.live
    limit, warned = subject.seconds(_SECONDS), False
    while True:
        live = await _look(subject, last)
        if live is None:
            await subject.session.status(subject.urn, "")
            return
        last = live
        if time.monotonic() - begin >= limit:
            raise subject.not_ready(last, f"is still being deleted after {limit:g} s", _obstacles(last), _REMEDY)
        if not warned and time.monotonic() - begin >= _WARNING_SECONDS:
            warned = True
            await subject.session.warn(subject.urn, "; ".join(["The deletion takes long", *_obstacles(last)]))
        if pause > _FIRST_PAUSE * 4:
            await subject.session.status(subject.urn, "; ".join(["Waiting until it is gone", *_obstacles(last)[:2]]))
        if await _cancelled(subject, pause):
            raise subject.not_ready(last, "is still being deleted; the operation was cancelled", _obstacles(last), "")
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def _look(subject: Subject, last: Obj) -> Obj | None:
    """The object if it is still the same one; the last look if the server refuses a new one."""
    try:
        live = await subject.session.live(last)
    except ApiError:
        return last
    uid = text(last, "metadata", "uid")
    is_another = live is not None and uid and text(live, "metadata", "uid") != uid
    return None if is_another else live


async def _cancelled(subject: Subject, seconds: float) -> bool:
    try:
        await asyncio.wait_for(subject.session.cancelled.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _obstacles(live: Obj) -> list[str]:
    seen = []
    finalizers = items(live, "metadata", "finalizers") + items(live, "spec", "finalizers")
    if finalizers:
        seen.append(f"finalizers: {', '.join(map(str, finalizers))}")
    for entry in items(live, "status", "conditions"):
        if text(entry, "status") == "True" and text(entry, "type").startswith("Namespace"):
            seen.append(text(entry, "message"))
    return seen
