"""Decides what a changed resource needs: nothing, an update in place, or a replacement (and in which order)."""

from __future__ import annotations

from sandbox.providers.base import Diff, DiffRequest, ProviderError
from sandbox.providers.kubernetes import diff, forcenew, kinds, names
from sandbox.providers.kubernetes.normalize import normalize
from sandbox.providers.kubernetes.objects import Obj, annotation, condition, kind_of, name, namespace, remove, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.kubernetes.state import parse_checkpoint, prune, to_object

_REPLACE_UNREADY = "pulumi.com/replaceUnready"


async def decide(session: Session, request: DiffRequest) -> Diff:
    """Compare the live object of the last deployment, as far as the program described it, with the new inputs.

    Fields that the server or other controllers filled in are not compared, so defaults never show as changes.
    """
    new = to_object(request.news)
    old_inputs, live = parse_checkpoint(request.olds)
    if not name(live):
        raise ProviderError(f"The recorded state of {request.name!r} has no object name; import the object again.")
    new, _ = await normalize(new, session.schemas)
    old_inputs, _ = await normalize(old_inputs, session.schemas)
    old = prune(live, old_inputs)
    await _align(session, old, new, live)
    found = diff.changes(old, new, _force_new(session, request, new), lenient=session.schemas is None)
    found = diff.without_ignored(found, request.ignore_changes)
    replaces = diff.replacing(found)
    if await _is_unready_job(session, request, new, live):
        replaces.append(f'metadata.annotations["{_REPLACE_UNREADY}"]')
    return Diff(found, replaces, delete_before_replace=bool(replaces) and _keeps_its_place(new, live))


async def _align(session: Session, old: Obj, new: Obj, live: Obj) -> None:
    """Write what is the same in the same way: an absent namespace, the kind, the name."""
    if await session.discovery.is_namespaced(kind_of(new)):
        for obj in (old, new):
            _set_metadata(obj, "namespace", namespace(obj) or "default")
    else:
        for obj in (old, new):
            remove(obj, "metadata", "namespace")
    if not text(old, "kind"):
        old.update(apiVersion=new.get("apiVersion"), kind=new.get("kind"))
    remove(old, "metadata", "resourceVersion")
    if name(new):
        _set_metadata(old, "name", name(live))


def _set_metadata(obj: Obj, key: str, value: str) -> None:
    metadata = obj.setdefault("metadata", {})
    if isinstance(metadata, dict) and (key not in metadata or isinstance(metadata[key], str)):
        metadata[key] = value


def _force_new(session: Session, request: DiffRequest, new: Obj) -> list[tuple[str | int, ...]]:
    if kinds.is_patch(request.type, new):
        return forcenew.identity()
    return forcenew.properties(
        new,
        mutable_config_maps=session.settings.mutable_config_maps,
        mutable_secrets=session.settings.mutable_secrets,
    )


def _keeps_its_place(new: Obj, live: Obj) -> bool:
    """Whether the new object must have the old one's name, so that the old one has to go first."""
    return (
        names.is_named(new)
        and not names.is_autonamed(new)
        and name(new) == name(live)
        and namespace(new) == namespace(live)
    )


async def _is_unready_job(session: Session, request: DiffRequest, new: Obj, live: Obj) -> bool:
    """Whether the program wants a Job that has not succeeded to be replaced, and it has not."""
    if annotation(new, _REPLACE_UNREADY) != "true":
        return False
    if session.unreachable:
        await session.warn(request.urn, f"The cluster is unreachable; {_REPLACE_UNREADY} is not looked at.")
        return False
    if kind_of(new).kind != "Job":
        await session.warn(request.urn, f"{_REPLACE_UNREADY} works for Jobs only; it is ignored here.")
        return False
    job = await session.live(live)
    return job is not None and text(condition(job, "Complete"), "status") != "True"
