"""Releases of charts in repositories, which the sandbox cannot download.

They are recorded in the stack's state. What can be known of them is applied: the namespace, if the release creates it
(helm leaves it behind when the release goes, and so does this), and the chart's custom resource definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import crds, documents
from sandbox.providers.base import CheckFailedError, ProviderError, Values
from sandbox.providers.kubernetes.client import ApiError
from sandbox.providers.kubernetes.helm_charts import RepositoryChart
from sandbox.providers.kubernetes.helm_definitions import Definitions, found
from sandbox.providers.kubernetes.objects import items, mapping, name, number, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import plain

RECORDED: Final = "recorded"
_DEFINITIONS: Final = "CustomResourceDefinition.apiextensions.k8s.io/apiextensions.k8s.io/v1"
_MANAGER: Final = "sandbox-charts"


class RecordedReleases:
    """See `helm_release.Releases`."""

    def __init__(self, session: Session, chart: RepositoryChart) -> None:
        self._session = session
        self._chart = chart

    async def complete(self, inputs: Values) -> Values:
        """The inputs as they are; the chart's kinds become known, so that a preview can place their objects."""
        for definition in self._brought(inputs).definitions:
            self._session.discovery.plan(definition)
        return inputs

    def _brought(self, inputs: Values) -> crds.Found:
        known = plain(inputs)
        if known.get("skipCrds"):
            return crds.Found([])
        try:
            return crds.definitions(self._chart.name, self._chart.version, mapping(known, "values"), crds.folder())
        except (ValueError, documents.DocumentError) as error:
            raise CheckFailedError([("chart", str(error))]) from error

    async def preview(self, urn: str, inputs: Values) -> None:
        """Say what will not be done."""
        await self._session.warn(urn, self._warning(inputs, self._brought(inputs)))

    async def apply(self, urn: str, inputs: Values, olds: Values) -> Values:
        """Apply namespace and definitions, wait until the API server serves them, and record the release."""
        known, brought = plain(inputs), self._brought(inputs)
        await self._session.warn(urn, self._warning(inputs, brought))
        await self._namespace(known)
        await self._session.status(urn, f"applying {len(brought.definitions)} definitions of the chart's kinds")
        definitions = self._definitions(known)
        applied = await definitions.claim(brought.definitions)
        await definitions.disclaim(set(items(plain(olds), "resourceNames", _DEFINITIONS)) - set(applied), urn)
        await self._session.status(urn, "")
        return {
            "resourceNames": {_DEFINITIONS: applied} if applied else {},
            "status": self._status(known, number(plain(olds), "status", "revision") + 1),
        }

    def _definitions(self, known: Mapping[str, Any]) -> Definitions:
        return Definitions(self._session, f"{known['namespace']}/{known['name']}")

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

    def _warning(self, inputs: Values, brought: crds.Found) -> str:
        known = plain(inputs)
        done = [f"namespace {known['namespace']}"] if known.get("createNamespace") else []
        if brought.definitions:
            kinds = sorted(text(definition, "spec", "names", "kind") for definition in brought.definitions)
            done.append(f"the definitions of {', '.join(kinds)} ({_origin(brought)})")
        applied = f"Applied are {' and '.join(done)}." if done else "Nothing is applied; the release is only recorded."
        version = f" {self._chart.version}" if self._chart.version else ""
        return (
            f"The sandbox cannot download {self._chart.source}{version}, so nothing of this chart runs: no pods, "
            f"services or configuration. {applied} For the real thing, use the official provider on a cluster, or "
            "download the chart (helm pull) and name its folder or file as `chart`."
        )

    async def _namespace(self, known: Mapping[str, Any]) -> None:
        namespace = known["namespace"]
        if await found(self._session.api, f"/api/v1/namespaces/{namespace}") is not None:
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

    async def read(self, properties: Values) -> Values | None:
        """The release is there as long as its namespace and all of its definitions are."""
        known = plain(properties)
        if await found(self._session.api, f"/api/v1/namespaces/{known['namespace']}") is None:
            return None
        are_there = await self._definitions(known).are_there(items(known, "resourceNames", _DEFINITIONS))
        return {} if are_there else None

    async def remove(self, urn: str, properties: Values) -> None:
        """Delete the definitions that no other release claims, and wait until they are gone."""
        known = plain(properties)
        await self._definitions(known).disclaim(items(known, "resourceNames", _DEFINITIONS), urn)


def _origin(brought: crds.Found) -> str:
    if not brought.file:
        return "they accept any object, because no file with the real ones was found"
    loose = [definition for definition in brought.definitions if name(definition) in brought.permissive]
    kinds = ", ".join(sorted(text(definition, "spec", "names", "kind") for definition in loose))
    return (
        f"from {brought.file}; not in it, so that any object is accepted: {kinds}" if kinds else f"from {brought.file}"
    )
