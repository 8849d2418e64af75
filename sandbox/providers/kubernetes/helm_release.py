"""The resource `kubernetes:helm.sh/v3:Release`.

A local chart is installed by the real helm (`helm_local`). A chart in a repository cannot be downloaded in the sandbox:
its release is recorded, and what can be known of it is applied (`helm_recorded`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from sandbox.providers import base
from sandbox.providers.base import CheckFailedError, Diff, ProviderError, Values
from sandbox.providers.kubernetes import diff, helm_charts, messages, names
from sandbox.providers.kubernetes.helm_charts import RepositoryChart
from sandbox.providers.kubernetes.helm_local import LocalReleases
from sandbox.providers.kubernetes.helm_recorded import RECORDED, RecordedReleases
from sandbox.providers.kubernetes.objects import parse_id, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import UNKNOWN, has_unknown, plain

if TYPE_CHECKING:
    from sandbox.providers.kubernetes.provider import KubernetesStandIn

DEFAULT_TIMEOUT_SECONDS: Final = 300
_RESOLVED: Final = ("version", "checksum")
_FLAGS: Final = (
    *("allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel", "disableCRDHooks"),
    *("disableOpenapiValidation", "disableWebhooks", "forceUpdate", "lint", "recreatePods", "renderSubchartNotes"),
    *("replace", "resetValues", "reuseValues", "skipAwait", "skipCrds", "verify", "waitForJobs"),
)
_TEXTS: Final = ("description", "keyring", "postrender")
# What the SDK sends for purposes of its own, and what the official provider takes no notice of.
_IGNORED: Final = ("compat", "resourceNames")


class Releases(Protocol):
    """One way to keep releases. All dicts are the resource's inputs or outputs, secrets wrapped."""

    async def complete(self, inputs: Values) -> Values:
        """The inputs with what the chart says. Raises `CheckFailedError` if the chart cannot be used."""

    async def preview(self, urn: str, inputs: Values) -> None:
        """Find out, as far as possible without changing anything, whether the release would fail."""

    async def apply(self, urn: str, inputs: Values, olds: Values) -> Values:
        """Install or upgrade (`olds`: the recorded outputs, empty at first) and return `status` and `resourceNames`."""

    async def read(self, properties: Values) -> Values | None:
        """`status`, `resourceNames` and what else of the properties has changed; None if the release is gone."""

    async def remove(self, urn: str, properties: Values) -> None:
        """Uninstall; a release that is gone already counts as removed."""


def make(stand_in: KubernetesStandIn) -> base.StandIn:
    """The handler of the resource type."""
    return Release(stand_in)


class Release(base.StandIn):
    """Answers the engine's requests about releases."""

    def __init__(self, stand_in: KubernetesStandIn) -> None:
        super().__init__(stand_in.engine)
        self._stand_in = stand_in

    @property
    def _session(self) -> Session:
        return self._stand_in.session

    def _ways(self, inputs: Values) -> Releases:
        """The way the inputs call for. Raises `CheckFailedError` if the chart is neither local nor in a repository."""
        found: RepositoryChart | None = helm_charts.repository_of(inputs)
        return RecordedReleases(self._session, found) if found else LocalReleases(self._session)

    def _ways_of_state(self, properties: Values) -> Releases:
        known = plain(properties)
        if text(known, "status", "status") != RECORDED:
            return LocalReleases(self._session)
        chart = RepositoryChart(text(known, "chart").rpartition("/")[2], text(known, "version"), text(known, "chart"))
        return RecordedReleases(self._session, chart)

    async def check(self, request: base.CheckRequest) -> Values:
        """Name the release, fill in defaults, and look at the chart."""
        inputs = _complete(request.news)
        self._name(inputs, request)
        inputs["namespace"] = inputs.get("namespace") or self._session.default_namespace or "default"
        inputs.setdefault("timeout", 0 if plain(inputs["skipAwait"]) is True else DEFAULT_TIMEOUT_SECONDS)
        if has_unknown(inputs):
            return inputs
        if not isinstance(plain(inputs.get("values") or {}), dict):
            raise CheckFailedError([("values", "must be a map, as in the chart's values.yaml")])
        values = helm_charts.merged_values(inputs)
        inputs.pop("valueYamlFiles", None)
        return await self._ways(inputs).complete(inputs | {"values": values})

    def _name(self, inputs: Values, request: base.CheckRequest) -> None:
        if inputs.get("name"):
            return
        if request.olds.get("name"):
            inputs["name"] = request.olds["name"]
        elif request.naming == "disable":
            raise CheckFailedError([("name", "is required, because automatic names are switched off for this stack")])
        else:
            inputs["name"] = request.proposed_name or names.unique(f"{request.name}-", request.seed)

    async def diff(self, request: base.DiffRequest) -> Diff:
        """Compare the inputs with the state, where a refresh may have put what was changed behind the engine's back."""
        new = plain(request.news)
        old = {name: plain(request.olds.get(name, value)) for name, value in request.old_inputs.items()}
        if has_unknown(new):
            for name in _RESOLVED:
                old.pop(name, None)
        found = diff.changes(old, new, [("name",), ("namespace",)])
        found = diff.without_ignored(found, request.ignore_changes)
        replaces = diff.replacing(found)
        moves = "chart" in found and not has_unknown(new) and self._changes_way(request)
        return Diff(found, [*replaces, *(["chart"] if moves else [])], delete_before_replace=moves)

    def _changes_way(self, request: base.DiffRequest) -> bool:
        """Whether the release was recorded and is now to be installed, or the other way round."""
        return type(self._ways(request.news)) is not type(self._ways_of_state(request.olds))

    async def create(self, request: base.CreateRequest) -> tuple[str, Values]:
        """Install the release; a preview renders it."""
        if request.preview:
            return "", await self._preview(request.urn, request.inputs)
        return _id(request.inputs), await self._apply(request.urn, request.inputs, {})

    async def update(self, request: base.UpdateRequest) -> Values:
        """Upgrade the release; a preview renders it."""
        if request.preview:
            return await self._preview(request.urn, request.news)
        return await self._apply(request.urn, request.news, request.olds)

    async def _preview(self, urn: str, inputs: Values) -> Values:
        if not has_unknown(inputs):
            await self._ways(inputs).preview(urn, inputs)
        return inputs | {"status": UNKNOWN, "resourceNames": UNKNOWN}

    async def _apply(self, urn: str, inputs: Values, olds: Values) -> Values:
        if self._session.unreachable:
            raise ProviderError(messages.unreachable(self._session.unreachable))
        return inputs | await self._ways(inputs).apply(urn, inputs, olds)

    async def read(self, request: base.ReadRequest) -> tuple[str, Values, Values]:
        """The release as it is now, or (import) as the inputs that would make it."""
        if self._session.unreachable:
            return await self._unreachable(request)
        is_import = not request.properties
        properties = _from_id(request.id) if is_import else request.properties
        found = await self._ways_of_state(properties).read(properties)
        if found is None:
            return "", {}, {}
        outputs = properties | found
        inputs = {name: outputs[name] for name in outputs if name not in ("status", "resourceNames")}
        return request.id, outputs, inputs if is_import else request.inputs

    async def _unreachable(self, request: base.ReadRequest) -> tuple[str, Values, Values]:
        await self._session.warn(request.urn, messages.unreachable(self._session.unreachable))
        if self._session.settings.delete_unreachable:
            return "", {}, {}
        if self._session.settings.skip_update_unreachable:
            return request.id, request.properties, request.inputs
        raise ProviderError(messages.unreachable_read(self._session.unreachable))

    async def delete(self, request: base.DeleteRequest) -> None:
        """Uninstall the release and wait until its objects are gone.

        Like the official provider it never forgets a release of a cluster that is gone: only a refresh does.
        """
        if self._session.unreachable:
            raise ProviderError(messages.unreachable_uninstall(self._session.unreachable))
        await self._ways_of_state(request.properties).remove(request.urn, request.properties)


def _complete(news: Values) -> Values:
    """The inputs with what is so when they say nothing, as the official provider records it."""
    given = {name: value for name, value in news.items() if value is not None and name not in _IGNORED}
    return dict.fromkeys(_FLAGS, False) | dict.fromkeys(_TEXTS, "") | given


def _id(properties: Values) -> str:
    known = plain(properties)
    return f"{known['namespace']}/{known['name']}"


def _from_id(resource_id: str) -> Values:
    namespace, name = parse_id(resource_id)
    return {"name": name, "namespace": namespace or "default"}
