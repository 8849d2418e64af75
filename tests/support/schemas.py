"""JSON schemas of the Kubernetes API for kubeconform, from the OpenAPI documents of the pinned Kubernetes sources.

Every object with named properties is closed, so that a misspelt field is an error.
"""

import functools
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rendering import ROOT

CACHE = ROOT / ".sandbox" / "schemas"
LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
"""How kubeconform names the schema file of a kind, such as deployment-apps-v1.json."""
_REFERENCE = "#/components/schemas/"


@functools.cache
def documents() -> Path:
    """The directory with the OpenAPI documents of Kubernetes. Skips the test without Go or its module cache."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not there, whose module cache holds the Kubernetes sources")
    command = [go, "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    found = subprocess.run(command, cwd=ROOT / "tools" / "sandbox", capture_output=True, text=True, check=False)
    sources = Path(found.stdout.strip() or "missing")
    if not sources.is_dir():
        pytest.skip("the Kubernetes sources are not in Go's module cache: `make test` gets them")
    return sources / "api" / "openapi-spec" / "v3"


def version() -> str:
    """The version of the Kubernetes sources, such as v1.35.0."""
    return documents().parents[2].name.rpartition("@")[2]


def groups() -> set[str]:
    """The API groups that Kubernetes itself serves; the core group is ''."""
    files = (path.name.removesuffix("_openapi.json").split("__") for path in documents().glob("api*__*_openapi.json"))
    return {parts[1] if parts[0] == "apis" else "" for parts in files}


def directory() -> Path:
    """The directory with the schema of every kind, made once per version of Kubernetes and of this module."""
    made_by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    target = CACHE / f"{version()}-{made_by}"
    if not target.is_dir():
        unfinished = CACHE / f".{target.name}"
        unfinished.mkdir(parents=True, exist_ok=True)
        for document in sorted(documents().glob("api*__*_openapi.json")):
            for name, schema in kinds(json.loads(document.read_text())):
                (unfinished / name).write_text(json.dumps(schema))
        unfinished.rename(target)
    return target


def kinds(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and self-contained schema of every kind that an OpenAPI document defines and serves."""
    definitions = {name: close(schema) for name, schema in document["components"]["schemas"].items()}
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            if "metadata" in definition.get("properties", {}):
                yield file_name(kind), schema_of(name, kind, definitions)


def file_name(kind: dict[str, str]) -> str:
    """kubeconform's file name for a group, version and kind."""
    group = kind["group"].split(".")[0]
    return "-".join(filter(None, [kind["kind"].lower(), group, kind["version"]])) + ".json"


def schema_of(name: str, kind: dict[str, str], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of `kind`, whose definition has the name `name`."""
    api_version = "/".join(filter(None, [kind["group"], kind["version"]]))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {"apiVersion": {"const": api_version}, "kind": {"const": kind["kind"]}},
        "allOf": [{"$ref": f"#/definitions/{name}"}],
        "definitions": {used: definitions[used] for used in sorted(reachable(name, definitions))},
    }


def reachable(name: str, definitions: dict[str, Any]) -> set[str]:
    """The definitions that `name` needs, including itself."""
    found: set[str] = set()
    open_names = [name]
    while open_names:
        current = open_names.pop()
        if current not in found:
            found.add(current)
            open_names += references(definitions[current])
    return found


def references(schema: Any) -> list[str]:
    """The names of the definitions that `schema` refers to."""
    if isinstance(schema, dict):
        own = [schema["$ref"].removeprefix("#/definitions/")] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in references(value)]
    return [name for item in schema for name in references(item)] if isinstance(schema, list) else []


def close(schema: Any) -> Any:
    """`schema` for draft 7, with every object that has named properties closed."""
    if isinstance(schema, list):
        return [close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    closed = {key: close(value) for key, value in schema.items() if key not in {"description", "default", "properties"}}
    if "$ref" in closed:
        closed["$ref"] = closed["$ref"].replace(_REFERENCE, "#/definitions/")
    if "properties" in schema:
        closed["properties"] = {name: close(value) for name, value in schema["properties"].items()}
        closed.setdefault("additionalProperties", False)
    return closed
