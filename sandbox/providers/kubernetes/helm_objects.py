"""The objects of a rendered chart: put in order, named, and prepared for the engine. Pure functions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes import kinds
from sandbox.providers.kubernetes.objects import Obj, annotation, items, kind_of, mapping, name, namespace, text
from sandbox.providers.values import Secret, Unknown

DEPENDS_ON: Final = "config.kubernetes.io/depends-on"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
RESOURCE_POLICY: Final = "helm.sh/resource-policy"
# Shorter texts are found inside ordinary words.
_SHORTEST_SECRET: Final = 6

Identity = tuple[str, str, str, str]
"""Group, kind, namespace and name of an object."""


def identity(obj: Obj) -> Identity:
    """What tells the object from all others."""
    kind = kind_of(obj)
    return kind.group, kind.kind, namespace(obj), name(obj)


def require_identity(obj: Obj) -> None:
    """Raise `ProviderError` unless the object says its kind and its name."""
    for what, value in (
        ("apiVersion", text(obj, "apiVersion")),
        ("kind", text(obj, "kind")),
        ("metadata.name", name(obj)),
    ):
        if not value:
            raise ProviderError(f"The chart renders an object without {what}: {str(obj)[:100]}")


def type_token(obj: Obj) -> str:
    """The object's type for the engine: `kubernetes:apps/v1:Deployment`, `kubernetes:core/v1:Secret`."""
    kind = kind_of(obj)
    return f"kubernetes:{kind.group or 'core'}/{kind.version}:{kind.kind}"


def resource_name(prefix: str, obj: Obj) -> str:
    """The object's logical name: `<prefix>:<namespace>/<name>`, without the parts that there are not."""
    inner = f"{namespace(obj)}/{name(obj)}" if namespace(obj) else name(obj)
    return f"{prefix}:{inner}" if prefix else inner


def dependencies(objects: Sequence[Obj]) -> dict[Identity, list[Identity]]:
    """What has to be there before each object: its namespace, its definition, and what it names in an annotation.

    The keys are in an order in which they can be deployed. Raises `ProviderError` for circles, and for annotations
    that name something outside the chart.
    """
    by_identity = {identity(obj): obj for obj in objects}
    defined = {_defined_by(obj): identity(obj) for obj in objects if kinds.is_crd(obj)}
    needs: dict[Identity, list[Identity]] = {}
    for key, obj in by_identity.items():
        implied = [("", "Namespace", "", key[2]), defined.get((key[0], key[1]))]
        found = [other for other in implied if other is not None and other in by_identity and other != key]
        needs[key] = found + [_known(other, by_identity, obj) for other in _named(obj)]
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " -> ".join("/".join(part for part in key if part) for key in error.args[1])
        raise ProviderError(f"Objects of the chart depend on each other in a circle: {circle}") from error
    return {key: needs[key] for key in order}


def _defined_by(definition: Obj) -> tuple[str, str]:
    return text(definition, "spec", "group"), text(definition, "spec", "names", "kind")


def _named(obj: Obj) -> list[Identity]:
    """The objects that the annotation names: `group/kind/name` or `group/namespaces/namespace/kind/name`."""
    found = []
    for reference in filter(None, (part.strip() for part in annotation(obj, DEPENDS_ON).split(","))):
        parts = reference.split("/")
        if len(parts) == 3:
            found.append((parts[0], parts[1], "", parts[2]))
        elif len(parts) == 5 and parts[1] == "namespaces":
            found.append((parts[0], parts[3], parts[2], parts[4]))
        else:
            raise ProviderError(
                f"The annotation {DEPENDS_ON} of {text(obj, 'kind')} {name(obj)} has {reference!r}; "
                "write group/kind/name or group/namespaces/namespace/kind/name"
            )
    return found


def _known(wanted: Identity, objects: Mapping[Identity, Obj], obj: Obj) -> Identity:
    if wanted not in objects:
        raise ProviderError(
            f"The annotation {DEPENDS_ON} of {text(obj, 'kind')} {name(obj)} names {'/'.join(filter(None, wanted))}, "
            "which the chart does not have"
        )
    return wanted


def without_await(obj: Obj) -> Obj:
    """A copy of the object that is deployed without waiting for it."""
    result = copy.deepcopy(obj)
    metadata = result["metadata"]
    metadata["annotations"] = {**mapping(metadata, "annotations"), SKIP_AWAIT: "true"}
    return result


def seal(obj: Obj, secrets: Iterable[str]) -> Obj:
    """A copy of the object with a Secret's data, and every text that holds one of the secrets, marked as secret."""
    hidden = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]

    def holds(text_: str) -> bool:
        return any(secret in text_ for secret in hidden)

    sealed = {key: _seal(value, holds) for key, value in obj.items()}
    if kinds.is_secret(obj):
        sealed |= {key: Secret(obj[key]) for key in ("data", "stringData") if obj.get(key) is not None}
    return sealed


def _seal(value: Any, holds: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return Secret(value) if holds(value) else value
    if isinstance(value, dict):
        return {key: _seal(item, holds) for key, item in value.items()}
    if isinstance(value, list):
        return [_seal(item, holds) for item in value]
    return value


def secret_texts(values: Any, inside: bool = False) -> list[str]:
    """The texts that are secret in a chart's values."""
    if isinstance(values, Secret):
        return secret_texts(values.value, inside=True)
    if isinstance(values, str):
        return [values] if inside else []
    parts = values.values() if isinstance(values, dict) else values if isinstance(values, list) else ()
    return [found for part in parts if not isinstance(part, Unknown) for found in secret_texts(part, inside)]


def group_versions(listing: Any) -> list[str]:
    """The API versions in the API server's list of groups, `v1` included."""
    versions = [
        text(version, "groupVersion") for group in items(listing, "groups") for version in items(group, "versions")
    ]
    return ["v1", *versions]
