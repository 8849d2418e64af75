"""A thin asynchronous client of one API server, on lightkube's connections (TLS, credentials, pooling).

lightkube's own resource classes are not used: they know neither `fieldValidation`, discovery nor OpenAPI paths, and
this provider needs objects as plain dicts anyway.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any, Final

import httpx2
import msgspec
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from sandbox.providers.kubernetes import credentials
from sandbox.providers.kubernetes.objects import Obj, get, items, text

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"

_WARNING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 60.0
_MAX_CONNECTIONS: Final = 64
_MAX_RETRIES: Final = 5


class ApiError(Exception):
    """The API server refused a request; `reason`, `message` and `causes` are the server's own words."""

    def __init__(self, code: int, status: Obj) -> None:
        self.code = code
        self.reason = text(status, "reason")
        self.message = text(status, "message") or f"HTTP status {code}"
        self.details = get(status, "details", default={})
        super().__init__(self.message)

    @property
    def not_found(self) -> bool:
        """The object, its namespace or its kind is not there."""
        return self.code == 404

    @property
    def namespace_not_found(self) -> bool:
        """The namespace of the object is not there."""
        return self.not_found and text(self.details, "kind") == "namespaces"

    @property
    def already_exists(self) -> bool:
        """An object of this name is there already."""
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Another manager owns a field, or the object was changed meanwhile."""
        return self.reason == "Conflict"

    @property
    def causes(self) -> list[Obj]:
        """The single fields that were wrong."""
        return items(self.details, "causes")


class UnreachableError(Exception):
    """The API server did not answer, or there is no usable way to it."""


class Api:
    """Requests to one API server. Objects go in and come out as plain dicts."""

    def __init__(self, config: SingleConfig, read_seconds: float | None = None) -> None:
        self.server = config.cluster.server
        self.warnings: dict[str, list[str]] = {}
        timeout = httpx2.Timeout(read_seconds or _READ_SECONDS, connect=_CONNECT_SECONDS, pool=None)
        self._http = _connect(config, timeout)

    async def get(self, path: str, **params: str) -> Any:
        """Fetch an object or a document."""
        return await self.request("GET", path, params)

    async def request(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        """Send a request and return the decoded answer. Raises `ApiError` or `UnreachableError`."""
        answer, _ = await self.exchange(method, path, params, body, content_type)
        return answer

    async def exchange(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> tuple[Any, list[str]]:
        """Like `request`, with the warnings the server sent along."""
        content = msgspec.json.encode(body) if body is not None else None
        headers = {"Content-Type": content_type} if content is not None else None
        for attempt in range(_MAX_RETRIES + 1):
            response = await self._send(method, path, params, content, headers)
            wait = response.headers.get("Retry-After", "")
            if response.status_code not in (429, 503) or not wait.isdigit() or attempt == _MAX_RETRIES:
                break
            await asyncio.sleep(min(int(wait), 10))
        if response.status_code >= 400:
            raise ApiError(response.status_code, _decode_status(response.content))
        return _decode(response.content), _warnings(response.headers.get_list("Warning"))

    async def _send(
        self, method: str, path: str, params: Any, content: bytes | None, headers: dict[str, str] | None
    ) -> httpx2.Response:
        try:
            return await self._http.request(method, path, params=params, content=content, headers=headers)
        except (httpx2.TransportError, ssl.SSLError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(f"the API server at {self.server} does not answer: {reason}") from error
        except (ConfigError, credentials.CredentialError) as error:
            raise UnreachableError(f"no credentials for the API server at {self.server}: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _connect(config: SingleConfig, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    try:
        verify = client_adapter.verify_cluster(config.cluster, config.user or User(), config.abs_file)
        auth = credentials.from_user(config.user, config.cluster)
    except (ConfigError, credentials.CredentialError, OSError, ssl.SSLError, ValueError) as error:
        raise UnreachableError(f"the kubeconfig's credentials cannot be used: {error}") from error
    limits = httpx2.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
    return httpx2.AsyncClient(base_url=config.cluster.server, verify=verify, auth=auth, timeout=timeout, limits=limits)


def _decode(content: bytes) -> Any:
    return msgspec.json.decode(content) if content else {}


def _decode_status(content: bytes) -> Obj:
    try:
        status = _decode(content)
    except msgspec.DecodeError:
        return {"message": content.decode(errors="replace").strip()}
    return status if isinstance(status, dict) else {}


def _warnings(headers: list[str]) -> list[str]:
    """The texts of `299 - "text"` headers, in which quotes are escaped."""
    found = [_WARNING.search(header) for header in headers]
    return [match.group(1).replace('\\"', '"') for match in found if match]
