"""The function `kubernetes:helm:template`: a local chart's objects. No cluster is asked, so none has to be there."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from sandbox import documents
from sandbox.providers.base import ProviderError, Values
from sandbox.providers.kubernetes import helm_objects
from sandbox.providers.kubernetes.helm_tool import Helm, HelmError
from sandbox.providers.kubernetes.objects import Obj, items, kind_of, mapping, namespace, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import plain

FUNCTION: Final = "kubernetes:helm:template"
_AT_ONCE: Final = asyncio.Semaphore(2)


async def template(session: Session, args: Values) -> Values:
    """The objects that helm renders, hooks included but those for tests, as the official provider gives them."""
    options = _options(plain(args))
    namespaced = text(options, "namespace") or "default"
    try:
        async with _AT_ONCE:
            rendered = await Helm(session).run(
                *("template", text(options, "release_name"), text(options, "path"), "--namespace", namespaced),
                *([] if options.get("skip_crd_rendering") else ["--include-crds"]),
                *([] if options.get("include_test_hook_resources") else ["--skip-tests"]),
                *(["--kube-version", text(options, "kube_version")] if text(options, "kube_version") else []),
                *(f"--api-versions={version}" for version in items(options, "api_versions")),
                values=mapping(options, "values"),
            )
    except HelmError as error:
        raise ProviderError(f"The chart {text(options, 'path')} cannot be rendered: {error}") from error
    objects = documents.read(rendered, "the rendered chart")
    for obj in objects:
        await _place(session, obj, namespaced)
    return {"result": objects}


def _options(args: dict[str, Any]) -> dict[str, Any]:
    try:
        options = json.loads(text(args, "jsonOpts"))
    except ValueError as error:
        raise ProviderError(f"jsonOpts: not JSON: {error}") from error
    if not isinstance(options, dict) or not text(options, "path"):
        raise ProviderError(
            "Charts from repositories cannot be downloaded in the sandbox: use helm.v3.Release, which it records, or "
            "download the chart (helm pull) and name its folder as `path`."
        )
    return options


async def _place(session: Session, obj: Obj, default: str) -> None:
    helm_objects.require_identity(obj)
    if not namespace(obj) and await session.discovery.is_namespaced(kind_of(obj)):
        obj["metadata"]["namespace"] = default
