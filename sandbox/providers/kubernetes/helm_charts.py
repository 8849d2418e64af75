"""Which chart a resource means: a local one that helm can read, or one in a repository; and the values for it."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandbox import documents
from sandbox.providers.base import CheckFailedError, Values
from sandbox.providers.kubernetes.helm_tool import Helm, HelmError
from sandbox.providers.kubernetes.objects import text
from sandbox.providers.values import Opaque, Secret, has_secret, plain

_ARCHIVES: Final = (".tgz", ".tar.gz")


@dataclass(frozen=True)
class LocalChart:
    """A chart that helm can read: where it is, what its Chart.yaml says, and a digest of all its files."""

    path: str
    name: str
    version: str
    digest: str
    deprecated: bool


@dataclass(frozen=True)
class RepositoryChart:
    """A chart that would have to be downloaded; `source` is where from, as people write it."""

    name: str
    version: str
    source: str


def repository_of(inputs: Mapping[str, Any]) -> RepositoryChart | None:
    """The chart if it is in a repository; None if it must be a local one. Raises `CheckFailedError` for neither."""
    known = plain(dict(inputs))
    chart, repository = text(known, "chart").strip(), text(known, "repositoryOpts", "repo")
    version = text(known, "version")
    if chart.startswith("oci://"):
        return RepositoryChart(chart.rpartition("/")[2], version, _without_credentials(chart))
    if repository:
        is_secret = _is_secret(inputs.get("repositoryOpts"), "repo")
        shown = "a secret repository" if is_secret else _without_credentials(repository)
        return RepositoryChart(chart.rpartition("/")[2], version, f"{chart} of {shown}")
    if _is_local(chart):
        return None
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", chart):
        return RepositoryChart(chart.rpartition("/")[2], version, chart)
    raise CheckFailedError(
        [
            (
                "chart",
                f"{chart!r} is neither a local chart (a folder with a Chart.yaml, or a .tgz file; relative paths start "
                "at the folder with Pulumi.yaml) nor in a repository; correct the path, or set repositoryOpts.repo",
            )
        ]
    )


def _is_secret(options: Any, name: str) -> bool:
    return isinstance(options, Secret) or (isinstance(options, dict) and isinstance(options.get(name), Secret))


def _without_credentials(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def _is_local(chart: str) -> bool:
    path = Path(chart)
    if path.is_dir():
        return (path / "Chart.yaml").is_file()
    return path.is_file() and chart.endswith(_ARCHIVES)


async def load(helm: Helm, inputs: Mapping[str, Any]) -> LocalChart:
    """Read a local chart, its dependencies fetched if asked. Raises `CheckFailedError` if it is not a usable one."""
    path = text(inputs, "chart").strip()
    try:
        if inputs.get("dependencyUpdate"):
            await helm.run("dependency", "update", path)
        about = documents.read_mapping(await helm.run("show", "chart", path), "Chart.yaml")
    except (HelmError, documents.DocumentError) as error:
        raise CheckFailedError([("chart", f"{path!r} is not a usable chart: {error}")]) from error
    kind = text(about, "type") or "application"
    if kind != "application":
        raise CheckFailedError([("chart", f"{path!r} is a {kind} chart, which cannot be installed by itself")])
    is_deprecated = about.get("deprecated") is True
    return LocalChart(path, text(about, "name"), text(about, "version"), digest(Path(path)), is_deprecated)


def digest(path: Path) -> str:
    """A digest that changes with any file of the chart."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        name = file.relative_to(path).as_posix() if file != path else file.name
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{content} {name}\n".encode())
    return total.hexdigest()


def merged_values(inputs: Values) -> Any:
    """The values of the value files, in order, with `values` on top; what was secret is so in the result.

    Raises `CheckFailedError` naming the file that cannot be read.
    """
    below: dict[str, Any] = {}
    for index, asset in enumerate(plain(inputs.get("valueYamlFiles")) or []):
        below = merge(below, _from_asset(asset, f"valueYamlFiles[{index}]"))
    given = inputs.get("values")
    inner = given.value if isinstance(given, Secret) else given
    result = merge(below, inner or {})
    return Secret(result) if isinstance(given, Secret) or has_secret(inputs.get("valueYamlFiles")) else result


def _from_asset(asset: Any, where: str) -> dict[str, Any]:
    fields = asset.struct.fields if isinstance(asset, Opaque) else {}
    try:
        if "text" in fields:
            content = fields["text"].string_value
        elif "path" in fields:
            content = Path(fields["path"].string_value).read_text()
        else:
            raise CheckFailedError([(where, "only a FileAsset or a StringAsset can hold values in the sandbox")])
        return documents.read_mapping(content, where)
    except (OSError, documents.DocumentError) as error:
        raise CheckFailedError([(where, str(error))]) from error


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings in one; where both have a key, maps are merged and otherwise `above` wins (null included)."""
    result = copy.deepcopy(dict(below))
    for key, value in above.items():
        mine, inner = result.get(key), value.value if isinstance(value, Secret) else value
        if isinstance(mine, dict) and isinstance(inner, Mapping):
            merged = merge(mine, inner)
            result[key] = Secret(merged) if isinstance(value, Secret) else merged
        else:
            result[key] = copy.deepcopy(value)
    return result
