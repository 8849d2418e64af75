"""Releases of local charts, kept by the real helm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sandbox import documents
from sandbox.providers.base import InitFailedError, ProviderError, Values
from sandbox.providers.kubernetes import helm_charts
from sandbox.providers.kubernetes.helm_tool import Helm, HelmError, flags
from sandbox.providers.kubernetes.objects import kind_of, object_id, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import Secret, has_secret, plain

_FLAGS: Final = {
    "atomic": "--atomic",
    "cleanupOnFail": "--cleanup-on-fail",
    "createNamespace": "--create-namespace",
    "dependencyUpdate": "--dependency-update",
    "description": "--description",
    "devel": "--devel",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "disableWebhooks": "--no-hooks",
    "forceUpdate": "--force",
    "keyring": "--keyring",
    "maxHistory": "--history-max",
    "postrender": "--post-renderer",
    "renderSubchartNotes": "--render-subchart-notes",
    "resetValues": "--reset-values",
    "reuseValues": "--reuse-values",
    "skipCrds": "--skip-crds",
    "verify": "--verify",
}


class LocalReleases:
    """See `helm_release.Releases`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._helm = Helm(session)

    async def complete(self, inputs: Values) -> Values:
        """The chart's version, and a checksum that makes a changed chart show as a change."""
        chart = await helm_charts.load(self._helm, plain(inputs))
        return inputs | {"version": chart.version, "checksum": chart.digest}

    async def preview(self, urn: str, inputs: Values) -> None:
        """Render against the cluster; where that cannot work yet, render alone."""
        known = plain(inputs)
        try:
            if self._session.unreachable:
                await self._render(known)
            else:
                await self._upgrade(urn, known, "--dry-run=server")
        except HelmError as error:
            if not error.may_pass:
                raise _told(known, error) from error
            await self._render(known)

    async def _render(self, known: Mapping[str, Any]) -> None:
        try:
            await self._helm.run(
                *("template", known["name"], known["chart"], "--namespace", known["namespace"]),
                values=known.get("values", {}),
            )
        except HelmError as error:
            raise _told(known, error) from error

    async def _upgrade(self, urn: str, known: Mapping[str, Any], *more: str) -> Any:
        waits = [] if known.get("skipAwait") else ["--wait"]
        if waits and known.get("waitForJobs"):
            waits.append("--wait-for-jobs")
        timeout = ["--timeout", f"{known['timeout']}s"] if known.get("timeout") else []
        # Given no values at all, helm would go on with those of the last time.
        reset = [] if known.get("values") or known.get("reuseValues") else ["--reset-values"]
        return await self._helm.json(
            *("upgrade", known["name"], known["chart"], "--install", "--namespace", known["namespace"]),
            *(*flags(known, _FLAGS), *waits, *timeout, *reset, *more),
            values=known.get("values", {}),
            urn=urn,
        )

    async def apply(self, urn: str, inputs: Values, olds: Values) -> Values:
        """Install or upgrade. A release that failed but is there is reported as such, with its state kept."""
        known = plain(inputs)
        await self._clear_interrupted(urn, known)
        try:
            release = await self._upgrade(urn, known)
        except HelmError as error:
            found = await self.read(inputs)
            if found is None:
                raise _told(known, error) from error
            raise InitFailedError(
                f"{known['namespace']}/{known['name']}",
                inputs | found,
                [f"{_label(known)} is installed, but failed: {error}. `helm status` and `kubectl describe` show more."],
            ) from error
        return _outputs(release, release["chart"]["metadata"])

    async def _clear_interrupted(self, urn: str, known: Mapping[str, Any]) -> None:
        """Undo an operation that was cut off half-way, which helm would wait for until the end of days."""
        status = text(await self._status(known), "info", "status")
        if not status.startswith("pending-"):
            return
        await self._session.warn(urn, f"{_label(known)} was left {status} by an interrupted run; it is undone first.")
        where = (known["name"], "--namespace", known["namespace"])
        try:
            await self._helm.run(*(("uninstall", *where) if status == "pending-install" else ("rollback", *where)))
        except HelmError as error:
            raise _told(known, error) from error

    async def _status(self, known: Mapping[str, Any]) -> Any:
        """Helm's record of the release, None if there is none."""
        try:
            return await self._helm.json("status", known["name"], "--namespace", known["namespace"])
        except HelmError as error:
            if error.not_found:
                return None
            raise _told(known, error) from error

    async def read(self, properties: Values) -> Values | None:
        """The release's status and objects, and the values it was last given if they are not the recorded ones."""
        known = plain(properties)
        release = await self._status(known)
        if release is None:
            return None
        about = await self._helm.json("get", "metadata", known["name"], "--namespace", known["namespace"])
        found = _outputs(release, {"name": about["chart"], **about})
        found |= {"version": about["version"]} | ({} if "chart" in known else {"chart": about["chart"]})
        live = release.get("config") or {}
        if live != known.get("values", {}):
            found["values"] = reseal(live, properties.get("values"))
        return found

    async def remove(self, urn: str, properties: Values) -> None:
        """Uninstall; wait for the objects to be gone, unless the release is not to be awaited."""
        known = plain(properties)
        waits = ["--wait"] if known.get("atomic") or not known.get("skipAwait") else []
        timeout = ["--timeout", f"{known['timeout']}s"] if waits and known.get("timeout") else []
        try:
            await self._helm.run(
                "uninstall", known["name"], "--namespace", known["namespace"], *waits, *timeout, urn=urn
            )
        except HelmError as error:
            if not error.not_found:
                raise _told(known, error) from error


def reseal(live: Any, recorded: Any) -> Any:
    """The live values, with everything secret that was so before, and what is new if anything was."""
    if isinstance(recorded, Secret):
        return Secret(live)
    if not isinstance(live, dict) or not isinstance(recorded, dict):
        return live
    new_are_secret = has_secret(recorded)
    return {
        key: reseal(value, recorded[key]) if key in recorded else Secret(value) if new_are_secret else value
        for key, value in live.items()
    }


def _label(known: Mapping[str, Any]) -> str:
    return f"Release {known['namespace']}/{known['name']}"


def _told(known: Mapping[str, Any], error: HelmError) -> ProviderError:
    return ProviderError(f"{_label(known)} of chart {known.get('chart', '')}: {error}")


def _outputs(release: Mapping[str, Any], about: Mapping[str, Any]) -> Values:
    return {
        "resourceNames": resource_names(documents.read(release.get("manifest") or "", "the rendered chart")),
        "status": {
            "name": release["name"],
            "namespace": release["namespace"],
            "revision": release["version"],
            "status": release["info"]["status"],
            "chart": about["name"],
            "version": about["version"],
            "appVersion": about.get("appVersion", ""),
        },
    }


def resource_names(objects: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The objects' names by kind, as the official provider lists them: `Deployment.apps/apps/v1: [web]`."""
    found: dict[str, set[str]] = {}
    for obj in objects:
        kind = kind_of(obj)
        key = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
        found.setdefault(f"{key}/{kind.api_version}", set()).add(object_id(obj))
    return {key: sorted(found[key]) for key in sorted(found)}
