"""Which kinds an API server has, where their objects live, and whether they have a namespace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sandbox.providers.kubernetes import kinds
from sandbox.providers.kubernetes.client import Api, ApiError
from sandbox.providers.kubernetes.objects import Kind, Obj, get, items, text


@dataclass(frozen=True)
class Resource:
    """Where the objects of a kind live."""

    kind: Kind
    plural: str
    namespaced: bool

    def collection(self, namespace: str = "") -> str:
        """The path of all objects, or of those in a namespace (empty: `default`)."""
        root = f"/apis/{self.kind.api_version}" if self.kind.group else f"/api/{self.kind.version}"
        middle = f"/namespaces/{namespace or 'default'}" if self.namespaced else ""
        return f"{root}{middle}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        return f"{self.collection(namespace)}/{name}"


class NoSuchKindError(Exception):
    """The API server does not have this kind, usually because its CustomResourceDefinition is missing."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f"no matches for kind {kind.kind!r} in version {kind.api_version!r}")
        self.kind = kind


class Discovery:
    """Answers from a cache; what is missing is looked up again, because definitions appear while a program runs."""

    def __init__(self, api: Api | None) -> None:
        self._api = api
        self._groups: dict[str, dict[str, Resource]] = {}
        self._planned: dict[tuple[str, str], bool] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def find(self, kind: Kind) -> Resource:
        """The resource of a kind. Raises `NoSuchKindError`."""
        name = kind.kind.removesuffix("Patch")
        for wanted in (kind.kind, name):
            if wanted in self._groups.get(kind.api_version, {}):
                return self._groups[kind.api_version][wanted]
        group = await self._refresh(kind.api_version)
        found = group.get(kind.kind) or group.get(name)
        if found is None:
            raise NoSuchKindError(kind)
        return found

    async def exists(self, kind: Kind) -> bool:
        """Whether the API server has the kind now."""
        try:
            await self.find(kind)
        except NoSuchKindError:
            return False
        return True

    async def preferred(self, kind: Kind) -> str:
        """The apiVersion in which the server serves this kind instead, empty if in none."""
        if self._api is None or not kind.group:
            return ""
        try:
            group = await self._api.get(f"/apis/{kind.group}")
        except ApiError:
            return ""
        version = text(group, "preferredVersion", "version")
        instead = Kind(kind.group, version, kind.kind)
        return instead.api_version if version and await self.exists(instead) else ""

    def plan(self, crd: Obj) -> None:
        """Remember a definition the program is about to create, so that its objects' scope is known in a preview."""
        key = (text(crd, "spec", "group"), text(crd, "spec", "names", "kind"))
        self._planned[key] = text(crd, "spec", "scope") == "Namespaced"

    def forget(self, group: str) -> None:
        """Drop what is known about an API group, because a definition in it was created, changed or deleted."""
        for api_version in [known for known in self._groups if known.partition("/")[0] == group]:
            del self._groups[api_version]

    async def is_namespaced(self, kind: Kind) -> bool:
        """The scope of a kind, from the server, else from a planned definition, else by convention."""
        planned = self._planned.get((kind.group, kind.kind))
        if planned is not None:
            return planned
        if self._api is not None:
            try:
                return (await self.find(kind)).namespaced
            except NoSuchKindError:
                pass
        return kinds.is_namespaced_by_convention(kind)

    async def _refresh(self, api_version: str) -> dict[str, Resource]:
        """Look a group up; callers that waited for the same look-up share its answer."""
        before = self._groups.get(api_version)
        async with self._locks.setdefault(api_version, asyncio.Lock()):
            current = self._groups.get(api_version)
            if current is None or current is before:
                current = self._groups[api_version] = await self._fetch(api_version)
            return current

    async def _fetch(self, api_version: str) -> dict[str, Resource]:
        if self._api is None:
            return {}
        root = "apis" if "/" in api_version else "api"
        try:
            listing = await self._api.get(f"/{root}/{api_version}")
        except ApiError as error:
            if error.not_found:
                return {}
            raise
        group, _, version = api_version.rpartition("/")
        return {
            text(entry, "kind"): _resource(group, version, entry)
            for entry in items(listing, "resources")
            if "/" not in text(entry, "name")
        }


def _resource(group: str, version: str, entry: Any) -> Resource:
    kind = Kind(group, version, text(entry, "kind"))
    return Resource(kind, text(entry, "name"), get(entry, "namespaced") is True)
