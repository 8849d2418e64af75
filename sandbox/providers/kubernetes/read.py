"""Looks objects up for refresh and import, and deletes them."""

from __future__ import annotations

from sandbox.providers.base import DeleteRequest, InitFailedError, ProviderError, ReadRequest, Values
from sandbox.providers.kubernetes import apply, kinds, messages
from sandbox.providers.kubernetes.awaits import NotReadyError, Subject, check_ready, deletion
from sandbox.providers.kubernetes.client import ApiError
from sandbox.providers.kubernetes.discovery import NoSuchKindError
from sandbox.providers.kubernetes.normalize import normalize
from sandbox.providers.kubernetes.objects import Obj, annotation, kind_of, name, object_id, parse_id, put, remove, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.kubernetes.state import (
    FIELD_MANAGER,
    INITIAL_API_VERSION,
    checkpoint,
    from_object,
    mark_secrets,
    parse_checkpoint,
    prune,
    recorded,
    to_object,
)

Found = tuple[str, Values, Values]
_GONE: Found = ("", {}, {})
_SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_SERVER_ANNOTATIONS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")


async def read(session: Session, request: ReadRequest) -> Found:
    """Id, outputs and inputs of an object as it is now; an empty id if it is gone.

    The inputs hold the live values of what the program had set, so that drift shows as a change of inputs. An import
    has no recorded inputs: then everything that is not the server's own counts as input.
    """
    if session.unreachable:
        return await _unreachable(session, request)
    old_inputs, wanted, is_import = await _identify(session, request)
    try:
        live = await session.live(wanted)
    except ApiError as error:
        raise ProviderError(messages.refusal("read", wanted, error)) from error
    if live is None:
        return _GONE
    inputs = _importable(live) if is_import else prune(live, old_inputs)
    outputs = checkpoint(
        inputs,
        live,
        request.inputs,
        recorded(request.properties, INITIAL_API_VERSION) or text(live, "apiVersion"),
        recorded(request.properties, FIELD_MANAGER) or apply.field_manager(old_inputs, {}),
    )
    recorded_inputs = from_object(inputs)
    mark_secrets(recorded_inputs, request.inputs)
    if not is_import:
        await _report_unready(session, request, old_inputs, live, (outputs, recorded_inputs))
    return request.id or object_id(live), outputs, recorded_inputs


async def _unreachable(session: Session, request: ReadRequest) -> Found:
    await session.warn(request.urn, messages.unreachable(session.unreachable))
    if session.settings.delete_unreachable:
        await session.engine.log("deleteUnreachable is set: the object leaves the state.", request.urn)
        return _GONE
    if session.settings.skip_update_unreachable:
        await session.engine.log("skipUpdateUnreachable is set: the state may be out of date.", request.urn)
        return request.id, request.properties, request.inputs
    raise ProviderError(messages.unreachable_read(session.unreachable))


async def _identify(session: Session, request: ReadRequest) -> tuple[Obj, Obj, bool]:
    """The recorded inputs, what to look up, and whether nothing was recorded (an import)."""
    namespace, wanted_name = parse_id(request.id)
    if not wanted_name:
        raise ProviderError(f"The id {request.id!r} names no object: expected <namespace>/<name>, or <name>.")
    old_inputs, _ = await normalize(to_object(request.inputs), session.schemas)
    _, live_then = parse_checkpoint(request.properties)
    known = old_inputs if text(old_inputs, "kind") else live_then
    if text(known, "kind"):
        kind = kind_of(known)
        api_version, kind_name = kind.api_version, kind.kind
    else:
        kind = kinds.from_type_token(request.type)
        api_version, kind_name = kind.api_version, kind.kind.removesuffix("Patch")
    metadata = {"name": wanted_name} | ({"namespace": namespace} if namespace else {})
    wanted = {"apiVersion": api_version, "kind": kind_name, "metadata": metadata}
    return old_inputs, wanted, not text(known, "kind")


def _importable(live: Obj) -> Obj:
    inputs = to_object(live)
    remove(inputs, "status")
    for key in _SERVER_FIELDS:
        remove(inputs, "metadata", key)
    for key in _SERVER_ANNOTATIONS:
        remove(inputs, "metadata", "annotations", key)
    return inputs


async def _report_unready(
    session: Session, request: ReadRequest, inputs: Obj, live: Obj, found: tuple[Values, Values]
) -> None:
    """Tell the engine that the object is there but not ready, so that the next update looks after it."""
    try:
        await check_ready(Subject(session, request.urn, inputs, live))
    except NotReadyError as error:
        outputs, recorded_inputs = found
        resource_id = request.id or object_id(live)
        raise InitFailedError(resource_id, outputs, error.reasons, recorded_inputs) from error


async def delete(session: Session, request: DeleteRequest) -> None:
    """Delete the object and wait until it is gone."""
    inputs, live = parse_checkpoint(request.properties)
    if session.unreachable:
        await session.warn(request.urn, messages.unreachable(session.unreachable))
        if session.settings.delete_unreachable:
            await session.engine.log("deleteUnreachable is set: the object leaves the state.", request.urn)
            return
        raise ProviderError(messages.unreachable_delete(session.unreachable))
    if name(live) != parse_id(request.id)[1]:
        put(live, ("metadata", "name"), parse_id(request.id)[1])
    try:
        if kinds.is_patch(request.type, live):
            await apply.relinquish(session, live, apply.field_manager(inputs, request.properties))
        else:
            await _delete_object(session, request, inputs, live)
    except NoSuchKindError:
        return
    except ApiError as error:
        if not error.not_found:
            raise ProviderError(messages.refusal("deleted", live, error)) from error
    except NotReadyError as error:
        manager = apply.field_manager(inputs, request.properties)
        outputs = checkpoint(inputs, error.obj, request.properties, text(live, "apiVersion"), manager)
        raise InitFailedError(object_id(error.obj), outputs, error.reasons) from error


async def _delete_object(session: Session, request: DeleteRequest, inputs: Obj, live: Obj) -> None:
    policies = {"orphan": "Orphan", "background": "Background"}
    policy = policies.get(annotation(inputs, "pulumi.com/deletionPropagationPolicy").lower(), "Foreground")
    answer = await session.api.request("DELETE", await session.path(live), body={"propagationPolicy": policy})
    if kinds.is_crd(live):
        session.discovery.forget(text(live, "spec", "group"))
    last_seen = answer if isinstance(answer, dict) and answer.get("kind") == live.get("kind") else live
    await deletion.until_gone(Subject(session, request.urn, inputs, last_seen, timeout=request.timeout))
