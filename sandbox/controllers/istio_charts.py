"""Istio's objects in a region, rendered by Helm from the charts in Istio's own Go module.

The values are those that the program gave to its releases. A region has the objects of a real chart without the webhook
configurations, which the sandbox takes out; the objects of a substitute are fewer. `complete` adds what a region lacks.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from components.metadata import INJECTED
from components.namespaces import ISTIO
from components.versions import ISTIO_VERSION
from sandbox import binaries, documents, golang
from sandbox.charts import packages
from sandbox.controllers.api import Api
from sandbox.controlplane import Cluster
from sandbox.layout import SandboxError

Manifest = dict[str, Any]

MODULE: Final = "istio.io/istio"
CONFIGURATION: Final = "istio"
"""Name of the ConfigMap with the mesh's configuration."""
TOOL: Final = "istio"
_CHARTS: Final = Path("manifests", "charts")
_BOOTSTRAP: Final = Path("tools", "packaging", "common", "envoy_bootstrap.json")
CHARTS: Final = {
    "base": "base",
    "istiod": "istio-control/istio-discovery",
    "cni": "istio-cni",
    "gateway": "gateway",
}
"""Folders of the charts in the module, by the charts' published names."""

WEBHOOKS: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
MARK: Final = {"sandbox.sacred-council.love/controllers": "istio"}
"""Label of the webhook configurations that the sandbox adds, and removes again."""
SELECTOR: Final = ",".join(f"{key}={value}" for key, value in MARK.items())
_MANAGER: Final = "sandbox-controllers"
_HOLD: Final = "sandbox-istiod-awaited"
"""Name of the webhook that keeps pods waiting for istiod, see `hold_pods`."""
_NOBODY: Final = "https://127.0.0.1:1"
"""A URL at which nothing listens."""
"""Label of the namespaces whose pods get proxies."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """A Helm release of an Istio chart."""

    name: str
    namespace: str
    chart: str
    """Published name of the chart."""


_CONTROL_PLANE: Final = ("base", "istiod")
_USED: Final = (*_CONTROL_PLANE, "gateway")
"""Charts whose objects count here, by name, in the order in which they are applied."""


@cache
def source() -> Path:
    """Go's folder with Istio's module, downloaded if necessary."""
    return golang.module_folder(golang.find_or_install(), binaries.TOOLS / TOOL, MODULE)


def bootstrap_template(module: Path) -> Path:
    """The template of Envoy's configuration file, which Istio's image has."""
    return module / _BOOTSTRAP


def write_packages(folder: Path) -> list[Path]:
    """Write the module's charts as packages of the version that the program pins; return their paths.

    They are charts of the commit in `tools/istio`, which may be a little newer than the published ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    module = source()
    written = []
    for name, path in CHARTS.items():
        target = folder / f"{name}-{ISTIO_VERSION}.tgz"
        target.write_bytes(packages.write(_files(module / _CHARTS / path, name)))
        written.append(target)
    return written


def _files(chart: Path, name: str) -> packages.Files:
    files = {
        f"{name}/{path.relative_to(chart)}": path.read_bytes() for path in sorted(chart.rglob("*")) if path.is_file()
    }
    about = documents.read_mapping(files[f"{name}/Chart.yaml"].decode(), f"{chart}/Chart.yaml")
    released = {**about, "name": name, "version": ISTIO_VERSION, "appVersion": ISTIO_VERSION}
    return {**files, f"{name}/Chart.yaml": json.dumps(released).encode()}


def complete(cluster: Cluster) -> None:
    """Add what substitutes of the charts lack, but no webhooks (see `install_webhooks`)."""
    for release in releases(cluster):
        if _is_substitute(cluster, release):
            objects = [each for each in render(cluster, release) if each["kind"] not in WEBHOOKS]
            _make_way(cluster, objects)
            _apply(cluster, objects)


def install_webhooks(cluster: Cluster, url: str) -> None:
    """Add Istio's webhook configurations, answered at `url` (https://host:port) in place of the Service istiod."""
    control_plane = [release for release in releases(cluster) if release.chart in _CONTROL_PLANE]
    objects = [each for release in control_plane for each in render(cluster, release)]
    _apply(cluster, [answered_at(each, url) for each in objects if each["kind"] in WEBHOOKS])


def hold_pods(cluster: Cluster) -> None:
    """Let the API server refuse pods that should have a proxy, until `release_pods`.

    That is what Istio's own webhook does while no istiod runs. Controllers try again.
    """
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "istiod-awaited.sandbox.sacred-council.love",
        "clientConfig": {"url": _NOBODY},
        "namespaceSelector": {"matchLabels": INJECTED},
        "rules": [pods],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    _apply(
        cluster,
        [
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": _HOLD, "labels": MARK},
                "webhooks": [webhook],
            }
        ],
    )


def release_pods(cluster: Cluster) -> None:
    """Refuse them no longer. Does nothing if none are held."""
    _kubectl(cluster, "delete", "validatingwebhookconfiguration", _HOLD, "--ignore-not-found")


def remove_webhooks(cluster: Cluster) -> None:
    """Remove these configurations. Does nothing if there are none."""
    _kubectl(cluster, "delete", ",".join(WEBHOOKS), f"--selector={SELECTOR}", "--ignore-not-found")


def forget(api: Api) -> None:
    """Do the same after a killed run: without istiod these webhooks refuse every pod."""
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        api.delete(f"/apis/admissionregistration.k8s.io/v1/{kind}?{urlencode({'labelSelector': SELECTOR})}")


def answered_at(configuration: Mapping[str, Any], url: str) -> Manifest:
    """The webhook configuration with a URL in place of each Service, and with the sandbox's label."""
    webhooks = [
        {**webhook, "clientConfig": {"url": f"{url}{webhook['clientConfig']['service']['path']}"}}
        for webhook in configuration["webhooks"]
    ]
    metadata = configuration["metadata"]
    marked = {**metadata, "labels": {**(metadata.get("labels") or {}), **MARK}}
    return {**configuration, "metadata": marked, "webhooks": webhooks}


def has_mesh(cluster: Cluster) -> bool:
    """Whether the program deployed a mesh to the region. Asks without Helm, which may not be built."""
    where = (f"--namespace={ISTIO}", "--ignore-not-found", "--output=name")
    return bool(_kubectl(cluster, "get", "configmap", CONFIGURATION, *where).strip())


def is_deployed(cluster: Cluster) -> bool:
    """Whether the program has deployed the whole control plane of a mesh to the region."""
    listed = json.loads(_helm(cluster, "list", "--all-namespaces", "--deployed", "--output=json"))
    return {*_CONTROL_PLANE} <= {str(each["chart"]).rpartition("-")[0] for each in listed}


def releases(cluster: Cluster) -> list[Release]:
    """The releases of Istio's charts in the region, in the order in which they depend on each other."""
    listed = json.loads(_helm(cluster, "list", "--all-namespaces", "--output=json"))
    found = [
        Release(name=each["name"], namespace=each["namespace"], chart=str(each["chart"]).rpartition("-")[0])
        for each in listed
    ]
    return sorted((each for each in found if each.chart in _USED), key=lambda each: _USED.index(each.chart))


def render(cluster: Cluster, release: Release) -> list[Manifest]:
    """The objects of a release, with the module's chart and the values that the program gave."""
    where = f"--namespace={release.namespace}"
    values = _helm(cluster, "get", "values", release.name, where, "--output=json")
    chart = source() / _CHARTS / CHARTS[release.chart]
    text = _helm(cluster, "template", release.name, str(chart), where, "--values=-", stdin=values)
    return [_placed(each, release.namespace) for each in documents.read(text, f"chart {release.chart}")]


_CLUSTER_WIDE: Final = frozenset(
    {
        *WEBHOOKS,
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    if manifest["kind"] in _CLUSTER_WIDE:
        return manifest
    return {**manifest, "metadata": {"namespace": namespace, **manifest["metadata"]}}


def _is_substitute(cluster: Cluster, release: Release) -> bool:
    """Whether the release was installed from the sandbox's substitute of the chart."""
    where = (f"substitute-{release.name}", f"--namespace={release.namespace}")
    return bool(_kubectl(cluster, "get", "configmap", *where, "--ignore-not-found", "--output=name").strip())


def _make_way(cluster: Cluster, objects: Iterable[Manifest]) -> None:
    """Delete the substitute's Deployments that select other pods: the API server changes no selector."""
    for each in objects:
        if each["kind"] == "Deployment":
            here = (f"--namespace={each['metadata']['namespace']}", "--ignore-not-found")
            found = _kubectl(cluster, "get", "deployment", each["metadata"]["name"], *here, "--output=json")
            if found.strip() and json.loads(found)["spec"]["selector"] != each["spec"]["selector"]:
                _kubectl(cluster, "delete", "deployment", each["metadata"]["name"], *here)


def _apply(cluster: Cluster, objects: Iterable[Manifest]) -> None:
    """Apply the objects, definitions of resources first. The API server refuses unknown fields by itself."""
    ordered = sorted(objects, key=lambda each: each["kind"] != "CustomResourceDefinition")
    options = ("--server-side", "--force-conflicts", f"--field-manager={_MANAGER}", "--validate=false")
    command = ("apply", *options, "--filename=-")
    for batch in _batches(ordered):
        _kubectl(cluster, *command, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": batch}))


def _batches(objects: list[Manifest], size: int = 50) -> Iterator[list[Manifest]]:
    for first in range(0, len(objects), size):
        yield objects[first : first + size]


def _kubectl(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    run = cluster.kubectl(*arguments, stdin=stdin)
    if run.returncode != 0:
        raise SandboxError(f"Region {cluster.plane.name}: kubectl {' '.join(arguments)} failed: {run.stderr.strip()}")
    return run.stdout


def _helm(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    helm = binaries.path_of(cluster.layout, binaries.HELM)
    command = [str(helm), *arguments, "--kubeconfig", str(cluster.kubeconfig)]
    run = subprocess.run(command, input=stdin or "", capture_output=True, text=True)
    if run.returncode != 0:
        raise SandboxError(f"Region {cluster.plane.name}: helm {' '.join(arguments)} failed: {run.stderr.strip()}")
    return run.stdout
