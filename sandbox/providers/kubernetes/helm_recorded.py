"""Releases of charts in repositories, which the sandbox cannot download.

They are recorded in the stack's state. What can be known of them is applied: the namespace, if the release creates it,
and the chart's custom resource definitions. A definition carries an annotation for each release that claims it, and
goes with the last one; definitions that somebody else made are neither changed nor deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sandbox import crds, documents
from sandbox.providers.base import CheckFailedError, ProviderError, Values
from sandbox.providers.kubernetes.client import APPLY, MERGE_PATCH, Api, ApiError
from sandbox.providers.kubernetes.helm_charts import RepositoryChart
from sandbox.providers.kubernetes.objects import condition, items, mapping, name, number, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import plain

RECORDED: Final = "recorded"
_DEFINITIONS: Final = "CustomResourceDefinition.apiextensions.k8s.io/apiextensions.k8s.io/v1"
_PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CLAIM: Final = "charts.sandbox/claimed-"
_MANAGER: Final = "sandbox-charts"
_ESTABLISHED_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2


class RecordedReleases:
    """See `helm_release.Releases`."""

    def __init__(self, session: Session, chart: RepositoryChart) -> None:
        self._session = session
        self._chart = chart

    async def complete(self, inputs: Values) -> Values:
        """The inputs as they are; the chart's kinds become known, so that a preview can place their objects."""
        for definition in self._definitions(inputs).definitions:
            self._session.discovery.plan(definition)
        return inputs

    def _definitions(self, inputs: Values) -> crds.Found:
        known = plain(inputs)
        if known.get("skipCrds"):
            return crds.Found([])
        try:
            return crds.definitions(self._chart.name, self._chart.version, mapping(known, "values"), crds.folder())
        except (ValueError, documents.DocumentError) as error:
            raise CheckFailedError([("chart", str(error))]) from error

    async def preview(self, urn: str, inputs: Values) -> None:
        """Say what will not be done."""
        await self._session.warn(urn, self._warning(inputs, self._definitions(inputs)))

    async def apply(self, urn: str, inputs: Values, olds: Values) -> Values:
        """Apply namespace and definitions, wait until the API server serves them, and record the release."""
        known, found = plain(inputs), self._definitions(inputs)
        await self._session.warn(urn, self._warning(inputs, found))
        await self._namespace(known)
        await self._session.status(urn, f"applying {len(found.definitions)} definitions of the chart's kinds")
        claimed = await asyncio.gather(*(self._claim(known, definition) for definition in found.definitions))
        applied = sorted(name(definition) for definition in claimed if definition is not None)
        await self._unclaim(known, set(items(plain(olds), "resourceNames", _DEFINITIONS)) - set(applied))
        self._forget(found.definitions)
        return {
            "resourceNames": {_DEFINITIONS: applied} if applied else {},
            "status": self._status(known, number(plain(olds), "status", "revision") + 1),
        }

    def _status(self, known: Mapping[str, Any], revision: int) -> dict[str, Any]:
        return {
            "name": known["name"],
            "namespace": known["namespace"],
            "revision": revision,
            "status": RECORDED,
            "chart": self._chart.name,
            "version": self._chart.version,
            "appVersion": "",
        }

    def _warning(self, inputs: Values, found: crds.Found) -> str:
        known = plain(inputs)
        done = [f"namespace {known['namespace']}"] if known.get("createNamespace") else []
        if found.definitions:
            kinds = sorted(text(definition, "spec", "names", "kind") for definition in found.definitions)
            done.append(f"the definitions of {', '.join(kinds)} ({_origin(found)})")
        applied = f"Applied are {' and '.join(done)}." if done else "Nothing is applied; the release is only recorded."
        version = f" {self._chart.version}" if self._chart.version else ""
        return (
            f"The sandbox cannot download the chart {self._chart.source}{version}, so nothing of it runs: no pods, "
            f"services or configuration. {applied} For the real thing, deploy to a cluster with internet access and "
            "the official provider, or download the chart (helm pull) and name its folder or file as `chart`."
        )

    async def _namespace(self, known: Mapping[str, Any]) -> None:
        namespace = known["namespace"]
        if await _found(self._session.api, f"/api/v1/namespaces/{namespace}") is not None:
            return
        if not known.get("createNamespace"):
            raise ProviderError(
                f"Release {namespace}/{known['name']}: the namespace {namespace!r} does not exist; let the release "
                "depend on the resource that creates it, or set createNamespace"
            )
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        try:
            await self._session.api.request("POST", "/api/v1/namespaces", {"fieldManager": _MANAGER}, body)
        except ApiError as error:
            if not error.already_exists:
                raise

    async def _claim(self, known: Mapping[str, Any], definition: crds.Definition) -> crds.Definition | None:
        """Apply and claim a definition, and wait for it; None if it is somebody else's."""
        api, path = self._session.api, f"{_PATH}/{name(definition)}"
        live = await _found(api, path)
        if live is not None and not _claims(live):
            return None
        # The claim is not part of what is applied, so that releases do not take each other's claims away.
        await api.request("PATCH", path, {"fieldManager": _MANAGER, "force": "true"}, definition, APPLY)
        await api.request(
            "PATCH", path, {}, _annotate({_claim_of(known): f"{known['namespace']}/{known['name']}"}), MERGE_PATCH
        )
        await self._established(path)
        return definition

    async def _established(self, path: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + _ESTABLISHED_SECONDS
        while text(condition(await self._session.api.get(path), "Established"), "status") != "True":
            if loop.time() > end:
                raise ProviderError(
                    f"The definition {path.rpartition('/')[2]} was not accepted within {_ESTABLISHED_SECONDS:.0f} s; "
                    "`kubectl describe crd` on it says why."
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _unclaim(self, known: Mapping[str, Any], definitions: Iterable[str]) -> None:
        """Take the release's claim off the definitions; delete those that nobody claims any more."""
        api = self._session.api
        for definition in sorted(definitions):
            path = f"{_PATH}/{definition}"
            try:
                left = await api.request("PATCH", path, {}, _annotate({_claim_of(known): None}), MERGE_PATCH)
                if not _claims(left):
                    only_this = {"preconditions": {"resourceVersion": text(left, "metadata", "resourceVersion")}}
                    await api.request("DELETE", path, {}, only_this)
            except ApiError as error:
                # Gone already, or claimed by another release in this moment.
                if not error.not_found and not error.conflict:
                    raise

    def _forget(self, definitions: Iterable[crds.Definition]) -> None:
        for group in {text(definition, "spec", "group") for definition in definitions}:
            self._session.discovery.forget(group)

    async def read(self, properties: Values) -> Values | None:
        """The release is there as long as its namespace and all of its definitions are."""
        known, api = plain(properties), self._session.api
        paths = [f"{_PATH}/{definition}" for definition in items(known, "resourceNames", _DEFINITIONS)]
        paths.append(f"/api/v1/namespaces/{known['namespace']}")
        found = await asyncio.gather(*(_found(api, path) for path in paths))
        return {} if all(obj is not None for obj in found) else None

    async def remove(self, urn: str, properties: Values) -> None:
        """Delete the definitions that no other release claims, and wait until they are gone."""
        known = plain(properties)
        definitions = items(known, "resourceNames", _DEFINITIONS)
        await self._unclaim(known, definitions)
        for definition in definitions:
            await self._gone(urn, definition)
            self._session.discovery.forget(definition.partition(".")[2])

    async def _gone(self, urn: str, definition: str) -> None:
        """Wait until a definition that is being deleted, and with it every object of its kind, is gone."""
        while True:
            live = await _found(self._session.api, f"{_PATH}/{definition}")
            if live is None or not text(live, "metadata", "deletionTimestamp"):
                return
            if self._session.cancelled.is_set():
                raise ProviderError(f"waiting for the definition {definition} to be deleted was cancelled")
            await self._session.status(urn, f"waiting for the objects of {definition} to be deleted")
            await asyncio.sleep(_POLL_SECONDS)


def _origin(found: crds.Found) -> str:
    if not found.file:
        return "they accept any object, because no file with the real ones was found"
    loose = f"; any object is accepted of {', '.join(found.permissive)}" if found.permissive else ""
    return f"from {found.file}{loose}"


async def _found(api: Api, path: str) -> Any:
    """The object at the path, None if there is none."""
    try:
        return await api.get(path)
    except ApiError as error:
        if error.not_found:
            return None
        raise


def _claim_of(known: Mapping[str, Any]) -> str:
    release = f"{known['namespace']}/{known['name']}"
    return _CLAIM + hashlib.sha256(release.encode()).hexdigest()[:12]


def _claims(definition: Any) -> list[str]:
    return [key for key in mapping(definition, "metadata", "annotations") if key.startswith(_CLAIM)]


def _annotate(annotations: Mapping[str, str | None]) -> dict[str, Any]:
    return {"metadata": {"annotations": dict(annotations)}}
