"""Sandboxes with Istio's real charts, and what istiod and its proxies say about their configuration."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.namespaces import INGRESS, SERVICES
from sandbox import binaries, control_planes
from sandbox.charts.repositories import DOWNLOAD_VARIABLE, FOLDER_VARIABLE
from sandbox.controllers import istio_charts
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.egress import egress_addresses
from sandbox.controllers.istio import PROXY_STATUS, Istiod
from sandbox.controllers.mesh import Mesh
from sandbox.controllers.stack import StackControllers
from sandbox.controlplane import Cluster
from sandbox.layout import Layout
from tests.support.sandboxes import Sandbox

NEEDED = (*binaries.ISTIO, binaries.HELM)
STARTING = {
    r"is not ready|^error controllers: error handling istiod-default-validator, .*webhook is not ready": "it starts",
    r"Request to probe app failed: .*refused": "the program in the pod starts",
    r"ca request failed, starting attempt|15012: connect": "until the Service istiod has an endpoint, it refuses",
    r"slow startup task|INFO (memory is not limited|GOMEMLIMIT is already set)": "a busy machine, and no container",
    r"could not read node version .*malformed version: kwok-": "KWOK's nodes have its own version",
    r"Could not find either istio-init or istio-validation container": "gateways have neither",
}
"""Complaints of every istiod here that are no fault of the program, as patterns with their reasons."""


@contextmanager
def deployed(folder: Path, stack: str, settings: Mapping[str, object] | None = None) -> Iterator[Sandbox]:
    """The stack, deployed with the charts of Istio's module; taken down afterwards."""
    layout = Layout.from_environment()
    missing = [binary.name for binary in NEEDED if not binaries.path_of(layout, binary).is_file()]
    if missing:
        pytest.skip(f"{', '.join(missing)} are not built: `python -m sandbox build --campaigns` builds them")
    istio_charts.write_packages(folder / "charts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "charts"))
        patch.setenv(DOWNLOAD_VARIABLE, "off")
        sandbox = Sandbox.of(folder / "project", stack, saves_once=True)
        if settings:
            sandbox.configure(settings)
        try:
            sandbox.run("up", stack)
            yield sandbox
        finally:
            sandbox.take_down()


def clusters(sandbox: Sandbox) -> list[Cluster]:
    """The control planes of the sandbox's regions."""
    built = Layout.from_environment().binaries
    layout = Layout(project=sandbox.folder, home=sandbox.folder / ".sandbox", binaries=built)
    return control_planes.clusters(layout, sandbox.stack)


@contextmanager
def control_planes_of_the_mesh(sandbox: Sandbox, **environment: str) -> Iterator[dict[str, Istiod]]:
    """A ready istiod for each region, by region; stopped afterwards."""
    with ExitStack() as stack:
        started = {}
        for cluster in clusters(sandbox):
            directory = cluster.layout.home / "istiod" / cluster.plane.name
            istiod = Istiod(cluster, directory, extra=environment)
            stack.callback(istiod.stop)
            istiod.start()
            started[cluster.plane.name] = istiod
        yield started


@contextmanager
def meshed(sandbox: Sandbox, runners: Sequence[ContainerRunner] = ()) -> Iterator[tuple[StackControllers, Mesh]]:
    """Networks, pods and meshes of the sandbox's regions; ended afterwards.

    `runners` run containers of more pods than those of services and gateways.
    """
    found = clusters(sandbox)
    layout = found[0].layout
    mesh = Mesh(layout, sandbox.stack)
    egress = egress_addresses(layout, sandbox.stack)
    stack = StackControllers(layout, sandbox.stack, found, (*mesh.runners(), *runners), egress)
    stack.start()
    try:
        mesh.start(stack)
        yield stack, mesh
    finally:
        mesh.stop()
        stack.stop()


def complaints(istiod: Istiod, expected: Mapping[str, str]) -> list[str]:
    """Warnings and errors in istiod's log, see `complaints_in`."""
    return complaints_in(istiod.log, expected)


def complaints_in(log: Path, expected: Mapping[str, str]) -> list[str]:
    """Warnings and errors in a log, but for those that a pattern (key of `expected`, with its reason) matches."""
    entries = entries_of(log)
    found = [f"{entry['level']} {entry.get('scope', '')}: {entry['msg']}" for entry in entries if "level" in entry]
    grave = [text for text in found if not text.startswith(("debug ", "info "))]
    return [text for text in grave if not any(re.search(pattern, text) for pattern in expected)]


def entries_of(log: Path) -> list[dict[str, Any]]:
    """The lines of the log, but for one that is being written."""
    return [_entry_of(line) for line in log.read_text(errors="replace").split("\n")[:-1]]


def _entry_of(line: str) -> dict[str, Any]:
    """A line of the log. One that is no JSON was written past the logger, such as a panic."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {"level": "unknown", "msg": line}
    return entry if isinstance(entry, dict) else {"level": "unknown", "msg": line}


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod has a proxy and gets requests."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return PROXY_STATUS in pod["metadata"].get("annotations", {}) and conditions.get("Ready") == "True"


def pods(istiod: Istiod, namespace: str) -> list[dict[str, Any]]:
    """The pods of a namespace that are not being deleted."""
    found = istiod.cluster.kubectl("get", "pods", f"--namespace={namespace}", "--output=json")
    assert found.returncode == 0, found.stderr
    return [pod for pod in json.loads(found.stdout)["items"] if "deletionTimestamp" not in pod["metadata"]]


def all_ready(istiod: Istiod, least: int = 1) -> bool:
    """Whether at least so many pods should have a proxy, and all of them get requests."""
    found = [pod for namespace in (INGRESS, SERVICES) for pod in pods(istiod, namespace)]
    return len(found) >= least and all(map(is_ready, found))


def rejected(value: Any, path: str = "") -> list[str]:
    """What Envoy has rejected: the error states anywhere in its dumped configuration, with their paths."""
    if isinstance(value, Mapping):
        own = [f"{path}: {value['error_state']}"] if "error_state" in value else []
        return [*own, *(found for key, each in value.items() for found in rejected(each, f"{path}/{key}"))]
    if isinstance(value, list):
        return [found for index, each in enumerate(value) for found in rejected(each, f"{path}/{index}")]
    return []


def proxy_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The container of the pod's proxy, which may be a native sidecar."""
    containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    (proxy,) = [container for container in containers if container["name"] == "istio-proxy"]
    return dict(proxy)


def creates(istiod: Istiod, pod: Mapping[str, Any]) -> str:
    """Ask the API server to create the pod again under another name, without doing it; return its objection."""
    metadata = pod["metadata"]
    copied = {key: metadata[key] for key in ("namespace", "labels", "annotations")}
    # The API server has completed how pods are spread, and refuses to complete that once more.
    left_out = {"nodeName", "topologySpreadConstraints"}
    spec = {key: value for key, value in pod["spec"].items() if key not in left_out}
    again = {"apiVersion": "v1", "kind": "Pod", "metadata": {**copied, "name": "again"}, "spec": spec}
    said = istiod.cluster.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(again))
    return said.stderr.strip()


def webhooks(istiod: Istiod) -> list[str]:
    """Names of the region's webhook configurations that the sandbox added for istiod, sorted."""
    kinds, selector = ",".join(istio_charts.WEBHOOKS), f"--selector={istio_charts.SELECTOR}"
    found = istiod.cluster.kubectl("get", kinds, selector, "--output=jsonpath={.items[*].metadata.name}")
    assert found.returncode == 0, found.stderr
    return sorted(found.stdout.split())
