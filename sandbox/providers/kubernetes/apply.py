"""Creates and updates objects, for real or as the server's dry run of a preview."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass
from typing import Any, Final

from sandbox.providers.base import CreateRequest, InitFailedError, ProviderError, UpdateRequest, Values
from sandbox.providers.kubernetes import kinds, messages, names, ownership
from sandbox.providers.kubernetes.awaits import NotReadyError, Subject, until_ready
from sandbox.providers.kubernetes.client import APPLY, JSON_PATCH, ApiError
from sandbox.providers.kubernetes.discovery import NoSuchKindError
from sandbox.providers.kubernetes.normalize import normalize
from sandbox.providers.kubernetes.objects import (
    Obj,
    annotation,
    kind_of,
    name,
    namespace,
    object_id,
    put,
    remove,
    text,
)
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.kubernetes.state import (
    FIELD_MANAGER,
    INITIAL_API_VERSION,
    checkpoint,
    parse_checkpoint,
    recorded,
    to_object,
)
from sandbox.providers.values import has_unknown

PATCH_FORCE: Final = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
_RETRY_SECONDS: Final = (1, 2, 4, 8, 16)
_ADOPTION_ATTEMPTS: Final = 4


@dataclass(frozen=True)
class _Write:
    """One object to write, and how."""

    urn: str
    obj: Obj
    manager: str
    preview: bool
    force: bool

    def parameters(self, *, force: bool | None = None) -> dict[str, str]:
        parameters = {"fieldManager": self.manager}
        if self.preview:
            parameters["dryRun"] = "All"
        if force is not None:
            parameters["force"] = "true" if force else "false"
        return parameters


def field_manager(inputs: Obj, outputs: Values) -> str:
    """The manager of the resource's fields: named by an annotation, else recorded, else new."""
    return (
        annotation(inputs, PATCH_FIELD_MANAGER)
        or recorded(outputs, FIELD_MANAGER)
        or names.unique(f"{ownership.CREATOR}-")
    )


async def create(session: Session, request: CreateRequest) -> tuple[str, Values]:
    """Create the object and wait until it is ready; return its id (empty in a preview) and outputs."""
    if session.unreachable and not request.preview:
        raise ProviderError(messages.unreachable(session.unreachable))
    obj = to_object(request.inputs)
    is_patch = kinds.is_patch(request.type, obj)
    if request.preview and (is_patch or not await _can_preview(session, obj)):
        return "", request.inputs
    api_version, manager = text(obj, "apiVersion"), field_manager(obj, request.inputs)
    force = annotation(obj, PATCH_FORCE) == "true" or session.settings.patch_force or request.preview
    write = _Write(request.urn, obj, manager, request.preview, force)
    upsert = is_patch or session.settings.upsert_existing or request.urn in session.settings.resumed
    live = await _create_or_refuse(session, write, upsert=upsert)
    if live is None:
        return "", request.inputs
    if request.preview:
        remove(live, "status")
        return "", checkpoint(obj, live, request.inputs, api_version, manager)
    if kinds.is_crd(obj):
        session.discovery.forget(text(obj, "spec", "group"))
    subject = Subject(session, request.urn, obj, live, timeout=request.timeout)
    ready = await _await(subject, request.inputs, api_version, manager)
    return object_id(ready), checkpoint(obj, ready, request.inputs, api_version, manager)


async def _can_preview(session: Session, obj: Obj) -> bool:
    """Whether the server can tell what would happen: everything is known, and the kind exists already."""
    if has_unknown(obj) or session.unreachable or namespace(obj) in session.missing_namespaces:
        return False
    return await session.discovery.exists(kind_of(obj))


async def _create_or_refuse(session: Session, write: _Write, *, upsert: bool) -> Obj | None:
    """The created object; None where a preview cannot tell. Raises `ProviderError` with the server's refusal."""
    try:
        return await _create_with_patience(session, write, upsert=upsert)
    except NoSuchKindError as error:
        raise ProviderError(messages.no_such_kind("created", write.obj, error.kind)) from error
    except ApiError as error:
        if write.preview and error.namespace_not_found:
            session.missing_namespaces.add(namespace(write.obj))
            return None
        if write.preview and (error.already_exists or _cannot_dry_run(error)):
            if not error.already_exists:
                await session.warn(write.urn, messages.cannot_tell(write.obj, error))
            return None
        raise ProviderError(messages.refusal("created", write.obj, error)) from error


def _cannot_dry_run(error: ApiError) -> bool:
    return error.code == 403 or (error.code == 400 and "does not support dry run" in error.message)


async def _create_with_patience(session: Session, write: _Write, *, upsert: bool) -> Obj:
    """Try again while the namespace or the kind is missing: it may just be created by someone else."""
    for seconds in (*_RETRY_SECONDS, 0):
        try:
            return await (_server_side_apply if upsert else _post)(session, write)
        except (ApiError, NoSuchKindError) as error:
            if write.preview or not seconds or not _may_appear(error):
                raise
            await session.status(write.urn, f"Trying again in {seconds} s: {error}")
            if await _cancelled_within(session, seconds):
                raise
    raise AssertionError("the last attempt returns or raises")


def _may_appear(error: ApiError | NoSuchKindError) -> bool:
    """Whether what is missing can be made by somebody: a namespace, or a kind that is not built in."""
    if isinstance(error, NoSuchKindError):
        return not kinds.is_built_in(error.kind)
    return error.not_found


async def _cancelled_within(session: Session, seconds: float) -> bool:
    try:
        await asyncio.wait_for(session.cancelled.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _post(session: Session, write: _Write) -> Obj:
    parameters = write.parameters() | {"fieldManager": ownership.CREATOR}
    path = await session.collection(write.obj)
    return await _send(session, write, "POST", path, parameters)


async def _server_side_apply(session: Session, write: _Write, existing: str = "") -> Obj:
    path = await session.path(write.obj, existing)
    return await _send(session, write, "PATCH", path, write.parameters(force=write.force), APPLY)


async def _send(
    session: Session,
    write: _Write,
    method: str,
    path: str,
    parameters: dict[str, str],
    content_type: str = "application/json",
) -> Obj:
    live, warnings = await session.api.exchange(method, path, parameters, write.obj, content_type)
    await session.pass_on(write.urn, warnings)
    return live if isinstance(live, dict) else {}


async def update(session: Session, request: UpdateRequest) -> Values:
    """Change the object in place and wait until it is ready; return its outputs."""
    obj, _ = await normalize(to_object(request.news), session.schemas)
    if request.preview and not await _can_preview(session, obj):
        return request.news
    _, recorded_live = parse_checkpoint(request.olds)
    manager = field_manager(obj, request.olds)
    before, after = await _change(session, request, obj, recorded_live, manager)
    api_version = recorded(request.olds, INITIAL_API_VERSION) or text(obj, "apiVersion")
    if request.preview:
        return checkpoint(obj, after, request.news, api_version, manager)
    if kinds.is_crd(obj):
        session.discovery.forget(text(obj, "spec", "group"))
    subject = Subject(session, request.urn, obj, after, last=before, timeout=request.timeout)
    ready = await _await(subject, request.news, api_version, manager)
    previous = recorded(request.olds, FIELD_MANAGER)
    if previous and previous != manager:
        await relinquish(session, ready, previous)
    return checkpoint(obj, ready, request.news, api_version, manager)


async def _change(
    session: Session, request: UpdateRequest, obj: Obj, recorded_live: Obj, manager: str
) -> tuple[Obj, Obj]:
    """Write the change; return the live object before and after."""
    before: Obj | None = None
    try:
        before = await session.live({**recorded_live, "apiVersion": obj["apiVersion"]})
        if before is None:
            raise ProviderError(
                f"{messages.label(recorded_live)} does not exist any more: somebody deleted it. Run pulumi refresh, "
                "then the update creates it again."
            )
        return before, await _write_change(session, request, obj, before, manager)
    except NoSuchKindError as error:
        raise ProviderError(messages.no_such_kind("updated", obj, error.kind)) from error
    except ApiError as error:
        refusal = messages.refusal("updated", obj, error)
        if request.preview and error.reason == "Invalid" and ownership.must_force(before or {}):
            refusal = f"{refusal}\n{messages.LIST_HINT}"
        raise ProviderError(refusal) from error


async def _write_change(session: Session, request: UpdateRequest, obj: Obj, before: Obj, manager: str) -> Obj:
    if kinds.is_crd(obj):
        return await _replace_definition(session, _Write(request.urn, obj, manager, request.preview, False), before)
    if not request.preview and not kinds.is_patch(request.type, obj):
        before = await _adopt_fields(session, before, manager)
    wanted = copy.deepcopy(obj)
    ownership.leave_ignored(wanted, before, request.ignore_changes, manager)
    forced = annotation(obj, PATCH_FORCE) == "true" or session.settings.patch_force
    unowned = not before.get("metadata", {}).get("managedFields")
    force = forced or unowned or (request.preview and ownership.must_force(before))
    return await _server_side_apply(
        session, _Write(request.urn, wanted, manager, request.preview, force), existing=name(before)
    )


async def _adopt_fields(session: Session, live: Obj, manager: str) -> Obj:
    """Hand the fields to the manager; if controllers change the object at the same time, try again."""
    for attempt in range(_ADOPTION_ATTEMPTS):
        patch = ownership.adoption_patch(live, manager)
        if not patch:
            break
        try:
            adopted = await session.api.request("PATCH", await session.path(live), {}, patch, JSON_PATCH)
            return adopted if isinstance(adopted, dict) else live
        except ApiError as error:
            if not error.conflict or attempt == _ADOPTION_ATTEMPTS - 1:
                raise
            live = await session.live(live) or live
    return live


async def _replace_definition(session: Session, write: _Write, before: Obj) -> Obj:
    """Put the new definition in the place of the old one, which keeps its custom resources."""
    wanted: dict[str, Any] = copy.deepcopy(write.obj)
    put(wanted, ("metadata", "resourceVersion"), text(before, "metadata", "resourceVersion"))
    replacing = _Write(write.urn, wanted, write.manager, write.preview, False)
    return await _send(session, replacing, "PUT", await session.path(before), write.parameters())


async def relinquish(session: Session, obj: Obj, manager: str) -> None:
    """Give up all fields a manager owns. Raises `ApiError` if that would leave the object without a required one."""
    identity = {"name": name(obj)}
    if text(obj, "metadata", "namespace"):
        identity["namespace"] = text(obj, "metadata", "namespace")
    empty = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": identity}
    await session.api.request("PATCH", await session.path(obj), {"fieldManager": manager}, empty, APPLY)


async def _await(subject: Subject, secrets_from: Values, api_version: str, manager: str) -> Obj:
    """The object when it is ready. One that does not get ready is recorded all the same, and marked."""
    try:
        return await until_ready(subject)
    except NotReadyError as error:
        outputs = checkpoint(subject.inputs, error.obj, secrets_from, api_version, manager)
        raise InitFailedError(object_id(error.obj), outputs, error.reasons) from error
