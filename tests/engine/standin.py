"""Drives the Kubernetes stand-in over gRPC as the engine does, without the engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
import grpc.aio
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.providers import values
from sandbox.providers.kubernetes.provider import KubernetesStandIn
from sandbox.providers.server import EngineClient, start

T = TypeVar("T")
Values = dict[str, Any]


@dataclass
class Recorded(EngineClient):
    """An engine that remembers what it was told."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def log(self, message: str, urn: str = "", *, severity: str = "info", ephemeral: bool = False) -> None:
        """Remember the message."""
        if ephemeral:
            self.statuses.append(message)
        else:
            self.lines.append((severity, message))

    @property
    def warnings(self) -> list[str]:
        """The warnings so far."""
        return [message for severity, message in self.lines if severity == "warning"]


class RefusedError(Exception):
    """The provider answered with an error; `failed` holds what it says about a resource that exists all the same."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(error.details())
        self.failed: provider_pb2.ErrorResourceInitFailed | None = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin" and isinstance(value, bytes):
                for detail in status_pb2.Status.FromString(value).details:
                    failed = provider_pb2.ErrorResourceInitFailed()
                    if detail.Unpack(failed):
                        self.failed = failed


@dataclass
class State:
    """What the engine would have recorded of a resource."""

    urn: str
    id: str
    inputs: Values
    outputs: Values


class Driver:
    """One configured provider, on an event loop of its own."""

    def __init__(self, **config: Any) -> None:
        self.engine = Recorded()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._start(config))

    async def _start(self, config: Values) -> None:
        self._stand_in = KubernetesStandIn(self.engine)
        self._server, port = await start(self._stand_in, self.engine)
        # The engine takes trailers of any size; they hold the state of a resource that failed to get ready.
        limits = [("grpc.max_metadata_size", 1 << 24), ("grpc.absolute_max_metadata_size", 1 << 24)]
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=limits)
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        await self.stub.Configure(provider_pb2.ConfigureRequest(args=values.encode(config), acceptSecrets=True))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=240)

    def close(self) -> None:
        """End the provider."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        await self._stand_in.cancel()
        await self._channel.close()
        await self._server.stop(grace=None)
        await self._stand_in.close()

    def call(self, method: str, request: Any) -> Any:
        """Send one request; raise `RefusedError` if it is answered with an error."""
        return self._run(self._call(method, request))

    async def _call(self, method: str, request: Any) -> Any:
        try:
            return await getattr(self.stub, method)(request)
        except grpc.aio.AioRpcError as error:
            raise RefusedError(error) from error

    def start_call(self, method: str, request: Any) -> asyncio.Future[Any]:
        """Send a request and do not wait for its answer."""
        return asyncio.run_coroutine_threadsafe(self._call(method, request), self._loop)  # type: ignore[return-value]

    def check(self, urn: str, news: Values, olds: Values | None = None) -> Values:
        """The checked inputs. Raises `AssertionError` with the failures, if there are any."""
        request = provider_pb2.CheckRequest(
            urn=urn, news=values.encode(news), olds=values.encode(olds or {}), randomSeed=urn.encode()
        )
        answer = self.call("Check", request)
        failures = [f"{failure.property}: {failure.reason}" for failure in answer.failures]
        assert not failures, failures
        return values.decode(answer.inputs)

    def diff(self, state: State, news: Values, ignore_changes: tuple[str, ...] = ()) -> provider_pb2.DiffResponse:
        """The verdict on new (checked) inputs."""
        request = provider_pb2.DiffRequest(
            urn=state.urn,
            id=state.id,
            olds=values.encode(state.outputs),
            news=values.encode(news),
            old_inputs=values.encode(state.inputs),
            ignoreChanges=ignore_changes,
        )
        answer: provider_pb2.DiffResponse = self.call("Diff", request)
        return answer

    def create(self, urn: str, inputs: Values, *, preview: bool = False, timeout: float = 0.0) -> State:
        """Check and create."""
        checked = self.check(urn, inputs)
        request = provider_pb2.CreateRequest(
            urn=urn, properties=values.encode(checked), preview=preview, timeout=timeout
        )
        answer = self.call("Create", request)
        return State(urn, answer.id, checked, values.decode(answer.properties))

    def update(
        self,
        state: State,
        news: Values,
        *,
        preview: bool = False,
        timeout: float = 0.0,
        ignore_changes: tuple[str, ...] = (),
    ) -> State:
        """Check and update in place."""
        checked = self.check(state.urn, news, state.inputs)
        request = provider_pb2.UpdateRequest(
            urn=state.urn,
            id=state.id,
            olds=values.encode(state.outputs),
            news=values.encode(checked),
            old_inputs=values.encode(state.inputs),
            ignoreChanges=ignore_changes,
            preview=preview,
            timeout=timeout,
        )
        answer = self.call("Update", request)
        return State(state.urn, state.id, checked, values.decode(answer.properties))

    def read(self, state: State) -> State:
        """Read back; an empty id says that the object is gone."""
        request = provider_pb2.ReadRequest(
            urn=state.urn, id=state.id, properties=values.encode(state.outputs), inputs=values.encode(state.inputs)
        )
        answer = self.call("Read", request)
        return State(state.urn, answer.id, values.decode(answer.inputs), values.decode(answer.properties))

    def delete(self, state: State, *, timeout: float = 0.0) -> None:
        """Delete and wait until it is gone."""
        request = provider_pb2.DeleteRequest(
            urn=state.urn, id=state.id, properties=values.encode(state.outputs), timeout=timeout
        )
        self.call("Delete", request)


def urn_of(obj: Values, name: str = "it") -> str:
    """The URN of a resource of the object's kind."""
    api_version = str(obj["apiVersion"])
    module = api_version if "/" in api_version else f"core/{api_version}"
    return f"urn:pulumi:test::standin::kubernetes:{module}:{obj['kind']}::{name}"
