"""The Kubernetes stand-in: sends each request of the engine to the module that knows the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from importlib import metadata
from typing import Any, TypeVar

from sandbox.providers import base
from sandbox.providers.base import ProviderError, Values
from sandbox.providers.kubernetes import apply, check, config, decode, helm_function, messages, plan, read
from sandbox.providers.kubernetes.awaits import NotReadyError
from sandbox.providers.kubernetes.client import ApiError, UnreachableError
from sandbox.providers.kubernetes.extensions import Extensions
from sandbox.providers.kubernetes.session import Session, connect

T = TypeVar("T")


class KubernetesStandIn(base.StandIn):
    """One provider resource of the program: its settings and the cluster it talks to."""

    version = metadata.version("pulumi-kubernetes")
    supports_autonaming = True

    def __init__(self, engine: base.Engine) -> None:
        super().__init__(engine)
        self.cancelled = asyncio.Event()
        self.extensions = Extensions(self)
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The cluster. Raises `ProviderError` before the provider is configured."""
        if self._session is None:
            raise ProviderError("The Kubernetes provider is used before it is configured.")
        return self._session

    async def check_config(self, request: base.CheckRequest) -> Values:
        """See `base.StandIn`."""
        return config.check(request.news)

    async def diff_config(self, request: base.DiffRequest) -> base.Diff:
        """See `base.StandIn`."""
        return config.diff(request.olds, request.news)

    async def configure(self, config_values: Values) -> None:
        """See `base.StandIn`. An unreachable cluster is no error yet: a program may not need it."""
        self._session = await connect(config.parse(config_values), self.engine, self.cancelled)

    async def check(self, request: base.CheckRequest) -> Values:
        """See `base.StandIn`. What is in a cluster that may be skipped stays as it is, releases included."""
        if await check.is_skipped(self.session, request):
            return request.olds
        extension = self.extensions.resource(request.type)
        return await _told(extension.check(request) if extension else check.check(self.session, request))

    async def diff(self, request: base.DiffRequest) -> base.Diff:
        """See `base.StandIn`."""
        extension = self.extensions.resource(request.type)
        return await _told(extension.diff(request) if extension else plan.decide(self.session, request))

    async def create(self, request: base.CreateRequest) -> tuple[str, Values]:
        """See `base.StandIn`."""
        extension = self.extensions.resource(request.type)
        return await _told(extension.create(request) if extension else apply.create(self.session, request))

    async def read(self, request: base.ReadRequest) -> tuple[str, Values, Values]:
        """See `base.StandIn`."""
        extension = self.extensions.resource(request.type)
        return await _told(extension.read(request) if extension else read.read(self.session, request))

    async def update(self, request: base.UpdateRequest) -> Values:
        """See `base.StandIn`."""
        extension = self.extensions.resource(request.type)
        return await _told(extension.update(request) if extension else apply.update(self.session, request))

    async def delete(self, request: base.DeleteRequest) -> None:
        """See `base.StandIn`."""
        extension = self.extensions.resource(request.type)
        await _told(extension.delete(request) if extension else read.delete(self.session, request))

    async def invoke(self, token: str, args: Values) -> Values:
        """See `base.StandIn`."""
        if token == decode.FUNCTION:
            return await _told(decode.decode(self.session.discovery, args))
        if token == helm_function.FUNCTION:
            return await _told(helm_function.template(self.session, args))
        return await super().invoke(token, args)

    async def construct(self, request: Any) -> Any:
        """See `base.StandIn`."""
        return await _told(self.extensions.construct(request))

    async def cancel(self) -> None:
        """See `base.StandIn`."""
        self.cancelled.set()

    async def close(self) -> None:
        """See `base.StandIn`."""
        if self._session is not None and self._session.connection is not None:
            await self._session.connection.close()


async def _told(work: Awaitable[T]) -> T:
    """The work's result; what the cluster says against it becomes an error that a user can read."""
    try:
        return await work
    except UnreachableError as error:
        raise ProviderError(messages.unreachable(str(error))) from error
    except ApiError as error:
        raise ProviderError(f"The API server refused: {error.message}") from error
    except NotReadyError as error:
        raise ProviderError("\n  - ".join(error.reasons)) from error
