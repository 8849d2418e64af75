"""The flat program: registers the resources of resources.json, one after the other, with plain values.

`benchmarks.flat` copies it as `__main__.py` beside resources.json. It uses only the SDKs' classes, like a program
written by hand: no components, no settings. The garbage collector has the setting of the real program. With Python's
default it took most of the time for several regions and would hide the cost of components.
"""

from __future__ import annotations

import gc
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pulumi

gc.set_threshold(100_000, 20, 100)

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark of a secret value
_OUTPUT = "output of"


def value_of(recorded: Any, made: Mapping[str, pulumi.Resource]) -> Any:
    """A recorded value with its secrets marked again, and with the outputs of other resources that it names."""
    if isinstance(recorded, dict):
        if recorded.get(_SIGNATURE) == _SECRET:
            return pulumi.Output.secret(value_of(json.loads(recorded["plaintext"]), made))
        if recorded.keys() == {_OUTPUT}:
            urn, attribute = recorded[_OUTPUT]
            return getattr(made[urn], attribute)
        return {key: value_of(value, made) for key, value in recorded.items()}
    return [value_of(value, made) for value in recorded] if isinstance(recorded, list) else recorded


def register(entry: dict[str, Any], made: dict[str, pulumi.Resource]) -> pulumi.Resource:
    """Register one resource after its dependencies."""
    options = pulumi.ResourceOptions(
        depends_on=[made[urn] for urn in entry["dependencies"]],
        provider=cast(pulumi.ProviderResource | None, made.get(entry["provider"])),
        deleted_with=made.get(entry["deletedWith"]),
        retain_on_delete=entry["retainOnDelete"],
        version=entry["version"],
    )
    inputs = value_of(entry["inputs"], made)
    if entry["type"].startswith("pulumi:providers:"):
        known = _once_known([made[urn] for urn in entry["dependencies"]], inputs)
        return pulumi.ProviderResource(entry["package"], entry["name"], known, options)
    if entry["class"] is None:
        return pulumi.CustomResource(entry["type"], entry["name"], inputs, options)
    kind = getattr(importlib.import_module(entry["module"]), entry["class"])
    resource: pulumi.Resource = kind(entry["name"], opts=options, **inputs)
    return resource


def _once_known(needed: list[pulumi.Resource], inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs, unknown until all needed resources exist, like the kubeconfig of a cluster."""
    ids = pulumi.Output.all(*[resource.id for resource in needed if isinstance(resource, pulumi.CustomResource)])

    def waiting(value: Any) -> pulumi.Output[Any]:
        return pulumi.Output.all(value, ids).apply(lambda both: both[0])

    return {key: waiting(value) for key, value in inputs.items()} if needed else inputs


def main() -> None:
    """Register all resources."""
    made: dict[str, pulumi.Resource] = {}
    for entry in json.loads(Path(__file__).with_name("resources.json").read_text()):
        made[entry["urn"]] = register(entry, made)


if __name__ == "__main__":
    main()
