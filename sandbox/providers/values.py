"""Pulumi property values as plain Python: dicts, lists, strings, numbers, plus `Secret`, `UNKNOWN` and `Opaque`.

The engine sends values as protobuf structs in which secrets and unknowns are marked by magic keys and strings.
Whole numbers come back as `int`, because Kubernetes and most APIs tell `80` from `80.0`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's marker, not a secret)
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
# The engine has one marker for an unknown value of each type; all of them mean the same to a provider.
_UNKNOWN_MARKERS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_UNKNOWN_MARKER: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """The value is not known yet: the resource it comes from is only planned."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in its state and hides in its output."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True)
class Opaque:
    """An asset, archive or resource reference, handed back as it came."""

    struct: struct_pb2.Struct


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Turn a protobuf struct from the engine into a plain dict."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def encode(values: dict[str, Any]) -> struct_pb2.Struct:
    """Turn a plain dict into the struct the engine expects. Raises `TypeError` for a type it cannot carry."""
    struct = struct_pb2.Struct()
    for key, value in values.items():
        _encode(value, struct.fields[key])
    return struct


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN_MARKERS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_struct(value.struct_value)
    return None


def _decode_struct(struct: struct_pb2.Struct) -> Any:
    if _SIGNATURE_KEY not in struct.fields:
        return {key: _decode(item) for key, item in struct.fields.items()}
    signature = struct.fields[_SIGNATURE_KEY].string_value
    if signature == _SECRET:
        return Secret(_decode(struct.fields["value"]))
    if signature == _OUTPUT:
        inner = _decode(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        is_secret = "secret" in struct.fields and struct.fields["secret"].bool_value
        return Secret(inner) if is_secret else inner
    return Opaque(struct)


def _encode(value: Any, into: struct_pb2.Value) -> None:
    if value is None:
        into.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, int | float):
        into.number_value = value
    elif isinstance(value, Unknown):
        into.string_value = _UNKNOWN_MARKER
    else:
        _encode_compound(value, into)


def _encode_compound(value: Any, into: struct_pb2.Value) -> None:
    if isinstance(value, dict):
        into.struct_value.SetInParent()
        for key, item in value.items():
            _encode(item, into.struct_value.fields[key])
    elif isinstance(value, list | tuple):
        into.list_value.SetInParent()
        for item in value:
            _encode(item, into.list_value.values.add())
    elif isinstance(value, Secret):
        into.struct_value.fields[_SIGNATURE_KEY].string_value = _SECRET
        _encode(value.value, into.struct_value.fields["value"])
    elif isinstance(value, Opaque):
        into.struct_value.CopyFrom(value.struct)
    else:
        raise TypeError(f"cannot send a {type(value).__name__} to the engine")


def plain(value: Any) -> Any:
    """A deep copy of the value without secret wrappers (unknowns stay)."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def contains(value: Any, test: Callable[[Any], bool]) -> bool:
    """Tell whether the value or anything inside it passes the test."""
    if test(value):
        return True
    if isinstance(value, Secret):
        return contains(value.value, test)
    if isinstance(value, dict):
        return any(contains(item, test) for item in value.values())
    if isinstance(value, list):
        return any(contains(item, test) for item in value)
    return False


def has_unknown(value: Any) -> bool:
    """Tell whether anything inside the value is not known yet."""
    return contains(value, lambda item: isinstance(item, Unknown))


def has_secret(value: Any) -> bool:
    """Tell whether anything inside the value is secret."""
    return contains(value, lambda item: isinstance(item, Secret))
