"""The API server's own schema of its objects (OpenAPI v3), fetched group by group when first needed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sandbox.providers.kubernetes.client import Api, ApiError
from sandbox.providers.kubernetes.objects import Kind, get, items, mapping, text

_REFERENCE = "#/components/schemas/"


@dataclass(frozen=True)
class Schema:
    """The type of one value. `name` is the short name of the type (`PodSpec`), empty for anonymous ones."""

    raw: dict[str, Any]
    name: str
    definitions: dict[str, Any]

    def resolve(self, raw: dict[str, Any]) -> Schema:
        """The schema that a property's description stands for."""
        target = text(raw, "$ref") or text(get(raw, "allOf", 0), "$ref")
        if not target:
            return Schema(raw, "", self.definitions)
        full_name = target.removeprefix(_REFERENCE)
        return Schema(mapping(self.definitions, full_name), full_name.rpartition(".")[2], self.definitions)

    @property
    def properties(self) -> dict[str, Any]:
        """The known fields of an object, raw."""
        return mapping(self.raw, "properties")

    @property
    def required(self) -> list[Any]:
        """The names of the fields that must be there."""
        return items(self.raw, "required")

    @property
    def type(self) -> str:
        """`object`, `array`, `string`, `integer`, `number`, `boolean`, or empty if it can be several."""
        return text(self.raw, "type")


class Schemas:
    """Finds the schema of a kind; each group is fetched at most once at a time."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._groups: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._found: dict[Kind, Schema] = {}

    async def find(self, kind: Kind) -> Schema | None:
        """The schema of the kind, or None if the API server has none."""
        if kind in self._found:
            return self._found[kind]
        definitions = await self._definitions(kind)
        wanted = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        for full_name, raw in definitions.items():
            if wanted in items(raw, "x-kubernetes-group-version-kind"):
                self._found[kind] = Schema(raw, full_name.rpartition(".")[2], definitions)
                return self._found[kind]
        return None

    async def _definitions(self, kind: Kind) -> dict[str, Any]:
        path = f"apis/{kind.api_version}" if kind.group else f"api/{kind.api_version}"
        task = self._groups.get(path)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.ensure_future(self._fetch(path))
            self._groups[path] = task
        return await asyncio.shield(task)

    async def _fetch(self, path: str) -> dict[str, Any]:
        try:
            document = await self._api.get(f"/openapi/v3/{path}")
        except ApiError as error:
            if error.code in (403, 404):
                return {}
            raise
        return mapping(document, "components", "schemas")
