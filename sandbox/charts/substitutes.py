"""Packages that stand in for unavailable charts.

A substitute has the chart's name and version, its custom resource definitions, and those of its objects that other
components read (`substitutes/<chart>.yaml`). It accepts any values. Equal charts give equal bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import yaml

from sandbox import crds
from sandbox.charts import packages

_FOLDER: Final = Path(__file__).resolve().parent / "substitutes"
_DESCRIPTION: Final = "Substitute of the Sacred Council sandbox: the real chart could not be had"
# A release keeps its chart in a Secret of at most 1 MB, without the chart's subcharts.
_DEFINITIONS: Final = "definitions"


def build(name: str, version: str, source: Path | None) -> bytes:
    """The substitute; `source` is the folder with definitions, if there is one."""
    files = {
        f"{name}/Chart.yaml": _about(name, version),
        f"{name}/values.yaml": _values(name),
        f"{name}/templates/substitute.yaml": (_FOLDER / "any.yaml").read_bytes(),
    }
    objects = _FOLDER / f"{name}.yaml"
    if objects.is_file():
        files[f"{name}/templates/objects.yaml"] = objects.read_bytes()
    return packages.write(files | definitions(name, version, source))


def definitions(name: str, version: str, source: Path | None) -> packages.Files:
    """Files of a chart's package that bring its definitions, in a subchart; none if it has no definitions."""
    found = crds.definitions(name, version, source).definitions
    folder = f"{name}/charts/{_DEFINITIONS}"
    files = {
        f"{folder}/crds/{definition['metadata']['name']}.json": json.dumps(definition, sort_keys=True).encode()
        for definition in sorted(found, key=lambda one: str(one["metadata"]["name"]))
    }
    return {f"{folder}/Chart.yaml": _about(_DEFINITIONS, "1.0.0"), **files} if files else {}


def _about(name: str, version: str) -> bytes:
    about = {"apiVersion": "v2", "name": name, "version": version, "description": _DESCRIPTION}
    return yaml.safe_dump(about, sort_keys=True).encode()


def _values(name: str) -> bytes:
    file = _FOLDER / f"{name}.values.yaml"
    return file.read_bytes() if file.is_file() else b"{}\n"
