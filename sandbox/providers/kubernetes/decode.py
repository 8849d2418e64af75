"""The function `kubernetes:yaml:decode`: turns manifests into objects, as `ConfigFile` and `ConfigGroup` need them."""

from __future__ import annotations

from typing import Any

import yaml

from sandbox.providers.base import ProviderError, Values
from sandbox.providers.kubernetes.discovery import Discovery
from sandbox.providers.kubernetes.objects import Obj, items, kind_of, text
from sandbox.providers.values import plain

FUNCTION = "kubernetes:yaml:decode"


async def decode(discovery: Discovery, args: Values) -> Values:
    """The objects in `text`, lists taken apart, namespaced ones put into `defaultNamespace` if they have none."""
    arguments = plain(args)
    try:
        documents = list(yaml.safe_load_all(text(arguments, "text")))
    except yaml.YAMLError as error:
        raise ProviderError(f"The manifest is not YAML: {error}") from error
    objects = [obj for document in documents for obj in _objects(document)]
    for obj in objects:
        await _place(discovery, obj, text(arguments, "defaultNamespace"))
    return {"result": objects}


def _objects(document: Any) -> list[Obj]:
    if document is None:
        return []
    if not isinstance(document, dict) or not text(document, "kind"):
        raise ProviderError(f"The manifest holds something that is not a Kubernetes object: {str(document)[:80]!r}.")
    if text(document, "kind").endswith("List") and "items" in document:
        return [obj for item in items(document, "items") for obj in _objects(item)]
    return [document]


async def _place(discovery: Discovery, obj: Obj, namespace: str) -> None:
    metadata = obj.setdefault("metadata", {})
    missing = namespace and isinstance(metadata, dict) and not metadata.get("namespace")
    if missing and await discovery.is_namespaced(kind_of(obj)):
        metadata["namespace"] = namespace
