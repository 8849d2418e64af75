"""Makes a flat program from the state of a stack: the same resources, inputs and dependencies, and nothing else.

It leaves out components. The inputs are the values that the engine recorded, with secrets marked. So the program is
made only in a temporary folder and only for a sandbox.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pulumi.runtime import rpc

from benchmarks.workplace import link_program

_PROVIDERS: Final = "pulumi:providers:"
_CUSTOM_OBJECT: Final = ("pulumi_kubernetes.apiextensions", "CustomResource")
_ENGINE_CLASSES: Final[Mapping[str, tuple[str, str]]] = {"pulumi:index:Stash": ("pulumi", "Stash")}
_TOP_LEVEL: Final = ("apiVersion", "kind", "metadata", "spec")
OUTPUT: Final = "output of"
"""Key of a value that a cloud makes up anew in each run: the URN and the attribute of the resource that has it."""
_MADE_UP: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An identity's GUID, by which roles name it."""
_PROGRAM: Final = Path(__file__).with_name("flat_program.py")


def write(folder: Path, resources: Sequence[Mapping[str, Any]]) -> int:
    """Write the project into the folder; return the number of resources that it registers."""
    link_program(folder, ("Pulumi.yaml", "charts"))
    entries = recorded(resources)
    shutil.copyfile(_PROGRAM, folder / "__main__.py")
    file = folder / "resources.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(entries))
    return len(entries)


def recorded(resources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An entry for each custom resource that the program registered, in the state's order."""
    own = [item for item in resources if item.get("custom") and not _is_default_provider(item)]
    known = {item["urn"] for item in own}
    made = made_up(own)
    return [_linked(_entry(item, known), made) for item in own]


def made_up(resources: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What the cloud made up and other resources may refer to: URN and attribute in Python, by value."""
    return {
        value: [str(each["urn"]), _snake(key)]
        for each in resources
        for key, value in (each.get("outputs") or {}).items()
        if isinstance(value, str) and _MADE_UP.fullmatch(value) and value not in (each.get("inputs") or {}).values()
    }


def _linked(entry: dict[str, Any], made: Mapping[str, list[str]]) -> dict[str, Any]:
    near = {value: source for value, source in made.items() if source[0] in entry["dependencies"]}
    return {**entry, "inputs": linked(entry["inputs"], near)}


def linked(recorded: Any, made: Mapping[str, list[str]]) -> Any:
    """The inputs with a reference in place of each value that the cloud makes up for another resource."""
    if isinstance(recorded, Mapping):
        return {key: linked(value, made) for key, value in recorded.items()}
    if isinstance(recorded, list):
        return [linked(value, made) for value in recorded]
    return {OUTPUT: made[recorded]} if isinstance(recorded, str) and recorded in made else recorded


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _is_default_provider(resource: Mapping[str, Any]) -> bool:
    name = str(resource["urn"]).rpartition("::")[2]
    return str(resource["type"]).startswith(_PROVIDERS) and name.startswith("default")


@cache
def _version(package: str) -> str:
    return metadata.version(f"pulumi-{package}")


def _entry(resource: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    token = str(resource["type"])
    package = token.removeprefix(_PROVIDERS) if token.startswith(_PROVIDERS) else token.partition(":")[0]
    shared = {
        "urn": resource["urn"],
        "type": token,
        "name": str(resource["urn"]).split("::", 3)[3],
        "package": package,
        # The engine has no plugin for its own resource types.
        "version": _version(package) if token not in _ENGINE_CLASSES else None,
        "dependencies": sorted(set(resource.get("dependencies") or ()) & known),
        "provider": str(resource.get("provider") or "").rpartition("::")[0],
        "deletedWith": resource.get("deletedWith") or "",
        "retainOnDelete": bool(resource.get("retainOnDelete")),
    }
    inputs: dict[str, Any] = written(resource.get("inputs") or {})
    if token.startswith(_PROVIDERS):
        own = {key: value for key, value in inputs.items() if key != "version"}
        return {**shared, "module": None, "class": None, "inputs": own}
    module, name = _ENGINE_CLASSES.get(token) or class_of(token)
    if (module, name) != _CUSTOM_OBJECT and not takes(module, name, inputs):
        return {**shared, "module": None, "class": None, "inputs": inputs}
    return {**shared, "module": module, "class": name, "inputs": arguments(module, name, inputs)}


def written(recorded: Any) -> Any:
    """The program's inputs, without notes of plugins such as `__defaults` at any depth."""
    if isinstance(recorded, Mapping):
        return {key: written(value) for key, value in recorded.items() if not key.startswith("__")}
    return [written(value) for value in recorded] if isinstance(recorded, list) else recorded


def class_of(token: str) -> tuple[str, str]:
    """Module and class of a type token. Kubernetes types without a class get the class for custom objects."""
    package, _, rest = token.partition(":")
    importlib.import_module(f"pulumi_{package.replace('-', '_')}")
    for module in rpc._RESOURCE_MODULES.get(f"{package}:{rest.rpartition(':')[0]}", []):
        found = module.mod_info["classes"].get(token)  # type: ignore[attr-defined]
        if found:
            return module.mod_info["fqn"], found  # type: ignore[attr-defined]
    if package == "kubernetes":
        return _CUSTOM_OBJECT
    raise ValueError(f"pulumi_{package} has no class for {token}")


def arguments(module: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs by parameter name of the class's constructor."""
    if (module, name) == _CUSTOM_OBJECT:
        others = {key: value for key, value in inputs.items() if key not in _TOP_LEVEL}
        top = {key: value for key, value in inputs.items() if key in _TOP_LEVEL}
        return {**_renamed(module, name, top), **({"others": others} if others else {})}
    return _renamed(module, name, inputs)


def _renamed(module: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    known = _parameters(module, name)
    return {known[key.lower()]: value for key, value in inputs.items()}


def takes(module: str, name: str, inputs: Mapping[str, Any]) -> bool:
    """Whether the class has a parameter for each input. Objects of charts may have more than the SDK supports."""
    return all(key.lower() in _parameters(module, name) for key in inputs)


@cache
def _parameters(module: str, name: str) -> dict[str, str]:
    """The constructor's parameter names in Python, by lower-case protocol name."""
    kind = getattr(importlib.import_module(module), name)
    constructor = getattr(kind, "_internal_init", kind.__init__)
    names = [item for item in inspect.signature(constructor).parameters if item not in ("self", "opts", "__props__")]
    return {item.replace("_", "").lower(): item for item in names}
