"""A region's istiod: the real pilot-discovery, with what the program deployed to the region.

The process takes its arguments and environment from the Deployment `istiod`, its identity from the ServiceAccount, its
authority from the Secret `cacerts`, its mesh configuration from the ConfigMap `istio`, and the other regions from the
remote Secrets, which it reads itself.

Stock Envoy lacks the filters that only Istio's build of Envoy has, so istiod must not use them: see `WITHOUT_FILTERS`
and `mesh_configuration`. For that reason the mesh's own metrics (`istio_requests_total` and the like) are missing.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psutil
import yaml

from components.metadata import INJECTED
from components.namespaces import ISTIO
from sandbox import binaries, processes
from sandbox.controllers import istio_charts, references
from sandbox.controllers.api import MERGE, Api
from sandbox.controllers.containers import Process
from sandbox.controlplane import Cluster
from sandbox.layout import SandboxError

DISCOVERY: Final = "discovery"
"""Name of istiod's container."""
PODS: Final = "app=istiod"
"""Label of istiod's pods."""
PROXY_STATUS: Final = "sidecar.istio.io/status"
"""Annotation of the pods that have one."""
HTTP_PORT: Final = 8080
"""Port of the readiness probe and the debug pages."""
PLAIN_PORT, XDS_PORT, MONITORING_PORT, WEBHOOK_PORT = 15010, 15012, 15014, 15017
_MESH, _AUTHORITY = istio_charts.CONFIGURATION, "cacerts"
_INJECTED: Final = ",".join(f"{key}={value}" for key, value in INJECTED.items())
READ: Final = (_MESH, _AUTHORITY)
"""Names of the ConfigMap and of the Secret that become files of the process."""
ROOT_CONFIG_MAP: Final = "istio-ca-root-cert"
"""istiod writes the mesh's root certificate into a ConfigMap of this name in every namespace."""

WITHOUT_FILTERS: Final = {
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
}
"""Keep istiod from using the filters `istio.metadata_exchange` and `istio.alpn`, which stock Envoy lacks."""
_STATISTICS: Final = "prometheus"
"""The metrics provider whose filter, `istio.stats`, stock Envoy lacks."""

_REPLACING: Final = {"ReplicaSet", "StatefulSet", "DaemonSet"}
_TOKEN_SECONDS: Final = 7 * 24 * 3600
_READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.3
_ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Istiod:
    """Starts and stops a region's istiod. Every operation can be repeated."""

    cluster: Cluster
    directory: Path
    """Working directory, which belongs to this process alone."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """More environment variables."""
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False, compare=False)

    @cached_property
    def loopback(self) -> str:
        """Its own loopback address, on which it has the ports of its container."""
        return loopback_address(self._api.port)

    @property
    def log(self) -> Path:
        """Output of the process: one JSON object a line, as the program's values ask for."""
        return self.directory / "istiod.log"

    @property
    def running(self) -> bool:
        """Whether the process runs, ready or not."""
        return bool(self._processes())

    def start(self) -> None:
        """Start it, wait until it is ready, and let the API server call its webhooks.

        Raises `SandboxError` with the end of the log if something of that does not happen.
        """
        self.launch()
        self.open()

    def launch(self) -> None:
        """Start the process if it does not run. It ends with the calling thread, however that ends."""
        if not self.running:
            istio_charts.complete(self.cluster)
            self.refresh()
            self._launch(self.process())

    def open(self) -> None:
        """Wait until it is ready, and let the API server call its webhooks."""
        self._await(self.is_ready, "does not become ready")
        istio_charts.install_webhooks(self.cluster, f"https://{self.loopback}:{WEBHOOK_PORT}")
        istio_charts.release_pods(self.cluster)
        self._await(self._webhooks_trusted, "does not put its authority into the webhooks")
        self._await(self._root_published, f"does not write the ConfigMap {ROOT_CONFIG_MAP}")

    def stop(self) -> None:
        """Take the webhooks away, so that pods can be created without it, and end the process."""
        try:
            if "kube-apiserver" in self.cluster.servers:
                istio_charts.remove_webhooks(self.cluster)
        finally:
            processes.stop(self._processes())
            while self._children:
                self._children.pop().wait()
            self._api.close()

    def publish(self, address: str) -> None:
        """Let the Service istiod lead to this address, where pods reach the process on its container's ports.

        Its simulated pods get the address, so that the Service's endpoints are those of any other Service.
        """
        for pod in self._api.get(_collection("pods", {"labelSelector": PODS}))["items"]:
            if (pod.get("status") or {}).get("podIP") not in (None, address):
                status = {"podIP": address, "podIPs": [{"ip": address}]}
                self._api.patch(f"{_collection('pods')}/{pod['metadata']['name']}/status", {"status": status}, MERGE)

    def inject(self) -> list[str]:
        """Delete the pods that should have a proxy and have none; return their namespaces and names.

        They were created before the webhook. Their controllers replace them at once.
        """
        namespaces = set(self._injected())
        pods = self._api.get("/api/v1/pods")["items"]
        found = [pod["metadata"] for pod in pods if pod["metadata"]["namespace"] in namespaces and lacks_proxy(pod)]
        for metadata in found:
            self._api.delete(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}")
        return sorted(f"{metadata['namespace']}/{metadata['name']}" for metadata in found)

    def refresh(self) -> None:
        """Write the files of the process as the region has them now. A running process notices changes."""
        configuration = self._api.get(f"{_collection('configmaps')}/{_MESH}")["data"]["mesh"]
        self._write("etc/istio/config/mesh", mesh_configuration(configuration))
        for name, content in (self._api.get(f"{_collection('secrets')}/{_AUTHORITY}").get("data") or {}).items():
            self._write(f"etc/{_AUTHORITY}/{name}", base64.b64decode(content).decode())

    def process(self) -> Process:
        """Command, environment and working directory, from the Deployment that the program made.

        Writes the kubeconfig with istiod's identity first. Raises `ApiError` if the Deployment is missing.
        """
        deployment = self._api.get(f"/apis/apps/v1/namespaces/{ISTIO}/deployments/istiod")
        template = deployment["spec"]["template"]
        pod = {**template, "metadata": {"name": "istiod", "namespace": ISTIO, "uid": ""}}
        discovery = next(each for each in pod["spec"]["containers"] if each["name"] == DISCOVERY)
        environment = references.environment(pod, discovery, lambda _kind, _name: None)
        access = self._write("kubeconfig", json.dumps(self._access()))
        own = {
            "KUBECONFIG": str(access),
            # The address is in the certificate, so that the API server trusts the webhooks.
            "ISTIOD_CUSTOM_HOST": self.loopback,
            # There is only one, and a killed one would keep its leases.
            "ENABLE_LEADER_ELECTION": "false",
        }
        program = binaries.path_of(self.cluster.layout, binaries.PILOT_DISCOVERY)
        return Process(
            command=[str(program), *references.command(discovery, environment), *self._addresses(access)],
            environment={**environment, **WITHOUT_FILTERS, **own, **self.extra},
            directory=self.directory,
        )

    def is_ready(self) -> bool:
        """Whether it answers its readiness probe."""
        try:
            self.answer("/ready")
        except OSError:
            return False
        return True

    def debug(self, page: str) -> Any:
        """The JSON of a page under /debug, such as `syncz`. Raises `OSError` if there is none."""
        return json.loads(self.answer(f"/debug/{page}"))

    def answer(self, path: str) -> str:
        """The answer to a request to its HTTP port. Raises `OSError` unless the status is 200."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.loopback}:{HTTP_PORT}{path}", timeout=_ANSWER_SECONDS) as response:
            return bytes(response.read()).decode()

    @property
    def _region(self) -> str:
        return f"Region {self.cluster.plane.name}"

    @cached_property
    def _api(self) -> Api:
        return Api(self.cluster.kubeconfig)

    def _addresses(self, access: Path) -> list[str]:
        """Arguments about where it listens and which API server it uses. They override those of the Deployment."""
        return [
            f"--kubeconfig={access}",
            f"--httpAddr={self.loopback}:{HTTP_PORT}",
            f"--httpsAddr={self.loopback}:{WEBHOOK_PORT}",
            f"--monitoringAddr={self.loopback}:{MONITORING_PORT}",
            f"--grpcAddr={self.loopback}:{PLAIN_PORT}",
            f"--secureGRPCAddr={self.loopback}:{XDS_PORT}",
            "--ctrlz_port=0",
        ]

    def _access(self) -> dict[str, Any]:
        """A kubeconfig with the ServiceAccount's rights."""
        asked = {"spec": {"expirationSeconds": _TOKEN_SECONDS}}
        answer = self._api.create(f"{_collection('serviceaccounts')}/istiod/token", asked)
        admin = self.cluster.kubeconfig_for(self.cluster.plane.context)
        return {**admin, "users": [{**admin["users"][0], "user": {"token": answer["status"]["token"]}}]}

    def _webhooks_trusted(self) -> bool:
        group = "/apis/admissionregistration.k8s.io/v1"
        query = urlencode({"labelSelector": istio_charts.SELECTOR})
        found = [
            webhook
            for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
            for each in self._api.get(f"{group}/{kind}?{query}")["items"]
            for webhook in each["webhooks"]
        ]
        return bool(found) and all(webhook["clientConfig"].get("caBundle") for webhook in found)

    def _root_published(self) -> bool:
        query = urlencode({"fieldSelector": f"metadata.name={ROOT_CONFIG_MAP}"})
        written = {each["metadata"]["namespace"] for each in self._api.get(f"/api/v1/configmaps?{query}")["items"]}
        return written.issuperset(self._injected())

    def _injected(self) -> list[str]:
        """The namespaces whose pods get proxies."""
        found = self._api.get(f"/api/v1/namespaces?{urlencode({'labelSelector': _INJECTED})}")["items"]
        return [str(each["metadata"]["name"]) for each in found]

    def _write(self, name: str, content: str) -> Path:
        """Write a file that only its owner can read, unless it has this content."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text() != content:
            temporary = path.with_name(f".{path.name}.new")
            temporary.touch(mode=0o600)
            temporary.write_text(content)
            temporary.replace(path)
        return path

    def _launch(self, process: Process) -> None:
        with self.log.open("wb") as log:
            child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *process.command],
                env=inherited(process.environment),
                cwd=process.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)

    def _processes(self) -> list[psutil.Process]:
        mark = f"--kubeconfig={self.directory / 'kubeconfig'}"
        return [process for process in psutil.process_iter() if mark in _command(process)]

    def _await(self, happens: Callable[[], bool], failure: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not happens():
            if time.monotonic() > deadline or not self.running:
                end = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
                raise SandboxError(f"{self._region}: istiod {failure}.\n{end}")
            time.sleep(_POLL_SECONDS)


def _collection(kind: str, query: Mapping[str, str] | None = None) -> str:
    """Path of the objects of a kind of the core group in istiod's namespace."""
    return f"/api/v1/namespaces/{ISTIO}/{kind}{'?' if query else ''}{urlencode(query or {})}"


def lacks_proxy(pod: Mapping[str, Any]) -> bool:
    """Whether a pod of a namespace with injection was created without, and has a controller that replaces it."""
    metadata = pod["metadata"]
    refused = (metadata.get("labels") or {}).get("sidecar.istio.io/inject") == "false"
    owners = {owner["kind"] for owner in metadata.get("ownerReferences") or ()}
    return PROXY_STATUS not in (metadata.get("annotations") or {}) and not refused and bool(owners & _REPLACING)


def loopback_address(port: int) -> str:
    """A loopback address that belongs to the server on this port of 127.0.0.1, so that all have the usual ports."""
    return f"127.{port >> 8}.{port & 255}.1"


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with those variables of this process that mark the processes of a test run."""
    marks = {name: value for name, value in os.environ.items() if name.startswith("SACRED_COUNCIL_")}
    return {"PATH": os.defpath, **marks, **environment}


def mesh_configuration(text: str) -> str:
    """The mesh configuration (YAML) without the metrics provider that stock Envoy lacks."""
    configuration = yaml.safe_load(text) or {}
    providers = dict(configuration.get("defaultProviders") or {})
    metrics = [name for name in providers.pop("metrics", None) or () if name != _STATISTICS]
    left = {**providers, **({"metrics": metrics} if metrics else {})}
    others = {key: value for key, value in configuration.items() if key != "defaultProviders"}
    return yaml.safe_dump({**others, **({"defaultProviders": left} if left else {})}, sort_keys=True)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
