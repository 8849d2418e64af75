"""Brings inputs into the form in which the API server will give them back, so that equal things compare equal.

For built-in kinds the server's own schema says what a field is: quantities get their canonical spelling, fields it does
not know and zero values it does not store are left out. Custom resources stay as they are.
"""

from __future__ import annotations

import base64
import binascii
import difflib
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.providers.kubernetes import kinds, paths, quantities
from sandbox.providers.kubernetes.objects import Obj, get, kind_of, mapping, remove
from sandbox.providers.kubernetes.schema import Schema, Schemas
from sandbox.providers.kubernetes.zero_values import is_forgotten
from sandbox.providers.values import has_unknown

_READ_ONLY: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_NAMES: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass
class Findings:
    """What was noticed on the way: values of a wrong type, and fields the API server does not know."""

    mistakes: list[tuple[str, str]] = field(default_factory=list)
    unknown_fields: list[str] = field(default_factory=list)


async def normalize(obj: Obj, schemas: Schemas | None) -> tuple[Obj, Findings]:
    """A normalized copy of the object and what was noticed. An object with unknown values is only trimmed."""
    findings = Findings()
    result = _copy(obj)
    if not has_unknown(obj):
        if kinds.is_crd(obj):
            _normalize_crd(result)
        elif kinds.is_secret(obj):
            _normalize_secret(result)
        elif kinds.is_built_in(kind_of(obj)) and schemas is not None:
            schema = await schemas.find(kind_of(obj))
            if schema:
                result = _normalize_object(result, schema, (), findings)
    for key in _READ_ONLY:
        remove(result, "metadata", key)
    return result, findings


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _normalize_crd(crd: Obj) -> None:
    if get(crd, "spec", "preserveUnknownFields") is False:
        remove(crd, "spec", "preserveUnknownFields")
    remove(crd, "status")


def _normalize_secret(secret: Obj) -> None:
    """The server turns `stringData` into `data`, and spells base64 without blanks."""
    texts = mapping(secret, "stringData")
    if texts and all(isinstance(value, str) for value in texts.values()):
        data = secret["data"] = mapping(secret, "data")
        data.update({key: base64.b64encode(value.encode()).decode() for key, value in texts.items()})
        remove(secret, "stringData")
        return
    data = mapping(secret, "data")
    for key, value in data.items():
        try:
            data[key] = base64.b64encode(base64.b64decode(value, validate=False)).decode()
        except (binascii.Error, TypeError, ValueError):
            continue


def _normalize_object(obj: Obj, schema: Schema, path: paths.Path, findings: Findings) -> Obj:
    result: Obj = {}
    for key, value in obj.items():
        raw = schema.properties.get(key)
        if raw is None:
            findings.unknown_fields.append(_describe_unknown((*path, key), schema))
            continue
        optional = key not in schema.required
        if value is None or (optional and _is_absent(value, schema.resolve(raw), schema.name, key)):
            continue
        result[key] = _normalize_value(value, schema.resolve(raw), (*path, key), findings)
    return result


def _is_absent(value: Any, schema: Schema, owner: str, key: str) -> bool:
    if isinstance(value, list):
        return not value
    if isinstance(value, dict):
        return not value and "additionalProperties" in schema.raw
    return is_forgotten(owner, key, value)


def _normalize_value(value: Any, schema: Schema, path: paths.Path, findings: Findings) -> Any:
    if value is None and schema.type == "string":
        return ""
    if schema.name == "Quantity":
        return _normalize_quantity(value, path, findings)
    if not _fits(value, schema.type):
        found = repr(value) if isinstance(value, str | int | float) else _NAMES.get(_type_of(value), "something else")
        findings.mistakes.append((paths.write(path), f"expected {_NAMES[schema.type]}, not {found}"))
        return value
    if isinstance(value, list):
        inner = schema.resolve(mapping(schema.raw, "items"))
        return [_normalize_value(item, inner, (*path, index), findings) for index, item in enumerate(value)]
    if isinstance(value, dict) and schema.properties:
        return _normalize_object(value, schema, path, findings)
    if isinstance(value, dict) and isinstance(schema.raw.get("additionalProperties"), dict):
        inner = schema.resolve(schema.raw["additionalProperties"])
        return {key: _normalize_value(item, inner, (*path, key), findings) for key, item in value.items()}
    return value


def _normalize_quantity(value: Any, path: paths.Path, findings: Findings) -> Any:
    try:
        return quantities.canonical(value)
    except ValueError as error:
        findings.mistakes.append((paths.write(path), str(error)))
        return value


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for python_type, name in ((dict, "object"), (list, "array"), (str, "string"), (int, "integer"), (float, "number")):
        if isinstance(value, python_type):
            return name
    return ""


def _fits(value: Any, expected: str) -> bool:
    found = _type_of(value)
    return not expected or found == expected or (expected == "number" and found == "integer")


def _describe_unknown(path: paths.Path, schema: Schema) -> str:
    near = difflib.get_close_matches(str(path[-1]), schema.properties, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{paths.write(path)}{hint}"
