"""Credentials of a kubeconfig user, exec plugins (`gke-gcloud-auth-plugin`, `aws eks get-token`, ...) included.

lightkube's own exec support stops at v1beta1 and knows no expiry, so the plugin protocol is spoken here.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2
from lightkube.config import client_adapter
from lightkube.config.models import Cluster, User, UserExec

_API: Final = "client.authentication.k8s.io/"
_MARGIN: Final = timedelta(seconds=30)


class CredentialError(Exception):
    """An exec plugin is missing, failed, or answered something unusable."""


def from_user(user: User | None, cluster: Cluster | None = None) -> httpx2.Auth | None:
    """What authenticates requests of this user; None where a client certificate (or nothing) does.

    A plugin is told which `cluster` the token is for.
    """
    if user is None:
        return None
    if user.exec is not None:
        return ExecPlugin(user.exec, cluster)
    return client_adapter.user_auth(user)


class ExecPlugin(httpx2.Auth):
    """Asks the plugin for a token, and again when it expired or was refused. One plugin run at a time."""

    def __init__(self, plugin: UserExec, cluster: Cluster | None = None) -> None:
        if not plugin.apiVersion.startswith(_API):
            raise CredentialError(f"exec plugin {plugin.command!r} speaks {plugin.apiVersion!r}, not {_API}v1")
        self._plugin = plugin
        self._cluster = cluster
        self._token = ""
        self._expires: datetime | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Add the token; once more with a new one if it was refused."""
        token = await self._current()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {await self._current(refused=token)}"
            yield request

    async def _current(self, refused: str = "") -> str:
        async with self._lock:
            expired = self._expires is not None and datetime.now(UTC) > self._expires - _MARGIN
            if not self._token or expired or self._token == refused:
                self._take(await self._run())
            return self._token

    def _take(self, status: dict[str, Any]) -> None:
        token = status.get("token")
        if not isinstance(token, str) or not token:
            raise CredentialError(f"exec plugin {self._plugin.command!r} returned no token")
        self._token = token
        expiry = status.get("expirationTimestamp")
        self._expires = datetime.fromisoformat(expiry) if isinstance(expiry, str) else None

    async def _run(self) -> dict[str, Any]:
        plugin = self._plugin
        environment = dict(os.environ)
        environment.update((entry.name, entry.value) for entry in plugin.env or [])
        spec: dict[str, Any] = {"interactive": False}
        if self._cluster is not None:
            authority = self._cluster.certificate_auth_data or ""
            spec["cluster"] = {"server": self._cluster.server, "certificate-authority-data": authority}
        info = {"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": spec}
        environment["KUBERNETES_EXEC_INFO"] = json.dumps(info)
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                plugin.command, *(plugin.args or []), env=environment, stdin=None, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            hint = plugin.installHint or "install it, or put it on PATH"
            raise CredentialError(f"exec plugin {plugin.command!r} cannot be run ({error.strerror}): {hint}") from error
        output, errors = await process.communicate()
        if process.returncode:
            detail = errors.decode(errors="replace").strip()
            raise CredentialError(f"exec plugin {plugin.command!r} failed ({process.returncode}): {detail}")
        return _status(plugin.command, output)


def _status(command: str, output: bytes) -> dict[str, Any]:
    try:
        status = json.loads(output)["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise CredentialError(f"exec plugin {command!r} did not return an ExecCredential") from error
    return status if isinstance(status, dict) else {}
