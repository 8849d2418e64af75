"""The component `kubernetes:helm.sh/v4:Chart`: helm renders a local chart, each object becomes a child resource."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from sandbox import documents
from sandbox.providers import values
from sandbox.providers.base import CheckFailedError, ProviderError, Values
from sandbox.providers.kubernetes import helm_charts, helm_objects, kinds
from sandbox.providers.kubernetes.helm_objects import Identity
from sandbox.providers.kubernetes.helm_render import render
from sandbox.providers.kubernetes.objects import Obj, annotation, kind_of, namespace, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import UNKNOWN, Opaque, has_unknown, plain

if TYPE_CHECKING:
    from sandbox.providers.kubernetes.provider import KubernetesStandIn

_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
_NO_DEPENDENCIES = resource_pb2.RegisterResourceRequest.PropertyDependencies()
_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"


async def construct(stand_in: KubernetesStandIn, request: Any) -> Any:
    """Register the component and its objects with the engine."""
    async with grpc.aio.insecure_channel(request.monitorEndpoint, options=_OPTIONS) as channel:
        monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
        chart = _Chart(stand_in.session, stand_in.version, monitor, request)
        try:
            return await chart.construct()
        except CheckFailedError as error:
            # The engine would show each failure of a component's inputs twice.
            raise ProviderError(str(error)) from error
        except grpc.aio.AioRpcError as error:
            # The engine tells about the object that failed by itself.
            raise ProviderError(f"The chart {request.name} is not complete: {error.details()}") from error


class _Chart:
    """One construction of the component."""

    def __init__(self, session: Session, version: str, monitor: Any, request: Any) -> None:
        self._session = session
        self._version = version
        self._monitor = monitor
        self._request = request
        self._inputs = values.decode(request.inputs)
        self._urn = ""

    async def construct(self) -> Any:
        """The answer to the engine."""
        self._urn = await self._register_component()
        if has_unknown(self._inputs):
            await self._session.warn(
                self._urn, "Inputs of the chart are not known yet, so this preview does not show the chart's objects."
            )
            resources: Any = UNKNOWN
        else:
            resources = await self._register_objects(await self._objects())
        return provider_pb2.ConstructResponse(urn=self._urn, state=values.encode({"resources": resources}))

    async def _register_component(self) -> str:
        given = self._request
        request = resource_pb2.RegisterResourceRequest(
            type=given.type,
            name=given.name,
            parent=given.parent,
            dependencies=given.dependencies,
            providers=given.providers,
            aliases=given.aliases,
            aliasSpecs=True,
            deletedWith=given.deletedWith,
            acceptSecrets=True,
            acceptResources=True,
        )
        for option in ("protect", "retainOnDelete"):
            if given.HasField(option):
                setattr(request, option, getattr(given, option))
        return str((await self._monitor.RegisterResource(request)).urn)

    async def _objects(self) -> list[Obj]:
        """What the chart renders, each object with its namespace."""
        inputs = plain(self._inputs)
        repository = helm_charts.repository_of(self._inputs)
        if repository is not None:
            raise CheckFailedError(
                [
                    (
                        "chart",
                        f"the sandbox cannot download {repository.source}; use helm.v3.Release, which it records, or "
                        "download the chart (helm pull) and name its folder or file",
                    )
                ]
            )
        if inputs.get("includeHooks"):
            await self._session.warn(self._urn, "includeHooks is ignored: hooks of a Chart are not deployed.")
        inputs["namespace"] = inputs.get("namespace") or self._session.default_namespace or "default"
        settled = inputs | {"name": inputs.get("name") or self._request.name}
        rendered = await render(self._session, self._urn, settled, plain(helm_charts.merged_values(self._inputs)))
        objects = documents.read(rendered, "the rendered chart")
        for obj in objects:
            helm_objects.require_identity(obj)
            if kinds.is_crd(obj):
                self._session.discovery.plan(obj)
        for obj in objects:
            await self._place(obj, inputs["namespace"])
        return objects

    async def _place(self, obj: Obj, default: str) -> None:
        if text(obj, "apiVersion") == "core/v1":
            obj["apiVersion"] = "v1"
        if not namespace(obj) and await self._session.discovery.is_namespaced(kind_of(obj)):
            obj["metadata"]["namespace"] = default

    async def _register_objects(self, objects: list[Obj]) -> list[Opaque]:
        """Register the objects, each as soon as what it depends on is deployed."""
        by_identity = {helm_objects.identity(obj): obj for obj in objects}
        needs = helm_objects.dependencies(objects)
        tasks: dict[Identity, asyncio.Task[Any]] = {}
        for key, others in needs.items():
            tasks[key] = asyncio.create_task(self._register(by_identity[key], [tasks[other] for other in others]))
        try:
            responses = await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
        return [self._reference(response) for response in responses]

    async def _register(self, obj: Obj, needs: list[asyncio.Task[Any]]) -> Any:
        dependencies = [(await need).urn for need in needs]
        if self._inputs.get("skipAwait"):
            obj = helm_objects.without_await(obj)
        policy = annotation(obj, helm_objects.RESOURCE_POLICY)
        if policy not in ("", "keep"):
            await self._session.warn(self._urn, f"The resource policy {policy!r} is not known; only keep is.")
        sealed = helm_objects.seal(obj, helm_objects.secret_texts(self._inputs.get("values")))
        request = resource_pb2.RegisterResourceRequest(
            type=helm_objects.type_token(obj),
            name=helm_objects.resource_name(self._prefix, obj),
            parent=self._urn,
            custom=True,
            object=values.encode(sealed),
            provider=self._request.providers.get("kubernetes", ""),
            version=self._version,
            dependencies=dependencies,
            # Said of each property, or the engine takes every property to depend on all the dependencies.
            propertyDependencies=dict.fromkeys(sealed, _NO_DEPENDENCIES),
            acceptSecrets=True,
            acceptResources=True,
        )
        if policy == "keep":
            request.retainOnDelete = True
        return await self._monitor.RegisterResource(request)

    @property
    def _prefix(self) -> str:
        given = plain(self._inputs.get("resourcePrefix"))
        return str(self._request.name if given is None else given)

    def _reference(self, response: Any) -> Opaque:
        """A reference to a registered resource, for the outputs."""
        fields: Values = {
            _SIGNATURE_KEY: _RESOURCE,
            "urn": response.urn,
            "id": response.id or UNKNOWN,
            "packageVersion": self._version,
        }
        struct = struct_pb2.Struct()
        struct.CopyFrom(values.encode(fields))
        return Opaque(struct)
