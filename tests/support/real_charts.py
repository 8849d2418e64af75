"""The publishers' charts, rendered by Helm with the program's values.

The packages are in the folder SACRED_COUNCIL_CHARTS, else in the sandbox's folder `.sandbox/charts`, under Helm's own
names: `<chart>-<version>.tgz`. They are not part of this repository. Tests whose package is missing are skipped, and
name the package.
"""

import json
import os
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.versions import KUBERNETES_VERSION
from sandbox.charts import FOLDER
from sandbox.layout import Layout
from tests.support.binaries import run
from tests.support.manifests import Manifest
from tests.support.rendering import Rendered, Resource

FOLDER_VARIABLE = "SACRED_COUNCIL_CHARTS"
RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
BROUGHT = ("monitoring.coreos.com/v1",)
"""API groups that a region's cluster has before it installs the charts that need them."""


def folder() -> Path:
    """The folder with the packages."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Layout.from_environment().binaries / FOLDER


def require_some() -> None:
    """Skip the test when there is no package at all, before anything is rendered for it."""
    if not any(folder().glob("*.tgz")):
        pytest.skip(f"no packages of charts in {folder()}; `make charts` gets them")


def package(chart: str, version: str) -> Path:
    """The package of a chart. Skips the test when there is none."""
    found = folder() / f"{chart}-{version}.tgz"
    if not found.is_file():
        pytest.skip(f"no {found.name} in {found.parent}; `make charts` gets it")
    return found


def releases(rendered: Rendered) -> list[Resource]:
    """The releases of a rendered program."""
    return rendered.of_type(RELEASE_TYPE)


def release_objects(release: Mapping[str, Any]) -> list[Manifest]:
    """The objects of a release by its inputs, including hooks, which also run in the cluster."""
    return _objects(release_text(release), release["namespace"])


def release_text(release: Mapping[str, Any]) -> str:
    """A release rendered by Helm, as text."""
    chart, version = release["chart"], release["version"]
    return _text(chart, version, release["name"], release["namespace"], json.dumps(release["values"]))


@cache
def _text(chart: str, version: str, name: str, namespace: str, values: str) -> str:
    """A chart rendered with `values` (JSON). Raises AssertionError with Helm's message when Helm refuses them."""
    result = run(
        "helm",
        *("template", name, package(chart, version), "--namespace", namespace, "--values", "-", "--skip-tests"),
        *("--kube-version", KUBERNETES_VERSION, *(f"--api-versions={group}" for group in BROUGHT)),
        stdin=values,
    )
    assert result.returncode == 0, f"{chart}: {result.stderr}"
    return result.stdout


@cache
def _objects(text: str, namespace: str) -> list[Manifest]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [_placed(each, namespace) for each in yaml.load_all(text, Loader=loader) if each]


@cache
def default_values(chart: str, version: str) -> dict[str, Any]:
    """The chart's own values, merged over those of its sub-charts."""
    with tarfile.open(package(chart, version)) as archive:
        files = {name: archive.extractfile(name) for name in archive.getnames() if name.endswith("/values.yaml")}
        texts = {name: file.read() for name, file in files.items() if file}
    own = _values(texts[f"{chart}/values.yaml"])
    prefix = f"{chart}/charts/"
    for name, text in texts.items():
        sub_chart = name.removeprefix(prefix).split("/")
        if name.startswith(prefix) and len(sub_chart) == 2:
            own[sub_chart[0]] = _laid_over(_values(text), own.get(sub_chart[0]) or {})
    return own


def _values(text: bytes) -> dict[str, Any]:
    """A chart's values. Istio's charts have their defaults one level down."""
    values = dict(yaml.safe_load(text) or {})
    inner: dict[str, Any] = values.pop("_internal_defaults_do_not_set", {})
    return inner | values


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = _laid_over(below[key], value) if both else value
    return merged


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    """The object with the release's namespace if it names none, as Helm does. Kinds without a namespace ignore it."""
    metadata = {"namespace": namespace, **manifest["metadata"]}
    return {**manifest, "metadata": metadata}
