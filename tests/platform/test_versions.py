"""Versions are written once, and Renovate finds each of them."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from components import versions
from components.pod_security import POD_SECURITY_VERSION
from sandbox import binaries, golang
from tests.support import contracts

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

PUBLISHERS: dict[str, versions.ChartVersion | str] = {
    "cockroachdb": versions.COCKROACHDB_IMAGE,
    "cometbft": versions.COMETBFT_IMAGE,
    # Documentation of Istio and Envoy is by minor version.
    "envoy": versions.ISTIO_VERSION.rpartition(".")[0],
    "istio": versions.ISTIO_VERSION.rpartition(".")[0],
    "kafka": versions.KAFKA_VERSION,
    "kafka_exporter": versions.STRIMZI,
    "keda": versions.KEDA,
    "kubernetes": versions.KUBE_PROMETHEUS_STACK,
    "livekit": versions.LIVEKIT_IMAGE,
    "nats_exporter": versions.NATS_EXPORTER_IMAGE,
    "opentelemetry": versions.OPENTELEMETRY_COLLECTOR_IMAGE,
    "prometheus": versions.KUBE_PROMETHEUS_STACK,
    "redis_exporter": versions.REDIS_EXPORTER_IMAGE,
    "targets": versions.KUBE_PROMETHEUS_STACK,
    "text_embeddings": versions.TEXT_EMBEDDINGS_IMAGE,
    "thanos": versions.THANOS_IMAGE,
}
"""The pin of the program that publishes the metrics of each contract, or of the chart that brings this program."""


def release(pin: versions.ChartVersion | str) -> str:
    """Return the pinned version's numbers and dots: no `v`, no variant of an image."""
    text = pin.version if isinstance(pin, versions.ChartVersion) else pin.rpartition(":")[2]
    (found,) = re.findall(r"\d+(?:\.\d+)+", text)
    return str(found)


def names_version(text: str, version: str) -> bool:
    """Whether the text has the whole version, and not only as a part of another one."""
    return re.search(rf"(?<![\d.]){re.escape(version)}(?!\.?\d)", text) is not None


def found_by_renovate(path: str = "components/versions.py") -> set[str]:
    """Return the versions that the expressions of renovate.json find in a file."""
    reads = [
        one
        for one in RENOVATE["customManagers"]
        if any(re.search(name[1:-1], path) for name in one["managerFilePatterns"])
    ]
    # JavaScript writes a named group without the P that Python needs.
    expressions = [re.sub(r"\(\?<(?=\w)", "(?P<", text) for one in reads for text in one["matchStrings"]]
    text = (ROOT / path).read_text()
    return {found["currentValue"] for one in expressions for found in re.finditer(one, text)}


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


def test_the_client_of_postgresql_has_the_servers_major_version() -> None:
    # An older `psql` warns, and reads less of the server's catalogue: https://www.postgresql.org/docs/18/app-psql.html
    assert re.fullmatch(rf".*:{versions.POSTGRESQL_VERSION}\.\d+(-\w+)?", versions.POSTGRESQL_IMAGE)


def test_runbooks_run_the_images_that_are_deployed() -> None:
    image = r"\b(?:docker\.io|ghcr\.io|quay\.io|registry\.k8s\.io)/[\w./-]+:[\w.-]+"
    written = {one for page in (ROOT / "docs" / "runbooks").glob("*.md") for one in re.findall(image, page.read_text())}
    assert versions.POSTGRESQL_IMAGE in written
    assert written <= {value for name, value in WRITTEN.items() if name.endswith("_IMAGE")}


def test_the_tests_run_the_kafka_that_is_deployed() -> None:
    folder, maven = ROOT / "tools" / "kafka", "{http://maven.apache.org/POM/4.0.0}"
    pom = {
        (one.findtext(f"{maven}groupId"), one.findtext(f"{maven}artifactId")): one.findtext(f"{maven}version")
        for one in ElementTree.parse(folder / "pom.xml").iter(f"{maven}dependency")
    }
    kafka = {name: version for (group, name), version in pom.items() if group == "org.apache.kafka"}
    assert kafka == {"kafka_2.13": versions.KAFKA_VERSION, "connect-mirror": versions.KAFKA_VERSION}
    jars = [line.split()[1] for line in (folder / "jars.sha256").read_text().splitlines()]
    of_pom = {f"{name}-{version}.jar" for (_, name), version in pom.items()}
    assert of_pom <= set(jars)


def test_every_contract_of_metrics_has_a_pin_or_is_ours() -> None:
    assert PUBLISHERS.keys() | {"services"} == contracts.documents().keys()


@pytest.mark.parametrize(("contract", "pin"), PUBLISHERS.items())
def test_a_contract_of_metrics_names_the_version_that_is_deployed(
    contract: str, pin: versions.ChartVersion | str
) -> None:
    source = contracts.documents()[contract]["source"]
    assert names_version(f"{source['name']} {source['url']}", release(pin))


@pytest.mark.parametrize("text", ["KEDA 2.20.2", "KEDA v2.20.2, operator", "blob/v2.20.2/pkg"])
def test_a_version_is_found_in_a_source(text: str) -> None:
    assert names_version(text, "2.20.2")


@pytest.mark.parametrize("text", ["KEDA 2.20", "KEDA 2.20.21", "KEDA 12.20.2", "KEDA 2.20.2.1", "KEDA 2x20x2"])
def test_another_version_is_not_taken_for_it(text: str) -> None:
    assert not names_version(text, "2.20.2")


def test_the_address_of_kafka_s_metrics_has_its_minor_version() -> None:
    minor = "".join(versions.KAFKA_VERSION.split(".")[:2])
    url = contracts.documents()["kafka"]["source"]["url"]
    assert url == f"https://kafka.apache.org/{minor}/operations/monitoring/"


def test_the_tests_run_the_cometbft_that_is_deployed() -> None:
    deployed = versions.COMETBFT_IMAGE.rpartition(":")[2]
    assert binaries.pinned_version("cometbft", "github.com/cometbft/cometbft") == deployed


def test_the_tests_run_the_livekit_that_is_deployed() -> None:
    deployed = versions.LIVEKIT_IMAGE.rpartition(":")[2]
    assert binaries.pinned_version("livekit", "github.com/livekit/livekit-server") == deployed
    source = yaml.safe_load((ROOT / "components" / "monitoring" / "contracts" / "livekit.yaml").read_text())["source"]
    assert source["name"].startswith(f"LiveKit {deployed} ")
    assert f"/tree/{deployed}/" in source["url"]


def preview_step(name: str) -> dict[str, Any]:
    """Return the step of the preview that runs this action, or that has this name."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "preview.yml").read_text())["jobs"].values()
    steps = [step for job in jobs for step in job.get("steps", [])]
    (found,) = (step for step in steps if name in (step.get("name"), step.get("uses", "").partition("@")[0]))
    return dict(found)


def test_the_preview_has_the_pulumi_and_the_kubernetes_of_the_tests() -> None:
    engine = binaries.pinned_version("sandbox", "github.com/pulumi/pulumi/pkg/v3")
    assert f"v{preview_step('pulumi/actions')['with']['pulumi-version']}" == engine
    (kubectl,) = re.findall(r"--client-version (\S+)", preview_step("Login plug-in of AKS")["run"])
    assert kubectl.rpartition(".")[0] == versions.KUBERNETES_VERSION


def test_renovate_finds_what_the_preview_and_the_sandbox_install() -> None:
    sdk = preview_step("google-github-actions/setup-gcloud")["with"]["version"]
    login = preview_step("Login plug-in of AKS")["env"]["KUBELOGIN"]
    assert found_by_renovate(".github/workflows/preview.yml") == {sdk, login}
    assert found_by_renovate("sandbox/golang.py") == {golang.PACKAGE.partition("==")[2]}


@pytest.mark.parametrize(
    ("tool", "group"),
    [("sandbox", "sandbox"), ("kwok", "sandbox"), ("kubernetes-provider", "sandbox"), ("istio", "test tools")],
)
def test_renovate_updates_the_sandbox_s_parts_together(tool: str, group: str) -> None:
    """The last rule that matches wins: https://docs.renovatebot.com/configuration-options/#packagerules."""
    path = f"tools/{tool}/go.mod"
    assert (ROOT / path).is_file()
    groups = [
        rule["groupName"]
        for rule in RENOVATE["packageRules"]
        if any(fnmatch(path, pattern) for pattern in rule.get("matchFileNames", []))
    ]
    assert groups[-1] == group


def test_renovate_has_one_rule_for_each_set_of_packages() -> None:
    packages = [tuple(rule["matchPackageNames"]) for rule in RENOVATE["packageRules"] if "matchPackageNames" in rule]
    assert len(packages) == len(set(packages))


def test_renovate_reads_every_file_that_pins_something() -> None:
    assert {"pip_requirements", "gomod", "maven", "github-actions", "docker-compose", "helm-values"} <= set(
        RENOVATE["enabledManagers"]
    )
