"""The flat program: registers the resources of resources.json, one after the other, with plain values.

Copied as `__main__.py` beside a resources.json that `benchmarks.flat` has written. It uses the SDKs' classes, as a
program written by hand does, and nothing else: no component, no settings.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, cast

import pulumi

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark of a secret value


def value_of(recorded: Any) -> Any:
    """A recorded value; what was secret is secret again."""
    if isinstance(recorded, dict):
        if recorded.get(_SIGNATURE) == _SECRET:
            return pulumi.Output.secret(value_of(json.loads(recorded["plaintext"])))
        return {key: value_of(value) for key, value in recorded.items()}
    return [value_of(value) for value in recorded] if isinstance(recorded, list) else recorded


def register(entry: dict[str, Any], made: dict[str, pulumi.Resource]) -> pulumi.Resource:
    """Registers one resource after those that it needs."""
    options = pulumi.ResourceOptions(
        depends_on=[made[urn] for urn in entry["dependencies"]],
        provider=cast(pulumi.ProviderResource | None, made.get(entry["provider"])),
        deleted_with=made.get(entry["deletedWith"]),
        version=entry["version"],
    )
    inputs = value_of(entry["inputs"])
    if entry["type"].startswith("pulumi:providers:"):
        return pulumi.ProviderResource(entry["package"], entry["name"], inputs, options)
    if entry["class"] is None:
        return pulumi.CustomResource(entry["type"], entry["name"], inputs, options)
    kind = getattr(importlib.import_module(entry["module"]), entry["class"])
    resource: pulumi.Resource = kind(entry["name"], opts=options, **inputs)
    return resource


def main() -> None:
    """Registers all of them."""
    made: dict[str, pulumi.Resource] = {}
    for entry in json.loads(Path(__file__).with_name("resources.json").read_text()):
        made[entry["urn"]] = register(entry, made)


if __name__ == "__main__":
    main()
