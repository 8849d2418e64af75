"""Custom resource definitions that recorded releases share.

A definition carries an annotation for each release that claims it, and goes with the last one. Definitions that
somebody else made are neither changed nor deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sandbox.crds import Definition
from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes.client import APPLY, MERGE_PATCH, Api, ApiError
from sandbox.providers.kubernetes.objects import items, mapping, name, text
from sandbox.providers.kubernetes.session import Session

_PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CLAIM: Final = "charts.sandbox/claimed-"
_DIGEST: Final = "charts.sandbox/digest"
_RETRY: Final = "charts.sandbox/retry"
_FAILED: Final = "InstanceDeletionFailed"
_SERVED_SECONDS: Final = 60.0
_GONE_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.3


class Definitions:
    """The definitions of one release; `release` is `namespace/name`."""

    def __init__(self, session: Session, release: str) -> None:
        self._session = session
        self._release = release
        self._claim = _CLAIM + hashlib.sha256(release.encode()).hexdigest()[:12]

    async def claim(self, definitions: Iterable[Definition]) -> list[str]:
        """Apply the definitions, wait until the API server serves them, and return the names of those claimed."""
        wanted = list(definitions)
        done = await asyncio.gather(*(self._apply(definition) for definition in wanted))
        claimed = [definition for definition, ours in zip(wanted, done, strict=True) if ours]
        await self._served(claimed)
        self._forget(text(definition, "spec", "group") for definition in claimed)
        return sorted(name(definition) for definition in claimed)

    async def _apply(self, definition: Definition) -> bool:
        """Apply a definition with this release's claim on it; False if it is somebody else's."""
        path = f"{_PATH}/{name(definition)}"
        live = await found(self._session.api, path)
        if live is not None and not _claims(live):
            return False
        annotations = {self._claim: self._release, _DIGEST: _digest(definition)}
        if annotations.items() <= mapping(live, "metadata", "annotations").items():
            return True
        # Each release is a manager of its own, so that none takes another's claim away.
        parameters = {"fieldManager": self._claim.replace("/", "-"), "force": "true"}
        await self._session.api.request("PATCH", path, parameters, _annotated(definition, annotations), APPLY)
        return True

    async def _served(self, definitions: Iterable[Definition]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + _SERVED_SECONDS
        for definition in definitions:
            for path in _groups(definition):
                while not await self._offers(path, text(definition, "spec", "names", "plural")):
                    if loop.time() > end:
                        raise ProviderError(
                            f"The definition {name(definition)} was not accepted within {_SERVED_SECONDS:.0f} s; "
                            f"`kubectl describe crd {name(definition)}` says why."
                        )
                    await asyncio.sleep(_POLL_SECONDS)

    async def _offers(self, path: str, plural: str) -> bool:
        listing = await found(self._session.api, path)
        return any(text(resource, "name") == plural for resource in items(listing, "resources"))

    async def disclaim(self, definitions: Iterable[str], urn: str = "") -> None:
        """Take the release's claim off; delete what nobody claims any more, and wait until it is gone."""
        names = sorted(definitions)
        deleted = await asyncio.gather(*(self._disclaim(definition) for definition in names))
        await self._gone([definition for definition, is_deleted in zip(names, deleted, strict=True) if is_deleted], urn)
        self._forget(definition.partition(".")[2] for definition in names)

    async def _disclaim(self, definition: str) -> bool:
        """Whether the definition is being deleted, as nobody claims it any more."""
        api, path = self._session.api, f"{_PATH}/{definition}"
        try:
            left = await api.request("PATCH", path, {}, _annotated({}, {self._claim: None}), MERGE_PATCH)
            if _claims(left):
                return False
            unchanged = {"preconditions": {"resourceVersion": text(left, "metadata", "resourceVersion")}}
            await api.request("DELETE", path, {}, unchanged)
        except ApiError as error:
            # Gone already, or claimed by another release in this moment.
            if not error.not_found and not error.conflict:
                raise
            return False
        return True

    async def _gone(self, definitions: list[str], urn: str) -> None:
        """Wait until the API server has deleted them, and with them every object of their kinds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _GONE_SECONDS
        while definitions:
            if loop.time() > end:
                raise ProviderError(await self._stuck(definitions))
            if self._session.cancelled.is_set():
                raise ProviderError(f"waiting for {', '.join(definitions)} to be deleted was cancelled")
            await self._session.status(urn, f"waiting for {len(definitions)} definitions and their objects to go")
            await asyncio.sleep(_POLL_SECONDS)
            definitions = [definition for definition in definitions if not await self._is_gone(definition)]

    async def _stuck(self, definitions: list[str]) -> str:
        """What the API server says of definitions that do not go."""
        every = [(one, await found(self._session.api, f"{_PATH}/{one}")) for one in definitions]
        told = "; ".join(f"{one}{_why_there(live)}" for one, live in every)
        return (
            f"Definitions are there {_GONE_SECONDS:.0f} s after they were deleted: {told}. An object of theirs may "
            f"have a finalizer that nobody takes off; `kubectl get {definitions[0]} --all-namespaces` shows them."
        )

    async def _is_gone(self, definition: str) -> bool:
        """Whether it is deleted; if the API server failed to, have it try again.

        Its finalizer cannot delete what it cannot list yet. It means to retry, but when the retry collides with its own
        change of the status it goes to sleep until the next resync, for up to five minutes. Any change wakes it.
        """
        live = await found(self._session.api, f"{_PATH}/{definition}")
        if live is not None and _has_failed(live):
            changed = {_RETRY: text(live, "metadata", "resourceVersion")}
            try:
                await self._session.api.request(
                    "PATCH", f"{_PATH}/{definition}", {}, _annotated({}, changed), MERGE_PATCH
                )
            except ApiError as error:
                if not error.not_found:
                    raise
        return live is None

    def _forget(self, groups: Iterable[str]) -> None:
        for group in set(groups):
            self._session.discovery.forget(group)

    async def are_there(self, definitions: Iterable[str]) -> bool:
        """Whether the API server still has all of them."""
        every = await asyncio.gather(*(found(self._session.api, f"{_PATH}/{definition}") for definition in definitions))
        return all(definition is not None for definition in every)


async def found(api: Api, path: str) -> Any:
    """The object at the path, None if there is none."""
    try:
        return await api.get(path)
    except ApiError as error:
        if error.not_found:
            return None
        raise


def _claims(definition: Any) -> list[str]:
    return [key for key in mapping(definition, "metadata", "annotations") if key.startswith(_CLAIM)]


def _has_failed(definition: Any) -> bool:
    """Whether the API server gave up, for now, to delete the objects of a definition that is being deleted."""
    return any(text(one, "reason") == _FAILED for one in _terminating(definition))


def _terminating(definition: Any) -> list[Any]:
    """The condition of a definition that is being deleted, if it has one."""
    return [one for one in items(definition, "status", "conditions") if text(one, "type") == "Terminating"]


def _why_there(definition: Any) -> str:
    told = [f"{text(one, 'reason')}: {text(one, 'message')}" for one in _terminating(definition)]
    return f" ({'; '.join(told)})" if told else ""


def _digest(definition: Definition) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]


def _annotated(definition: Mapping[str, Any], annotations: Mapping[str, str | None]) -> dict[str, Any]:
    metadata = mapping(dict(definition), "metadata")
    together = {**mapping(metadata, "annotations"), **annotations}
    return {**definition, "metadata": {**metadata, "annotations": together}}


def _groups(definition: Definition) -> list[str]:
    """The paths of the API group versions that serve the definition's kind."""
    group = text(definition, "spec", "group")
    served = [version for version in items(definition, "spec", "versions") if version.get("served")]
    return [f"/apis/{group}/{text(version, 'name')}" for version in served]
