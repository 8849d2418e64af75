"""Versions are written once, and Renovate finds each of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import versions
from components.pod_security import POD_SECURITY_VERSION
from sandbox import binaries

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "components" / "versions.py").read_text()
RENOVATE: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())
WRITTEN = {
    name: value
    for name, value in vars(versions).items()
    if name.isupper() and not name.startswith("_") and f"\n{name} = " in SOURCE
}
OF_NO_RELEASE = {"POSTGRESQL_VERSION", "KUBERNETES_VERSION"}
"""Values without a release: a major version that clouds install, and what follows from KUBECTL_VERSION."""


def found_by_renovate() -> set[str]:
    """Return the versions that the expressions of renovate.json find in components/versions.py."""
    expressions = [one for manager in RENOVATE["customManagers"] for one in manager["matchStrings"]]
    # JavaScript writes a named group without the P that Python needs.
    python = [re.sub(r"\(\?<(?=\w)", "(?P<", one) for one in expressions]
    return {found["currentValue"] for one in python for found in re.finditer(one, SOURCE)}


@pytest.mark.parametrize("name", sorted(WRITTEN.keys() - OF_NO_RELEASE))
def test_renovate_finds_every_version(name: str) -> None:
    pin = WRITTEN[name]
    version = pin.version if isinstance(pin, versions.ChartVersion) else pin.rpartition(":")[2]
    assert version.removeprefix("v") in {found.removeprefix("v") for found in found_by_renovate()}


def test_all_of_istio_has_one_version() -> None:
    charts = [pin for pin in WRITTEN.values() if isinstance(pin, versions.ChartVersion)]
    istio = [chart for chart in charts if "istio" in chart.repository]
    assert len(istio) == 4
    assert {chart.version for chart in istio} == {versions.ISTIO_VERSION}


def test_the_minor_version_of_kubernetes_is_the_same_everywhere() -> None:
    api_server = binaries.pinned_version("sandbox", "k8s.io/kubernetes")
    kubectl = yaml.safe_load((ROOT / "charts" / "sacred-council" / "values.yaml").read_text())["kubectl"]["tag"]
    tags = [api_server, kubectl, versions.KUBECTL_IMAGE.rpartition(":")[2]]
    assert {re.sub(r"\.\d+$", "", tag) for tag in tags} == {POD_SECURITY_VERSION}


def test_renovate_reads_every_file_that_pins_something() -> None:
    assert {"pip_requirements", "gomod", "github-actions", "docker-compose", "helm-values"} <= set(
        RENOVATE["enabledManagers"]
    )
