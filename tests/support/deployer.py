"""The rights of the deployer: the documents in docs/deployer grant them, and each resource type needs some.

`python -m tests.support.deployer` rewrites the roles of Azure and Google Cloud. The policies of AWS are written by
hand, because each action there has its own resources and condition.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.rendering import ROOT

FOLDER: Final = ROOT / "docs" / "deployer"
DATA: Final = ROOT / "tests" / "data" / "deployer"
CLOUDS: Final = ("aws", "azure", "google")
GRANTED_BY_GOOGLE: Final = "kubernetes"
"""The part of Google Cloud's rights that Google's own role grants, not one of our documents."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """The `actions` that a resource type or a look-up needs. The documents `parts` must grant them."""

    parts: tuple[str, ...]
    actions: frozenset[str]


@cache
def needs(cloud: str) -> Mapping[str, Need]:
    """The needs of a cloud's types, by type."""
    table = yaml.safe_load((DATA / f"{cloud}.yaml").read_text())
    return {kind: Need(parts=tuple(row["in"].split()), actions=_actions(row)) for kind, row in table.items()}


def _actions(row: Mapping[str, Any]) -> frozenset[str]:
    if "needs" in row:
        return frozenset(row["needs"].split())
    rights = row.get("only", ["read", "write", "delete"])
    derived = {f"{arm}/{right}" for arm in row.get("arm", "").split() for right in rights}
    return frozenset(derived | set(row.get("also", [])))


def parts(cloud: str) -> dict[str, frozenset[str]]:
    """The actions that each document of a cloud must grant."""
    found: dict[str, frozenset[str]] = {}
    for need in needs(cloud).values():
        for part in need.parts:
            found[part] = found.get(part, frozenset()) | need.actions
    return found


def documents(cloud: str) -> dict[str, Path]:
    """The documents of a cloud by their part."""
    prefix, ending = {"aws": ("aws-", "json"), "azure": ("azure-", "json"), "google": ("google-cloud-", "yaml")}[cloud]
    found = {path.stem.removeprefix(prefix): path for path in sorted(FOLDER.glob(f"{prefix}*.{ending}"))}
    return {part: path for part, path in found.items() if not part.endswith("-condition")}


def granted(cloud: str, part: str) -> frozenset[str]:
    """The actions that a document grants."""
    document = yaml.safe_load(documents(cloud)[part].read_text())
    if cloud == "google":
        return frozenset(document["includedPermissions"])
    if cloud == "azure":
        return frozenset(document["Actions"])
    return frozenset(action for one in statements(part) for action in one["Action"])


def statements(part: str) -> list[dict[str, Any]]:
    """The statements of a policy of AWS, with their resources as a list."""
    document = json.loads(documents("aws")[part].read_text())
    return [{**one, "Resource": _listed(one["Resource"])} for one in document["Statement"]]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def all_statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """The statements of all policies of AWS, each with its place."""
    for part in documents("aws"):
        for one in statements(part):
            yield f"aws-{part}.json, {one['Sid']}", one


def reference(name: str) -> Any:
    """A cloud's own reference, as recorded in this repository."""
    return yaml.safe_load((DATA / f"{name}.yaml").read_text())


def _rewrite() -> None:
    for cloud, key in (("azure", "Actions"), ("google", "includedPermissions")):
        for part, path in documents(cloud).items():
            role = {**yaml.safe_load(path.read_text()), key: sorted(parts(cloud)[part])}
            written = json.dumps(role, indent=2) + "\n" if cloud == "azure" else yaml.safe_dump(role, sort_keys=False)
            path.write_text(written)


if __name__ == "__main__":
    _rewrite()
