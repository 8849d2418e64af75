"""Validates and completes the inputs of a resource: its name, its namespace, the normal form of its values."""

from __future__ import annotations

import os
import re
from typing import Final

from sandbox.providers.base import CheckFailedError, CheckRequest, ProviderError, Values
from sandbox.providers.kubernetes import kinds, names
from sandbox.providers.kubernetes.normalize import Findings, normalize
from sandbox.providers.kubernetes.objects import Obj, get, mapping, put, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.kubernetes.state import from_object, mark_secrets, to_object
from sandbox.providers.values import Unknown

_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_HELM_HOOK: Final = "helm.sh/hook"


async def is_skipped(session: Session, request: CheckRequest) -> bool:
    """Whether the resource is to stay as it is, because its cluster is unreachable; a warning says so."""
    if not (session.unreachable and session.settings.skip_update_unreachable and request.olds):
        return False
    await session.warn(
        request.urn, "The cluster is unreachable; this object is skipped, because skipUpdateUnreachable is set."
    )
    return True


async def check(session: Session, request: CheckRequest) -> Values:
    """The inputs to deploy. Raises `CheckFailedError` for values the API server would not take."""
    if kinds.is_list(request.type):
        raise ProviderError(f"{request.type} cannot be created: create the objects of the list one by one.")
    obj, findings = await normalize(to_object(request.news), session.schemas)
    _require_known_kind(request, obj)
    await _report(session, request, findings)
    await _report_removed(session, request)
    _name(obj, request)
    await _place(session, request, obj)
    if kinds.is_crd(obj):
        session.discovery.plan(obj)
    checked = from_object(obj)
    mark_secrets(checked, request.news)
    return checked


def _require_known_kind(request: CheckRequest, obj: Obj) -> None:
    expected = kinds.from_type_token(request.type)
    if not text(obj, "kind"):
        obj.setdefault("kind", expected.kind.removesuffix("Patch"))
    if not text(obj, "apiVersion"):
        obj.setdefault("apiVersion", expected.api_version)
    if kinds.is_patch(request.type, obj) and not names.is_named(obj):
        raise CheckFailedError([("metadata.name", "a Patch resource must name the object that it changes")])


async def _report(session: Session, request: CheckRequest, findings: Findings) -> None:
    if findings.mistakes:
        raise CheckFailedError(findings.mistakes)
    for field in findings.unknown_fields:
        await session.warn(request.urn, f"{field} is not a field of this kind; the API server ignores it.")
    annotations = mapping(request.news, "metadata", "annotations")
    if any(key.startswith(names.AUTONAMED) for key in annotations):
        await session.warn(request.urn, f"The annotation {names.AUTONAMED} is set by the provider; yours is ignored.")
    hooked = any(
        key.startswith(_HELM_HOOK) and isinstance(value, str) and re.search("test", value)
        for key, value in annotations.items()
    )
    if hooked and not session.settings.suppress_helm_hook_warnings:
        await session.warn(request.urn, "This object is a Helm hook. It is created like any other, not run as a hook.")


async def _report_removed(session: Session, request: CheckRequest) -> None:
    """Warn about a built-in kind in a version that this API server no longer (or not yet) serves."""
    kind = kinds.from_type_token(request.type)
    if session.unreachable or not kinds.is_built_in(kind) or await session.discovery.exists(kind):
        return
    instead = await session.discovery.preferred(kind)
    hint = f"use {instead}" if instead else "it has no other version of it"
    await session.warn(request.urn, f"The API server does not serve {kind.kind} in {kind.api_version}; {hint}.")


def _name(obj: Obj, request: CheckRequest) -> None:
    if isinstance(obj.get("metadata"), Unknown):
        return
    if request.olds:
        old = to_object(request.olds)
        names.adopt(obj, old)
        _keep_managed_by(obj, old)
    else:
        names.assign(obj, request)
    if names.uses_generate_name(obj):
        raise CheckFailedError(
            [("metadata.generateName", "not possible with server-side apply; leave it out to get an automatic name")]
        )


def _keep_managed_by(obj: Obj, old: Obj) -> None:
    ours = os.environ.get("PULUMI_KUBERNETES_MANAGED_BY_LABEL", "pulumi")
    had_it = get(old, "metadata", "labels", _MANAGED_BY) == ours
    if had_it and not isinstance(get(obj, "metadata", "labels"), Unknown):
        put(obj, ("metadata", "labels", _MANAGED_BY), ours)


async def _place(session: Session, request: CheckRequest, obj: Obj) -> None:
    """Put a namespaced object without a namespace into the provider's."""
    metadata = obj.get("metadata")
    if not session.default_namespace or not isinstance(metadata, dict) or metadata.get("namespace"):
        return
    if await session.discovery.is_namespaced(kinds.from_type_token(request.type)):
        metadata["namespace"] = session.default_namespace
