"""What users are told, where the text is longer than a line or said from several places."""

from __future__ import annotations

from sandbox.providers.kubernetes.client import ApiError
from sandbox.providers.kubernetes.objects import Kind, Obj, kind_of, object_id, text

REMOVE_FROM_STATE = (
    "If the cluster is gone for good, remove its objects from the state by running the command again with "
    "PULUMI_K8S_DELETE_UNREACHABLE=true."
)


def label(obj: Obj) -> str:
    """An object as a user knows it: `Deployment shop/web`."""
    return f"{kind_of(obj).kind} {object_id(obj)}".strip()


def refusal(action: str, obj: Obj, error: ApiError) -> str:
    """The API server's refusal, one line per field that was wrong, and what to do where that is known."""
    lines = [f"{label(obj)} could not be {action}: {error.message}"]
    if error.already_exists:
        lines.append(_already_exists(obj))
    elif error.conflict and error.causes:
        lines.append(_conflict(error))
    elif error.namespace_not_found:
        namespace = text(error.details, "name")
        lines.append(f"Create the namespace {namespace!r} first, or let this object depend on the one that does.")
    return "\n".join(lines)


def cannot_tell(obj: Obj, error: ApiError) -> str:
    """What a preview shows where the API server refuses to try: it may refuse the deployment, too."""
    return f"{label(obj)} could not be tried, so the deployment may fail: {error.message}"


def _already_exists(obj: Obj) -> str:
    kind = kind_of(obj)
    return (
        "An object of this name exists and is not managed by this resource. Give it another name, adopt the existing "
        f"one (pulumi import kubernetes:{kind.group or 'core'}/{kind.version}:{kind.kind} <name> {object_id(obj)}), "
        "use an alias if the resource was renamed in the program, or set upsertExistingObjects on the provider."
    )


def _conflict(error: ApiError) -> str:
    owners = "; ".join(f"{text(cause, 'field')}: {text(cause, 'message')}" for cause in error.causes)
    return (
        f"Another manager owns these fields: {owners}. Leave them to it (remove them from the program or list them in "
        'ignore_changes), or take them over with the annotation pulumi.com/patchForce: "true".'
    )


LIST_HINT = (
    "This may be wrong: until its first update the object's list entries belong to its creation, and a preview can "
    "only add to them. If the change is right, run pulumi up --skip-preview once."
)
"""For previews of a changed key of a list entry, such as a Service's port, that the API server calls invalid."""


def no_such_kind(action: str, obj: Obj, kind: Kind) -> str:
    """The kind is not known to the API server."""
    return (
        f"{label(obj)} could not be {action}: the API server has no kind {kind.kind} in {kind.api_version}. Check the "
        f"apiVersion, and that the CustomResourceDefinition is created before (depends_on)."
    )


def unreachable(reason: str) -> str:
    """The cluster does not answer."""
    return f"The Kubernetes cluster is unreachable: {reason}."


def unreachable_read(reason: str) -> str:
    """The cluster does not answer, so nothing can be said about an object."""
    return f"{unreachable(reason)} The state of this object cannot be read. {REMOVE_FROM_STATE}"


def unreachable_delete(reason: str) -> str:
    """The cluster does not answer, so nothing can be deleted."""
    return f"{unreachable(reason)} The object cannot be deleted. {REMOVE_FROM_STATE}"


def unreachable_uninstall(reason: str) -> str:
    """The cluster does not answer, and releases are not forgotten by deleting them, whatever the settings."""
    return (
        f"{unreachable(reason)} The Helm release cannot be uninstalled. If the cluster is gone for good, first remove "
        "its objects from the state: PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh --target ..."
    )


def not_ready(obj: Obj, waited_for: str, remedy: str) -> str:
    """An object exists but did not get ready. What was seen is listed after this by the engine."""
    return f"{label(obj)} exists, but {waited_for}. {remedy}".strip()
