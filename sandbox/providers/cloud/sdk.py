"""Read the inputs of resource types from the source text of a cloud's Python SDK.

Importing the sub-module of one type takes seconds and a hundred megabytes, because it brings the classes of all types
of its service; reading the few classes that are asked for takes milliseconds.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_SCALARS: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_UNINDENTED: Final = re.compile(r"^\S", re.MULTILINE)


@dataclass(frozen=True)
class Type:
    """The type of a value: `string`, `integer`, `number`, `boolean`, `list`, `map` (of `item`), `object` or `any`.

    `name` is the class that describes an object.
    """

    kind: str
    item: Type | None = None
    name: str = ""


ANY: Final = Type("any")


@dataclass(frozen=True)
class Property:
    """One input of a resource or of an object inside of it."""

    type: Type
    required: bool


Shape = Mapping[str, Property]
"""The properties of an object by their names in the protocol (camelCase)."""


@dataclass(frozen=True)
class Source:
    """A resource type's place in the SDK: the file that has its class, and the class."""

    path: Path
    name: str

    def inputs(self) -> Shape:
        """The inputs of the type."""
        found = _shape(self.path, f"{self.name}InitArgs") or _shape(self.path, f"{self.name}Args")
        # The SDK has no class for the inputs of the few types that take none.
        return found if found is not None else {}

    def outputs(self) -> frozenset[str]:
        """Names of the type's outputs in the protocol."""
        declared = _class(self.path, self.name)
        return frozenset(_wire_names(declared).values()) if declared else frozenset()

    def object(self, name: str) -> Shape | None:
        """The properties of an object inside the type's inputs; None if the SDK describes it elsewhere."""
        return _shape(self.path.parent / "_inputs.py", name)


class Sdk:
    """The installed SDK of one cloud, for example `pulumi_gcp`. Raises `ModuleNotFoundError` if it is not there."""

    def __init__(self, package: str) -> None:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"the package {package} is not installed", name=package)
        self._root = Path(spec.submodule_search_locations[0])

    def find(self, token: str) -> Source | None:
        """The type of a token such as `gcp:compute/routerNat:RouterNat` or `azure-native:network:Subnet`."""
        _, _, rest = token.partition(":")
        module, _, name = rest.rpartition(":")
        folder = self._folder(module.partition("/")[0])
        path = _files(folder).get(name.lower()) if folder else None
        return Source(path, name) if path else None

    def names(self, token: str) -> list[str]:
        """The names of the types in the same service as the token's, in lower case."""
        folder = self._folder(token.partition(":")[2].partition(":")[0].partition("/")[0])
        return sorted(_files(folder)) if folder else []

    def provider(self) -> Shape:
        """The inputs of the provider itself."""
        return _shape(self._root / "provider.py", "ProviderArgs") or {}

    def _folder(self, service: str) -> Path | None:
        # `lambda` is a word of Python's, so its folder is `lambda_`.
        folders = (self._root / service, self._root / f"{service}_")
        return next((folder for folder in folders if service and folder.is_dir()), None)


@cache
def _files(folder: Path) -> Mapping[str, Path]:
    """The files by the class they have: `router_nat.py` has `RouterNat`."""
    paths = [path for path in folder.glob("*.py") if not path.stem.startswith(("_", "get_", "list_"))]
    return {path.stem.replace("_", ""): path for path in paths}


@cache
def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _class(path: Path, name: str) -> ast.ClassDef | None:
    """The class, parsed; nothing else of the file is."""
    text = _text(path)
    found = re.search(rf"^class {re.escape(name)}\b.*:\n", text, re.MULTILINE)
    if found is None:
        return None
    end = _UNINDENTED.search(text, found.end())
    parsed = ast.parse(text[found.start() : end.start() if end else len(text)]).body[0]
    return parsed if isinstance(parsed, ast.ClassDef) else None


@cache
def _shape(path: Path, name: str) -> Shape | None:
    declared = _class(path, name)
    if declared is None:
        return None
    functions = [item for item in declared.body if isinstance(item, ast.FunctionDef)]
    constructor = next((item for item in functions if item.name == "__init__"), None)
    if constructor is None:
        return {}
    names = _wire_names(declared)
    arguments = zip(constructor.args.kwonlyargs, constructor.args.kw_defaults, strict=True)
    return {
        names.get(argument.arg, argument.arg): Property(_type(argument.annotation), required=default is None)
        for argument, default in arguments
    }


def _wire_names(declared: ast.ClassDef) -> dict[str, str]:
    """The class's properties: their names in Python and in the protocol."""
    found: dict[str, str] = {}
    for item in declared.body:
        for decorator in item.decorator_list if isinstance(item, ast.FunctionDef) else ():
            if isinstance(item, ast.FunctionDef) and ast.unparse(decorator).startswith("pulumi.getter"):
                given = decorator.keywords if isinstance(decorator, ast.Call) else []
                found[item.name] = next((ast.literal_eval(one.value) for one in given if one.arg == "name"), item.name)
    return found


def _type(node: ast.expr | None) -> Type:
    """The type that an annotation means, such as `pulumi.Input[Optional[Sequence[pulumi.Input['FooArgs']]]]`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _named(node.value)
    if isinstance(node, ast.Attribute):
        return Type(_SCALARS[node.attr]) if node.attr in _SCALARS else ANY
    if not isinstance(node, ast.Subscript):
        return ANY
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    outer = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    if outer == "Union":
        return _union([_type(one) for one in inner])
    if outer in ("Sequence", "Mapping"):
        return Type("list" if outer == "Sequence" else "map", _type(inner[-1]))
    return _type(inner[0]) if outer in ("Input", "Optional") else ANY


def _named(name: str) -> Type:
    """A class: its name ends with `Args`, else it is an enumeration, which may be one of strings or of numbers."""
    return Type("object", name=name) if name.endswith("Args") and "." not in name else ANY


def _union(members: list[Type]) -> Type:
    """A string or an enumeration of strings is a string; of other unions nothing is asked."""
    return Type("string") if members[0].kind == "string" and set(members[1:]) <= {ANY} else ANY
