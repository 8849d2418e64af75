"""Who manages which field of an object, as the API server records it in `metadata.managedFields`."""

from __future__ import annotations

import copy
from typing import Any, Final

from sandbox.providers.kubernetes import paths
from sandbox.providers.kubernetes.objects import Obj, get, items, put, remove, text

CREATOR: Final = "pulumi-kubernetes"
"""The manager that creates objects; the first update hands its fields to the resource's own manager."""

_ADOPTED: Final = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


def adoption_patch(live: Obj, manager: str) -> list[Obj]:
    """The JSON patch that hands fields set by creation (or by kubectl) to the manager; empty if there are none.

    Without it the manager would not own them, and fields that leave the program would stay in the object.
    """
    entries = items(live, "metadata", "managedFields")
    adopted = [entry for entry in entries if _is_adopted(entry)]
    if not adopted:
        return []
    own = next((entry for entry in entries if _is_manager(entry, manager)), None)
    rest = [entry for entry in entries if entry not in adopted and entry is not own]
    merged = copy.deepcopy(own or {**adopted[0], "manager": manager, "operation": "Apply"})
    for entry in adopted if own else adopted[1:]:
        merged["fieldsV1"] = _union(merged.get("fieldsV1", {}), entry.get("fieldsV1", {}))
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*rest, merged]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": text(live, "metadata", "resourceVersion")},
    ]


def _is_adopted(entry: Obj) -> bool:
    if text(entry, "subresource"):
        return False
    manager, operation = text(entry, "manager"), text(entry, "operation")
    return any(manager.startswith(name) and operation == wanted for name, wanted in _ADOPTED)


def _is_manager(entry: Obj, manager: str) -> bool:
    return text(entry, "manager") == manager and text(entry, "operation") == "Apply" and not text(entry, "subresource")


def _union(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """The fields of both sets. An empty entry is a member; one with entries below is a member if it holds `.`."""
    if not left or not right:
        other = left or right
        return {".": {}, **copy.deepcopy(other)} if other else {}
    result = copy.deepcopy(left)
    for key, value in right.items():
        result[key] = _union(result[key], value) if key in result else copy.deepcopy(value)
    return result


def must_force(live: Obj) -> bool:
    """Whether a preview has to override conflicts: those with our own creation, and with objects nobody manages yet."""
    entries = items(live, "metadata", "managedFields")
    ours = (CREATOR, "pulumi-resource-kubernetes")
    return not entries or any(
        text(entry, "operation") == "Update" and text(entry, "manager") in ours for entry in entries
    )


def leave_ignored(inputs: Obj, live: Obj, ignored: list[str], manager: str) -> None:
    """Prepare the inputs, in place, for properties the program tells the engine to ignore.

    One that only others manage (an autoscaler's replicas) is not sent at all; else its live value is sent, because
    leaving it out would remove it.
    """
    entries = items(live, "metadata", "managedFields")
    ours = [entry.get("fieldsV1", {}) for entry in entries if text(entry, "manager") == manager]
    theirs = [entry.get("fieldsV1", {}) for entry in entries if text(entry, "manager") != manager]
    for spelled in ignored:
        path = paths.parse(spelled)
        keys = [step for step in path if isinstance(step, str) and step != "*"]
        if len(keys) != len(path):
            continue
        if any(_has(fields, keys) for fields in theirs) and not any(_has(fields, keys) for fields in ours):
            remove(inputs, *keys)
        elif (value := get(live, *keys)) is not None:
            put(inputs, keys, copy.deepcopy(value))


def _has(fields: Any, keys: list[str]) -> bool:
    for key in keys:
        if not isinstance(fields, dict) or f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True
