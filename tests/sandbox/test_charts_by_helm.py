"""Helm with the sandbox's chart server: the packages that it gets, and the objects that it renders."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.versions import KUBERNETES_VERSION
from sandbox import crds, documents
from sandbox.charts import packages, repositories, substitutes
from tests.support import real_charts
from tests.support.binaries import TIME_LIMIT, binary, run
from tests.support.chart_packages import small
from tests.support.rendering import ROOT

pytestmark = pytest.mark.conformance

PIN = next(chart for chart in repositories.pinned(ROOT) if chart.name == "istiod")
NEEDED_VALUES = {
    "cert-manager": "crds.enabled=true",
    "cluster-autoscaler": "autoDiscovery.clusterName=a,awsRegion=eu-west-1",
    "rancher": "hostname=example.org",
}
"""Values without which a chart renders nothing, or none of its definitions."""


def helm_of_provider(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm with the provider's environment."""
    launcher = ROOT / "sandbox" / "charts" / "launcher.py"
    command = [sys.executable, "-I", "-S", launcher, home, home, binary("helm"), *arguments]
    return subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
    )


def rendered(package: Path, *options: str) -> list[dict[str, Any]]:
    """The objects of a chart's package, including definitions and hooks."""
    result = run(
        "helm",
        "template",
        "a-release",
        package,
        "--include-crds",
        "--kube-version",
        f"{KUBERNETES_VERSION}.0",
        *options,
    )
    assert result.returncode == 0, result.stderr
    return documents.read(result.stdout, package.name)


def names(objects: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((obj["kind"], obj["metadata"]["name"]) for obj in objects)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(repositories.DOWNLOAD_VARIABLE, "off")
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_helm_gets_a_real_chart_without_what_nobody_would_answer(folder: Path) -> None:
    (folder / PIN.file).write_bytes(small(PIN.name, PIN.version))
    pull = ["template", "a-release", PIN.name, "--repo", PIN.repository, "--version", PIN.version, "--include-crds"]
    result = helm_of_provider(folder, *pull)
    assert result.returncode == 0, result.stderr
    served = documents.read(result.stdout, "what Helm rendered")
    expected = names(rendered(folder / PIN.file))
    for key in list(expected):
        if key[0] in packages.UNANSWERED:
            del expected[key]
    assert names(served) == expected
    assert {"Service", "ConfigMap", "Job", "ValidatingAdmissionPolicy"} <= {kind for kind, _ in expected}
    definitions = [obj for obj in served if obj["kind"] == "CustomResourceDefinition"]
    assert len(definitions) == 2
    assert [obj["spec"]["conversion"] for obj in definitions] == [{"strategy": "None"}] * 2
    others = next(obj for obj in served if obj["metadata"]["name"] == "includes")
    assert others["data"]["value"].strip() == "rules: []"
    result = helm_of_provider(folder, *pull, "--set", "webhook=false")
    assert "Service" not in {obj["kind"] for obj in documents.read(result.stdout, "what Helm rendered")}


def test_helm_gets_a_substitute_and_says_what_is_not_pinned(folder: Path) -> None:
    pull = ["template", "a-release", PIN.name, "--repo", PIN.repository, "--version"]
    result = helm_of_provider(folder, *pull, PIN.version, "--set", "meshConfig.trustDomain=example,any.value=1")
    assert result.returncode == 0, result.stderr
    objects = documents.read(result.stdout, "what Helm rendered")
    mesh = next(obj for obj in objects if obj["metadata"]["name"] == "istio")["data"]["mesh"]
    assert documents.read_mapping(mesh, "the mesh's configuration") == {"trustDomain": "example"}
    result = helm_of_provider(folder, *pull, "0.0.1")
    assert f'chart "{PIN.name}" version "0.0.1" not found' in result.stderr
    result = helm_of_provider(folder, "template", "a", "--repo", "https://example.org/charts")
    assert "components/versions.py pins none from there" in result.stderr


@pytest.mark.parametrize("options", [(), ("--set", "networkGateway=a,service.type=ClusterIP,service.annotations.a=b")])
def test_a_gateways_substitute_takes_the_programs_values(options: tuple[str, ...], tmp_path: Path) -> None:
    package = tmp_path / "gateway.tgz"
    package.write_bytes(substitutes.build("gateway", "1.30.3", None))
    service = next(obj for obj in rendered(package, *options) if obj["kind"] == "Service")
    assert service["spec"]["type"] == ("ClusterIP" if options else "LoadBalancer")
    assert {port["port"] for port in service["spec"]["ports"]} == (
        {15021, 15443, 15012, 15017} if options else {15021, 80, 443}
    )


@pytest.mark.parametrize("file", sorted({pin.file for pin in repositories.pinned(ROOT)}))
def test_a_real_chart_renders_all_else_as_before(file: str, tmp_path: Path) -> None:
    package = real_charts.folder() / file
    if not package.is_file():
        pytest.skip(f"no {file} in {package.parent}; `make charts` gets it")
    chart = next((name for name in NEEDED_VALUES if package.name.startswith(f"{name}-")), "")
    options = ("--set", NEEDED_VALUES[chart]) if chart else ()
    served = tmp_path / package.name
    served.write_bytes(packages.answerable(package.read_bytes(), package.name))
    before, after = rendered(package, *options), rendered(served, *options)
    kept = Counter({key: count for key, count in names(before).items() if key[0] not in packages.UNANSWERED})
    assert kept
    assert names(after) == kept


def test_definitions_fit_into_a_release(tmp_path: Path) -> None:
    """A release stores its chart, without subcharts, in a Secret of at most 1 MiB."""
    for chart in crds.PRODUCTS:
        package = tmp_path / f"{chart}.tgz"
        package.write_bytes(substitutes.build(chart, "1.0.0", None))
        kinds = {obj["kind"] for obj in rendered(package)}
        assert {"ConfigMap", "CustomResourceDefinition"} <= kinds
        own = [path for path in packages.read(package.read_bytes(), chart) if "/charts/" not in path]
        assert not [path for path in own if "/crds/" in path]
