"""Renders a local chart with `helm template`, as for the cluster that it is meant for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.providers.base import CheckFailedError, ProviderError
from sandbox.providers.kubernetes import helm_charts
from sandbox.providers.kubernetes.client import Api
from sandbox.providers.kubernetes.helm_objects import group_versions
from sandbox.providers.kubernetes.helm_tool import Helm, HelmError, flags
from sandbox.providers.kubernetes.objects import items, text
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.values import Opaque

_FLAGS: Final = {"verify": "--verify"}


async def render(session: Session, urn: str, inputs: Mapping[str, Any], chart_values: Mapping[str, Any]) -> str:
    """The chart's manifest without hooks. Raises `CheckFailedError` if the chart or its values are not right."""
    helm = Helm(session)
    chart = await helm_charts.load(helm, inputs)
    if chart.deprecated:
        await session.warn(urn, f"The chart {chart.name} is deprecated.")
    where = await _cluster(session)
    try:
        return await helm.run(
            *("template", inputs["name"], chart.path, "--namespace", inputs["namespace"], "--no-hooks"),
            *([] if inputs.get("skipCrds") else ["--include-crds"]),
            *(*flags(inputs, _FLAGS), *_keyring(inputs), *_post_renderer(inputs), *where),
            values=chart_values,
        )
    except HelmError as error:
        raise ProviderError(f"The chart {chart.path} cannot be rendered: {error}") from error


async def _cluster(session: Session) -> list[str]:
    """Flags that tell helm about the cluster: its version, its kinds, and that it may be looked into."""
    if session.unreachable:
        return []
    version, listing = await asyncio.gather(session.api.get("/version"), session.api.get("/apis"))
    versions = group_versions(listing)
    known = await asyncio.gather(*(_kinds(session.api, api_version) for api_version in versions))
    offered = ",".join([*versions, *(kind for found in known for kind in found)])
    return ["--dry-run=server", "--kube-version", text(version, "gitVersion"), "--api-versions", offered]


async def _kinds(api: Api, api_version: str) -> list[str]:
    listing = await api.get(f"/{'apis' if '/' in api_version else 'api'}/{api_version}")
    found = {text(resource, "kind") for resource in items(listing, "resources")}
    return [f"{api_version}/{kind}" for kind in sorted(found)]


def _keyring(inputs: Mapping[str, Any]) -> list[str]:
    asset = inputs.get("keyring")
    if asset is None:
        return []
    fields = asset.struct.fields if isinstance(asset, Opaque) else {}
    if "path" not in fields or not Path(fields["path"].string_value).is_file():
        raise CheckFailedError([("keyring", "must be a FileAsset of an existing file")])
    return ["--keyring", fields["path"].string_value]


def _post_renderer(inputs: Mapping[str, Any]) -> list[str]:
    renderer = inputs.get("postRenderer") or {}
    command = ["--post-renderer", text(renderer, "command")] if text(renderer, "command") else []
    return command + [part for argument in items(renderer, "args") for part in ("--post-renderer-args", str(argument))]
