"""The connection to one cluster with all that is known about it, and the reading of single objects."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from sandbox.providers.base import Engine, ProviderError
from sandbox.providers.kubernetes import kubeconfig, messages
from sandbox.providers.kubernetes.client import Api, ApiError, UnreachableError
from sandbox.providers.kubernetes.config import Settings
from sandbox.providers.kubernetes.discovery import Discovery, NoSuchKindError
from sandbox.providers.kubernetes.objects import Kind, Obj, kind_of, name, namespace, text
from sandbox.providers.kubernetes.schema import Schemas


@dataclass
class Session:
    """What all operations of one configured provider share."""

    engine: Engine
    settings: Settings
    connection: Api | None = None
    unreachable: str = ""
    default_namespace: str = ""
    discovery: Discovery = field(default_factory=lambda: Discovery(None))
    schemas: Schemas | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    missing_namespaces: set[str] = field(default_factory=set)
    """Namespaces that a preview found missing: nothing in them can be previewed, so the server is not asked again."""

    @property
    def api(self) -> Api:
        """The API server. Raises `ProviderError` if it cannot be reached."""
        if self.connection is None or self.unreachable:
            raise ProviderError(messages.unreachable(self.unreachable or "the provider is not configured"))
        return self.connection

    async def path(self, obj: Obj, wanted: str = "") -> str:
        """Where the object lives (under another name, if given). Raises `NoSuchKindError`."""
        resource = await self.discovery.find(kind_of(obj))
        return resource.path(namespace(obj), wanted or name(obj))

    async def collection(self, obj: Obj) -> str:
        """Where objects of its kind and namespace live. Raises `NoSuchKindError`."""
        return (await self.discovery.find(kind_of(obj))).collection(namespace(obj))

    async def live(self, obj: Obj) -> Obj | None:
        """The object as it is now, None if it (or its kind) is gone. Raises `ApiError` for other refusals."""
        try:
            found = await self.api.get(await self.path(obj))
        except NoSuchKindError:
            return None
        except ApiError as error:
            if error.not_found:
                return None
            raise
        return found if isinstance(found, dict) else None

    async def listing(self, kind: Kind, in_namespace: str, **params: str) -> list[Obj]:
        """All objects of a kind in a namespace, empty if they cannot be listed."""
        try:
            resource = await self.discovery.find(kind)
            answer = await self.api.get(resource.collection(in_namespace), **params)
        except (NoSuchKindError, ApiError):
            return []
        return [item for item in answer.get("items") or [] if isinstance(item, dict)]

    async def status(self, urn: str, message: str) -> None:
        """Show what is being waited for; an empty message clears it."""
        await self.engine.log(message, urn, ephemeral=True)

    async def warn(self, urn: str, message: str) -> None:
        """Show a warning that stays."""
        await self.engine.log(message, urn, severity="warning")

    async def pass_on(self, urn: str, warnings: list[str]) -> None:
        """Show the API server's own warnings."""
        for warning in warnings:
            if not (self.settings.suppress_deprecation_warnings and re.search(r"\bdeprecated\b", warning)):
                await self.warn(urn, warning)


async def connect(settings: Settings, engine: Engine, cancelled: asyncio.Event) -> Session:
    """Reach the cluster the settings name. One that cannot be reached is noted, not an error: a plan may still work."""
    session = Session(engine, settings, default_namespace=settings.namespace, cancelled=cancelled)
    try:
        chosen = kubeconfig.select(kubeconfig.load(settings.kubeconfig), settings.context, settings.cluster)
        session.default_namespace = settings.namespace or chosen.namespace
        session.connection = Api(chosen, settings.client_timeout)
        await _probe(session.connection)
    except (kubeconfig.KubeconfigError, UnreachableError) as error:
        session.unreachable = str(error)
        return session
    except ApiError as error:
        session.unreachable = f"the API server refuses the credentials ({error.message})"
        return session
    session.discovery = Discovery(session.connection)
    session.schemas = Schemas(session.connection)
    return session


async def _probe(api: Api) -> None:
    version = await api.get("/version")
    if not text(version, "gitVersion"):
        raise UnreachableError(f"what answers at {api.server} is not a Kubernetes API server")
