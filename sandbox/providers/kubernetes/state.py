"""What the engine keeps about an object: its live form, the inputs it was made from, and who manages its fields.

The outputs of a resource are the live object plus `__inputs`, `__initialApiVersion` and `__fieldManager`, as the
official provider writes them; only `metadata.managedFields`, which no program reads, is left out to keep states small.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from sandbox.providers.base import Values
from sandbox.providers.kubernetes.objects import Obj, remove, text
from sandbox.providers.values import Secret, has_secret, plain

INPUTS: Final = "__inputs"
INITIAL_API_VERSION: Final = "__initialApiVersion"
FIELD_MANAGER: Final = "__fieldManager"

_DASHED: Final = {
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        "embedded_resource",
        "int_or_string",
        "list_map_keys",
        "list_type",
        "map_type",
        "preserve_unknown_fields",
        "validations",
    )
}
_UNDERSCORED: Final = {dashed: underscored for underscored, dashed in _DASHED.items()}


def to_object(values: Values) -> Obj:
    """The plain object that inputs or outputs describe: no secret wrappers, keys as the API server spells them."""
    return _as_dict(_rename(plain(values), _DASHED))


def from_object(obj: Obj) -> Values:
    """A copy of an object with keys as the engine and the SDKs spell them."""
    return _as_dict(_rename(obj, _UNDERSCORED))


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rename(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _rename(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_rename(item, names) for item in value]
    return value


def checkpoint(inputs: Obj, live: Obj, secrets_from: Values, initial_api_version: str, field_manager: str) -> Values:
    """The outputs to record. What is secret in `secrets_from` (or derived from it) is secret in them."""
    outputs, recorded = from_object(live), from_object(inputs)
    remove(outputs, "metadata", "managedFields")
    mark_secrets(outputs, secrets_from)
    mark_secrets(recorded, secrets_from)
    outputs[INPUTS] = recorded
    outputs[INITIAL_API_VERSION] = initial_api_version
    outputs[FIELD_MANAGER] = field_manager
    return outputs


def parse_checkpoint(outputs: Values) -> tuple[Obj, Obj]:
    """The recorded inputs and the live object of that time, both plain."""
    live = to_object(outputs)
    inputs = live.pop(INPUTS, {})
    live.pop(INITIAL_API_VERSION, None)
    live.pop(FIELD_MANAGER, None)
    return inputs, live


def recorded(outputs: Values, key: str) -> str:
    """A bookkeeping value of the outputs, such as the field manager; empty if absent."""
    return text(plain({key: outputs.get(key)}), key)


def mark_secrets(outs: Values, ins: Values) -> None:
    """Make secret in `outs`, in place, what is secret in `ins`.

    Maps are matched key by key; a list that holds a secret becomes secret as a whole, since its order may change. The
    data of a Secret is always secret, wherever it came from.
    """
    if outs.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in outs and not isinstance(outs[key], Secret):
                outs[key] = Secret(outs[key])
    for key, value in ins.items():
        if key not in outs or isinstance(outs[key], Secret):
            continue
        if isinstance(outs[key], dict) and isinstance(value, dict):
            mark_secrets(outs[key], value)
        elif has_secret(value):
            outs[key] = Secret(plain(outs[key]))


def prune(source: Any, shape: Any) -> Any:
    """The part of `source` that has a counterpart in `shape`: what the server filled in by itself falls away."""
    if isinstance(source, dict) and isinstance(shape, dict):
        return {key: prune(value, shape[key]) for key, value in source.items() if key in shape}
    if isinstance(source, list) and isinstance(shape, list):
        return _prune_list(source, shape)
    return source


def _prune_list(source: list[Any], shape: list[Any]) -> list[Any]:
    if source and shape and type(source[0]) is not type(shape[0]):
        return copy.deepcopy(source)
    return [prune(value, pattern) for value, pattern in zip(source, shape, strict=False)]
