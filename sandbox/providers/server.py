"""Serves a `StandIn` to the Pulumi engine: the gRPC service, its error details, and the life of the process."""

# The methods of the service have the protocol's names.
# ruff: noqa: N802

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from sandbox.providers import base, values, wire

_MESSAGE_LIMIT = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", _MESSAGE_LIMIT), ("grpc.max_send_message_length", _MESSAGE_LIMIT)]
_ENGINE_POLL_SECONDS = 2.0


class EngineClient:
    """Logs to the engine; without one (tests, a plugin started by hand) messages are dropped."""

    def __init__(self, address: str = "") -> None:
        self._stub: Any = None
        self.address = address
        self.connect(address)

    def connect(self, address: str) -> None:
        """Use the engine at this address from now on."""
        self.address = address
        if address:
            self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(address, options=_OPTIONS))

    async def log(self, message: str, urn: str = "", *, severity: str = "info") -> None:
        """See `base.Engine`. An engine that is gone is no reason to fail."""
        if self._stub is None:
            return
        level = engine_pb2.LogSeverity.Value(severity.upper())
        request = engine_pb2.LogRequest(severity=level, message=message, urn=urn)
        try:
            await self._stub.Log(request)
        except grpc.aio.AioRpcError:
            self._stub = None


async def _abort(context: Any, error: base.ProviderError) -> None:
    """End the call with the error's message and, for the engine's use, its details."""
    detail = wire.error_detail(error)
    trailers: list[tuple[str, bytes]] = []
    if detail is not None:
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
        status.details.add().Pack(detail)
        trailers.append(("grpc-status-details-bin", status.SerializeToString()))
    await context.abort(grpc.StatusCode.UNKNOWN, str(error), tuple(trailers))


class Servicer(ResourceProviderServicer):
    """The provider protocol on top of a `StandIn`."""

    def __init__(self, stand_in: base.StandIn, engine: EngineClient) -> None:
        super().__init__()
        self._stand_in = stand_in
        self._engine = engine

    async def _answer(self, context: Any, work: Awaitable[Any]) -> Any:
        """Await the work; turn what it raises into an error that the engine can show or act on."""
        try:
            return await work
        except base.ProviderError as error:
            await _abort(context, error)
        except asyncio.CancelledError:
            raise
        except NotImplementedError as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{error} is not implemented by this stand-in")
        except Exception as error:
            trace = traceback.format_exc()
            await self._engine.log(trace, severity="debug")
            print(trace, file=sys.stderr, flush=True)
            await context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__} in the provider stand-in: {error}")

    async def Handshake(self, request: Any, context: Any) -> Any:
        """Tell the engine what kinds of values are understood."""
        if request.engine_address:
            self._engine.connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=self._stand_in.supports_autonaming
        )

    async def Attach(self, request: Any, context: Any) -> Any:
        """Use the engine that attached to this running plugin."""
        self._engine.connect(request.address)
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The version of the provider that is stood in for."""
        return proto.PluginInfo(version=self._stand_in.version)

    async def GetSchema(self, request: Any, context: Any) -> Any:
        """Say that there is none: programs use the SDK's own types, and nothing else needs one but generated code."""
        await context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            "The provider stand-ins of the sandbox have no schema, so no code can be generated from one; to import "
            "resources add --generate-code=false and write their code by hand.",
        )

    async def Cancel(self, request: Any, context: Any) -> Any:
        """The user pressed Ctrl-C."""
        await self._stand_in.cancel()
        return empty_pb2.Empty()

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        """Validate the provider's inputs."""
        return await self._answer(context, self._check(request, self._stand_in.check_config))

    async def Check(self, request: Any, context: Any) -> Any:
        """Validate a resource's inputs."""
        return await self._answer(context, self._check(request, self._stand_in.check))

    async def _check(self, request: Any, check: Callable[[base.CheckRequest], Awaitable[base.Values]]) -> Any:
        try:
            return provider_pb2.CheckResponse(inputs=values.encode(await check(wire.check_request(request))))
        except base.CheckFailedError as error:
            return provider_pb2.CheckResponse(inputs=request.news, failures=wire.check_failures(error))

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        """Compare the provider's inputs."""
        return wire.diff_response(await self._answer(context, self._stand_in.diff_config(wire.diff_request(request))))

    async def Diff(self, request: Any, context: Any) -> Any:
        """Compare a resource's recorded state with its new inputs."""
        return wire.diff_response(await self._answer(context, self._stand_in.diff(wire.diff_request(request))))

    async def Configure(self, request: Any, context: Any) -> Any:
        """Take the provider's inputs."""
        await self._answer(context, self._stand_in.configure(values.plain(values.decode(request.args))))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=self._stand_in.supports_preview,
            supports_autonaming_configuration=self._stand_in.supports_autonaming,
        )

    async def Create(self, request: Any, context: Any) -> Any:
        """Create a resource."""
        create = base.CreateRequest(request.urn, values.decode(request.properties), request.timeout, request.preview)
        resource_id, outputs = await self._answer(context, self._stand_in.create(create))
        return provider_pb2.CreateResponse(id=resource_id, properties=values.encode(outputs))

    async def Read(self, request: Any, context: Any) -> Any:
        """Look a resource up."""
        read = base.ReadRequest(
            request.urn, request.id, values.decode(request.properties), values.decode(request.inputs)
        )
        resource_id, outputs, inputs = await self._answer(context, self._stand_in.read(read))
        if not resource_id:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=resource_id, properties=values.encode(outputs), inputs=values.encode(inputs)
        )

    async def Update(self, request: Any, context: Any) -> Any:
        """Change a resource in place."""
        outputs = await self._answer(context, self._stand_in.update(wire.update_request(request)))
        return provider_pb2.UpdateResponse(properties=values.encode(outputs))

    async def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource."""
        await self._answer(context, self._stand_in.delete(wire.delete_request(request)))
        return empty_pb2.Empty()

    async def Invoke(self, request: Any, context: Any) -> Any:
        """Answer a function call."""
        return await self._answer(context, self._invoke(request))

    async def _invoke(self, request: Any) -> Any:
        try:
            result = await self._stand_in.invoke(request.tok, values.decode(request.args))
        except base.CheckFailedError as error:
            return provider_pb2.InvokeResponse(failures=wire.check_failures(error))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(values.encode(result))
        return response


async def _engine_alive(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


async def _wait_for_engine_to_go(engine: EngineClient) -> None:
    """Return when the engine's process has ended, also when it was killed."""
    parent = os.getppid()
    while True:
        await asyncio.sleep(_ENGINE_POLL_SECONDS)
        if engine.address and (os.getppid() != parent or not await _engine_alive(engine.address)):
            return


async def start(stand_in: base.StandIn, engine: EngineClient) -> tuple[grpc.aio.Server, int]:
    """Serve on a free port of the loopback interface; return the gRPC server and the port."""
    server = grpc.aio.server(options=_OPTIONS)
    add_ResourceProviderServicer_to_server(Servicer(stand_in, engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def _run(make: Callable[[base.Engine], base.StandIn], engine_address: str) -> None:
    engine = EngineClient(engine_address)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stand_in = make(engine)
    server, port = await start(stand_in, engine)
    print(port, flush=True)
    ends = {asyncio.create_task(_wait_for_engine_to_go(engine)), asyncio.create_task(stop.wait())}
    _, running = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    await stand_in.cancel()
    await server.stop(grace=1.0)
    await stand_in.close()


def serve(make: Callable[[base.Engine], base.StandIn]) -> None:
    """Print the port, serve until SIGINT, SIGTERM or the end of the engine. The engine's address is argument 1.

    Everything is closed then, so the process ends without Python's tidying up: the engine ends one plugin after the
    other, has five seconds for all of them, and calls those that are late a crash.
    """
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    asyncio.run(_run(make, addresses[0] if addresses else ""))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
