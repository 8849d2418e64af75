"""Reading and changing Kubernetes objects held as plain dicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Group, version and kind of an object; the core group is the empty string."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """As objects write it: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


def kind_of(obj: Obj) -> Kind:
    """The kind an object says it is (also the older spelling `core/v1`)."""
    group, _, version = text(obj, "apiVersion").rpartition("/")
    return Kind("" if group == "core" else group, version, text(obj, "kind"))


def get(obj: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path of keys and indexes, or the default where anything on the way is missing."""
    for step in path:
        is_key = isinstance(obj, dict) and step in obj
        is_index = isinstance(obj, list) and isinstance(step, int) and 0 <= step < len(obj)
        if not is_key and not is_index:
            return default
        obj = obj[step]
    return obj


def text(obj: Any, *path: str) -> str:
    """The string at a path, or the empty string."""
    value = get(obj, *path)
    return value if isinstance(value, str) else ""


def number(obj: Any, *path: str, default: int = 0) -> int:
    """The whole number at a path."""
    value = get(obj, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def items(obj: Any, *path: str) -> list[Any]:
    """The list at a path, or an empty one."""
    value = get(obj, *path)
    return value if isinstance(value, list) else []


def mapping(obj: Any, *path: str) -> dict[str, Any]:
    """The dict at a path, or an empty one."""
    value = get(obj, *path)
    return value if isinstance(value, dict) else {}


def put(obj: Obj, path: Iterable[str], value: Any) -> None:
    """Set the value at a path, making the dicts on the way. Raises `TypeError` if something else is in the way."""
    *parents, last = path
    for step in parents:
        obj = obj.setdefault(step, {})
        if not isinstance(obj, dict):
            raise TypeError(f"{step} is not an object")
    obj[last] = value


def remove(obj: Obj, *path: str) -> None:
    """Remove the value at a path, if it is there."""
    parent = get(obj, *path[:-1]) if len(path) > 1 else obj
    if isinstance(parent, dict):
        parent.pop(path[-1], None)


def name(obj: Obj) -> str:
    """The object's name, empty if it has none (or it is not known yet)."""
    return text(obj, "metadata", "name")


def namespace(obj: Obj) -> str:
    """The object's namespace, empty if it has none."""
    return text(obj, "metadata", "namespace")


def annotation(obj: Obj, key: str) -> str:
    """The value of an annotation, empty if absent."""
    return text(obj, "metadata", "annotations", key)


def generation(obj: Obj) -> int:
    """How often the specification was changed, as counted by the API server."""
    return number(obj, "metadata", "generation")


def condition(obj: Obj, kind: str) -> Obj:
    """The status condition of this type, empty if there is none."""
    for entry in items(obj, "status", "conditions"):
        if text(entry, "type") == kind:
            return entry if isinstance(entry, dict) else {}
    return {}


def object_id(obj: Obj) -> str:
    """The id under which the engine knows the object: `namespace/name`, or the name alone."""
    return f"{namespace(obj)}/{name(obj)}" if namespace(obj) else name(obj)


def parse_id(resource_id: str) -> tuple[str, str]:
    """Split an id into namespace (may be empty) and name."""
    head, slash, tail = resource_id.partition("/")
    return (head, tail) if slash else ("", head)


def owned_by(obj: Obj, owner: Obj) -> bool:
    """Whether the owner is named in the object's owner references."""
    uid = text(owner, "metadata", "uid")
    return bool(uid) and any(text(reference, "uid") == uid for reference in items(obj, "metadata", "ownerReferences"))
