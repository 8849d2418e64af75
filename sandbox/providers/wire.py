"""Turns the protocol's messages into the plain requests of `base.py`, and answers back into messages."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from pulumi.runtime.proto import errors_pb2, provider_pb2

from sandbox.providers import base, values

_NAMINGS = {0: "propose", 1: "enforce", 2: "disable"}


def error_detail(error: base.ProviderError) -> Message | None:
    """The part of an error that the engine acts on, if it has one."""
    if isinstance(error, base.CheckFailedError):
        return errors_pb2.InputPropertiesError(
            errors=[
                errors_pb2.InputPropertiesError.PropertyError(property_path=path, reason=reason)
                for path, reason in error.failures
            ]
        )
    return None


def check_failures(error: base.CheckFailedError) -> list[provider_pb2.CheckFailure]:
    """The failures as the engine prints them below the resource."""
    return [provider_pb2.CheckFailure(property=path, reason=reason) for path, reason in error.failures]


def check_request(request: Any) -> base.CheckRequest:
    """Decode a check."""
    naming = request.autonaming if request.HasField("autonaming") else None
    return base.CheckRequest(
        urn=request.urn,
        olds=values.decode(request.olds),
        news=values.decode(request.news),
        seed=request.randomSeed,
        proposed_name=naming.proposed_name if naming else "",
        naming=_NAMINGS[naming.mode] if naming else "",
    )


def diff_request(request: Any) -> base.DiffRequest:
    """Decode a diff."""
    return base.DiffRequest(
        urn=request.urn,
        id=request.id,
        olds=values.decode(request.olds),
        news=values.decode(request.news),
        old_inputs=values.decode(request.old_inputs),
        ignore_changes=list(request.ignoreChanges),
    )


def diff_response(diff: base.Diff) -> provider_pb2.DiffResponse:
    """Encode a verdict."""
    changes = provider_pb2.DiffResponse.DIFF_SOME if diff.changed else provider_pb2.DiffResponse.DIFF_NONE
    response = provider_pb2.DiffResponse(
        changes=changes,
        replaces=diff.replaces,
        diffs=diff.diffs,
        deleteBeforeReplace=diff.delete_before_replace,
        hasDetailedDiff=bool(diff.details) or not diff.diffs,
    )
    for path, change in diff.details.items():
        detail = response.detailedDiff[path]
        detail.kind = change.kind.value  # type: ignore[assignment]
        detail.inputDiff = change.input_diff
    return response


def update_request(request: Any) -> base.UpdateRequest:
    """Decode an update."""
    return base.UpdateRequest(
        urn=request.urn,
        id=request.id,
        olds=values.decode(request.olds),
        news=values.decode(request.news),
        old_inputs=values.decode(request.old_inputs),
        ignore_changes=list(request.ignoreChanges),
        timeout=request.timeout,
        preview=request.preview,
    )


def delete_request(request: Any) -> base.DeleteRequest:
    """Decode a delete."""
    return base.DeleteRequest(
        urn=request.urn,
        id=request.id,
        properties=values.decode(request.properties),
        old_inputs=values.decode(request.old_inputs),
        timeout=request.timeout,
    )
