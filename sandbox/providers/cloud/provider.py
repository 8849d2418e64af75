"""The stand-in for a cloud: checks, stores and answers requests from tables, without calling the cloud."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

from sandbox.providers import base
from sandbox.providers.base import CheckFailedError, Diff, ProviderError, Values
from sandbox.providers.cloud import behaviour, control_planes, differences, inputs, names, results
from sandbox.providers.cloud.kinds import Facts, Kind, Other, Table
from sandbox.providers.cloud.sdk import Sdk, Source
from sandbox.providers.cloud.store import Record, Store, reveal
from sandbox.providers.values import plain
from sandbox.shim import RESUMED_VARIABLE

STORE_VARIABLE: Final = "SACRED_COUNCIL_CLOUDS"
"""The directory of the simulated clouds; the sandbox sets it."""
KUBECONFIGS_VARIABLE: Final = "SACRED_COUNCIL_KUBECONFIGS"
"""The directory with a kubeconfig for each region; the sandbox sets it."""

Function = Callable[["CloudStandIn", Values], Awaitable[Values]]


class CloudStandIn(base.StandIn):
    """The stand-in for one cloud. A subclass names its plugin, its SDK's package and its tables."""

    supports_autonaming = True
    plugin: ClassVar[str]
    package: ClassVar[str]
    table: ClassVar[Table]
    functions: ClassVar[Mapping[str, Function]] = {}

    def __init__(self, engine: base.Engine) -> None:
        super().__init__(engine)
        self.settings: Values = {}
        self._cancelled = asyncio.Event()
        self._resumed = set(os.environ.get(RESUMED_VARIABLE, "").split())

    @cached_property
    def store(self) -> Store:
        """The existing resources."""
        return Store(_folder(STORE_VARIABLE), self.plugin)

    @cached_property
    def sdk(self) -> Sdk:
        """The SDK's description of types."""
        return Sdk(self.package)

    @cached_property
    def _behaviour(self) -> behaviour.Behaviour:
        return behaviour.from_environment(os.environ)

    async def check_config(self, request: base.CheckRequest) -> Values:
        """Refuse settings that the SDK's provider does not have."""
        known = [*self.sdk.provider(), "version", "pluginDownloadURL"]
        failures = inputs.unknown_names(f"the provider {self.plugin}", known, request.news)
        if failures:
            raise CheckFailedError(failures)
        return request.news

    async def configure(self, config: Values) -> None:
        """Remember the settings."""
        self.settings = config

    async def check(self, request: base.CheckRequest) -> Values:
        """Refuse inputs that the SDK does not know; name what has no name."""
        kind, source = self._kind(request.type), self._source(request.type)
        failures = inputs.check(source, request.news)
        if failures:
            raise CheckFailedError(failures)
        return names.settle(kind, request)

    async def diff(self, request: base.DiffRequest) -> Diff:
        """Compare the inputs. What would get the same id again is deleted before its replacement is made."""
        kind = self._kind(request.type)
        found = differences.compare(kind, request.old_inputs or request.olds, request.news, request.ignore_changes)
        again = self._facts(request, request.news, secrets.token_hex(16), revision=1)
        if found.replaces and str(kind.id(again)) == request.id:
            return replace(found, delete_before_replace=True)
        return found

    async def create(self, request: base.CreateRequest) -> tuple[str, Values]:
        """Make the resource after the time that it takes; a preview leaves what the cloud decides unknown."""
        kind = self._kind(request.type)
        if request.preview:
            return "", results.planned(kind, request.inputs)
        self._forget_unrecorded(request)
        token = secrets.token_hex(16)
        # A cloud checks a request before it begins.
        self._refuse(kind, request, self._facts(request, request.inputs, token, revision=1))
        await self._take_time(kind, request)
        self._fail_if_asked("create", request)
        made = time.time()
        facts = self._facts(request, request.inputs, token, revision=1, made=made)
        record = self._record(kind, request, facts, request.inputs, made)
        if not kind.permanent and self.store.get(record.type, record.id, record.stack) is not None:
            raise ProviderError(f"{request.type} {record.id} exists already; import it, or choose another name")
        self.store.put(record)
        return record.id, record.outputs

    async def update(self, request: base.UpdateRequest) -> Values:
        """Change the resource in place."""
        kind = self._kind(request.type)
        if request.preview:
            return results.planned_update(kind, request.olds, request.news)
        self._fail_if_asked("update", request)
        old = self._existing(request)
        facts = self._facts(request, request.news, old.token, revision=old.revision + 1, made=old.made)
        self._refuse(kind, request, facts)
        record = self._record(kind, request, facts, request.news, old.made, resource_id=old.id)
        self.store.put(record)
        return record.outputs

    async def read(self, request: base.ReadRequest) -> tuple[str, Values, Values]:
        """What the resource is now; it may be changed or gone. Reading by id alone is an import."""
        kind = self._kind(request.type)
        self._fail_if_asked("read", request)
        record = self.store.get(request.type, request.id, _stack(request))
        if record is None:
            return "", {}, {}
        settled = {key: record.outputs[key] for key in kind.settles if record.outputs.get(key)}
        given = {**record.inputs, **settled}
        return record.id, reveal(record.outputs, request.properties), reveal(given, request.inputs)

    async def delete(self, request: base.DeleteRequest) -> None:
        """Remove the resource and the resources inside it. Keep what the real cloud would keep."""
        self._fail_if_asked("delete", request)
        kind, stack = self._kind(request.type), _stack(request)
        record = self.store.get(request.type, request.id, stack)
        if kind.permanent or record is None:
            return
        if kind.stays:
            raise ProviderError(f"{request.name}: {kind.stays}")
        needs = kind.last_backup(self.facts_of(record)) if kind.last_backup else None
        if needs is not None:
            self.store.keep_backup(record, needs)
        if kind.holds:
            self.store.remove_inside(request.id, stack)
        self.store.remove(request.type, request.id, stack)

    async def cancel(self) -> None:
        """End all waiting."""
        self._cancelled.set()

    async def invoke(self, token: str, args: Values) -> Values:
        """Answer the few functions that programs here call."""
        if token not in self.functions:
            return await super().invoke(token, args)
        return await self.functions[token](self, plain(args))

    def _kind(self, token: str) -> Kind:
        """The type's entry in the table. Raises `ProviderError` for types that do not exist or are not simulated."""
        if token in self.table:
            return self.table[token]
        if self.sdk.find(token) is None:
            near = inputs.hint(token.rpartition(":")[2].lower(), self.sdk.names(token))
            raise ProviderError(f"{self.package} has no type {token}; {near}")
        raise ProviderError(
            f"the sandbox does not simulate {token}; add it to the table in sandbox/providers/{self.plugin}, "
            "with the outputs that the program reads".replace("azure-native", "azure_native")
        )

    def _source(self, token: str) -> Source:
        source = self.sdk.find(token)
        if source is None:
            raise ProviderError(f"{self.package} has no type {token}")
        return source

    def facts_of(self, record: Record) -> Facts:
        """The facts of a resource that exists."""
        request = base.Request(record.urn)
        return self._facts(request, record.inputs, record.token, revision=record.revision, made=record.made)

    def _facts(self, request: base.Request, given: Values, token: str, *, revision: int, made: float = 0.0) -> Facts:
        return Facts(
            type=request.type,
            name=request.name,
            inputs=plain(given),
            token=token,
            revision=revision,
            settings=self.settings,
            find_control_plane=lambda wanted: control_planes.find(_folder(KUBECONFIGS_VARIABLE), wanted),
            made=self._behaviour.shown(made),
            others=lambda type_: self._others(type_, _stack(request)),
        )

    def _others(self, type_: str, stack: str) -> list[Other]:
        now = time.time()
        return [
            Other(
                id=record.id,
                inputs=record.inputs,
                outputs=record.outputs,
                age=self._behaviour.age(record.made, now),
            )
            for record in self.store.of_type(type_)
            if record.stack == stack
        ]

    def _record(
        self,
        kind: Kind,
        request: base.Request,
        facts: Facts,
        given: Values,
        made: float,
        resource_id: str | None = None,
    ) -> Record:
        return Record(
            urn=request.urn,
            type=request.type,
            id=resource_id or str(kind.id(facts)),
            token=facts.token,
            revision=facts.revision,
            inputs=given,
            outputs=results.made(kind, facts, given),
            made=made,
        )

    def _existing(self, request: base.UpdateRequest) -> Record:
        record = self.store.get(request.type, request.id, _stack(request))
        if record is None:
            raise ProviderError(f"{request.type} {request.id} is not there any more; run `pulumi refresh`, then `up`")
        return record

    async def _take_time(self, kind: Kind, request: base.Request) -> None:
        seconds = self._behaviour.seconds(kind.minutes)
        if not seconds:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._cancelled.wait(), seconds)
            raise ProviderError(f"making {request.name} was interrupted")

    def _fail_if_asked(self, operation: str, request: base.Request) -> None:
        for fault in self._behaviour.faults:
            if fault.hits(operation, request.type, request.urn) and (not fault.once or self.store.once(fault.text)):
                raise ProviderError(f"{operation} of {request.name} fails because {fault.text!r} asks for it")

    def _refuse(self, kind: Kind, request: base.Request, facts: Facts) -> None:
        def existing(type_: str) -> list[Values]:
            return [record.inputs for record in self.store.of_type(type_) if record.stack == _stack(request)]

        said = kind.refusal and kind.refusal(facts, existing)
        if said:
            raise ProviderError(f"{request.name}: {said}")

    def _forget_unrecorded(self, request: base.Request) -> None:
        """Delete the resource of a killed engine that could not record it; otherwise there would be two."""
        if request.urn in self._resumed:
            self._resumed.remove(request.urn)
            for record in self.store.of_urn(request.type, request.urn):
                self.store.remove(record.type, record.id, record.stack)


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        raise ProviderError(f"{variable} is not set; run this in the environment of `python -m sandbox env`")
    return Path(value)


def _stack(request: base.Request) -> str:
    return request.urn.split("::")[0].removeprefix("urn:pulumi:")
