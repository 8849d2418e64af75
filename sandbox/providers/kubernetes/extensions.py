"""Type tokens that are not Kubernetes objects: Helm releases and charts, each handled by a module of its own.

A handler module is imported when its token first comes up. It offers one function:

- for a resource: `make(stand_in) -> base.StandIn`, which gets the resource's requests as they are;
- for a component: `async construct(stand_in, request)`, with the protocol's own message, returning its own answer.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sandbox.providers.base import ProviderError, StandIn

if TYPE_CHECKING:
    from sandbox.providers.kubernetes.provider import KubernetesStandIn

_RESOURCES: Final = {"kubernetes:helm.sh/v3:Release": "sandbox.providers.kubernetes.helm_release"}
_COMPONENTS: Final = {"kubernetes:helm.sh/v4:Chart": "sandbox.providers.kubernetes.helm_chart"}


class Extensions:
    """The handlers made so far for one stand-in."""

    def __init__(self, stand_in: KubernetesStandIn) -> None:
        self._stand_in = stand_in
        self._resources: dict[str, StandIn] = {}

    def resource(self, token: str) -> StandIn | None:
        """The handler of a resource type, None for Kubernetes objects."""
        if token not in _RESOURCES:
            return None
        if token not in self._resources:
            handler = _module(token, _RESOURCES[token]).make(self._stand_in)
            self._resources[token] = handler
        return self._resources[token]

    async def construct(self, request: Any) -> Any:
        """Build a component. Raises `ProviderError` if its type is not known."""
        if request.type not in _COMPONENTS:
            raise ProviderError(f"The component {request.type!r} is not available in the sandbox.")
        return await _module(request.type, _COMPONENTS[request.type]).construct(self._stand_in, request)


def _module(token: str, path: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise ProviderError(f"{token} is not available in the sandbox; use the official provider for it.") from error
