"""The charts of their publishers, rendered by Helm with the values that the program gives them.

The packages lie in the folder that SACRED_COUNCIL_CHARTS names, else in the sandbox's, `.sandbox/charts`: helm's own
names for them, `<chart>-<version>.tgz`. They are not part of this repository; where one is missing the tests say so and
are skipped.
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
"""Groups whose kinds are in a region's cluster before the charts that ask for them."""


def folder() -> Path:
    """Where the packages are."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Layout.from_environment().binaries / FOLDER


def package(chart: str, version: str) -> Path:
    """The package of a chart. Skips the test when there is none."""
    found = folder() / f"{chart}-{version}.tgz"
    if not found.is_file():
        pytest.skip(f"no {found.name} in {found.parent}: put the chart's package there, or name a folder that has it")
    return found


def releases(rendered: Rendered) -> list[Resource]:
    """The releases of a rendered program."""
    return rendered.of_type(RELEASE_TYPE)


def release_objects(release: Mapping[str, Any]) -> list[Manifest]:
    """The objects of a release by its inputs, hooks included: they run in the cluster as well."""
    return _objects(release_text(release), release["namespace"])


def release_text(release: Mapping[str, Any]) -> str:
    """The same as Helm writes it."""
    chart, version = release["chart"], release["version"]
    return _text(chart, version, release["name"], release["namespace"], json.dumps(release["values"]))


@cache
def _text(chart: str, version: str, name: str, namespace: str, values: str) -> str:
    """What a chart renders with `values` (JSON). Raises AssertionError with Helm's words when it refuses them."""
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
    """The chart's own values, laid over those of its sub-charts."""
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
    """Istio's charts keep their defaults one level down."""
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
    """Helm puts what names no namespace into the release's. That of kinds without one does no harm here."""
    metadata = {"namespace": namespace, **manifest["metadata"]}
    return {**manifest, "metadata": metadata}
