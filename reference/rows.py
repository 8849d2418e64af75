"""The keys of a section, flattened: allowed values, default and meaning. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reference.schema import Schema

_TYPES = {
    "boolean": "`true` or `false`",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "object": "a map",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One key of the configuration."""

    key: str
    """Dotted path."""
    allowed: str
    """Description of the allowed values."""
    default: str | None
    """As YAML. None: no default."""
    required: bool
    text: str
    """Meaning of the key."""


def rows(section: Schema, definitions: Schema, prefix: str = "") -> Iterator[Row]:
    """A row for each key of a section, and for each key below it."""
    section = resolved(section, definitions)
    properties: Schema = section.get("properties", {})
    for name, value in properties.items():
        key = resolved(value, definitions)
        yield Row(
            key=f"{prefix}{name}",
            allowed=allowed(key, definitions),
            default=_written(key["default"]) if "default" in key else None,
            required=name in section.get("required", ()),
            text=key["description"],
        )
        if not _alike(properties):
            yield from _below(key, definitions, f"{prefix}{name}")
    if _alike(properties):
        yield from rows(next(iter(properties.values())), definitions, f"{prefix}*.")


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """A schema with its reference resolved and without the alternative null, which means the same as no key."""
    schema = _without_null(schema)
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
    return schema


def _without_null(schema: Schema) -> Schema:
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    return {**options[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def allowed(schema: Schema, definitions: Schema) -> str:
    """Describe the allowed values."""
    schema = resolved(schema, definitions)
    if "errorMessage" in schema:
        return _by_rule(schema["errorMessage"])
    if "enum" in schema or "const" in schema:
        values = [value for value in schema.get("enum", [schema.get("const")]) if value is not False]
        return ", ".join(f"`{value}`" for value in values)
    if "anyOf" in schema:
        one, *_ = schema["anyOf"]
        return f"{allowed(one, definitions)}, or a list of them"
    if schema["type"] == "array":
        return f"a list, each {allowed(schema['items'], definitions)}"
    return _TYPES[schema["type"]] + _bounds(schema)


def _by_rule(message: str) -> str:
    """The rule of a message without its reason, and the example in its remedy."""
    rule, remedy, *_ = message.split("; ")
    rule = re.sub(r" \([^)]*\)|: .*", "", rule).removeprefix("must be ")
    example = f", e.g. {remedy.removeprefix('write e.g. ')}" if remedy.startswith("write e.g. ") else ""
    return (rule + example).replace("*", r"\*")


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return ""
    return f", {least} or more" if most is None else f" from {least} to {most}"


def _written(default: object) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def _alike(properties: Schema) -> bool:
    """Whether several keys share one model, so that one of them documents all."""
    models = [_without_null(value).get("$ref") for value in properties.values()]
    return len(models) > 1 and len(set(models)) == 1 and None not in models


def _below(key: Schema, definitions: Schema, path: str) -> Iterator[Row]:
    if key.get("type") == "array":
        yield from rows(key["items"], definitions, f"{path}[].")
    elif key.get("type") == "object":
        yield from rows(key, definitions, f"{path}.")
