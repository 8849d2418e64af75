"""The node agent: runs the containers of chosen pods as processes, each pod in a network namespace of its own.

It does what a kubelet does, for the pods whose containers all have a runner (`containers.ContainerRunner`): volumes,
init containers, sidecars, restarts, probes, the pod's status, and the orderly end of a deleted pod. All other pods stay
simulated. No image is pulled, limits of memory and CPU are not enforced, and processes see this machine's files.
"""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox import manifests, progress
from sandbox.controllers import netns, references, volumes
from sandbox.controllers.api import Api, ApiError, Informer, Object
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.names import Names
from sandbox.controllers.network import PodNetwork, RegionNetwork
from sandbox.controllers.running import Place, RunningContainer, now_text
from sandbox.layout import SandboxError

_FAILURES = (OSError, ApiError, SandboxError, ValueError, http.client.HTTPException)
_STEP_SECONDS = 0.1
_AGAIN_SECONDS = 1.0
_REFRESH_SECONDS = 10.0
_STOP_SECONDS = 5.0
_LIST_SECONDS = 30.0
_TOKEN_SECONDS = 3600


def is_run(pod: Mapping[str, Any], runners: Sequence[ContainerRunner]) -> bool:
    """Whether the agent runs this pod: every container has a runner, and no Job waits for its end."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or []}
    sidecars = [each for each in pod["spec"].get("initContainers") or [] if is_sidecar(each)]
    if "Job" in owners or pod["spec"].get("hostNetwork"):
        return False
    return all(runner_of(pod, each, runners) for each in [*sidecars, *pod["spec"]["containers"]])


def is_sidecar(container: Mapping[str, Any]) -> bool:
    """Whether an init container keeps running beside the others."""
    return container.get("restartPolicy") == "Always"


def runner_of(
    pod: Mapping[str, Any], container: Mapping[str, Any], runners: Sequence[ContainerRunner]
) -> ContainerRunner | None:
    """The first runner for the container."""
    return next((runner for runner in runners if runner.runs(pod, container)), None)


def path_of(pod: Mapping[str, Any]) -> str:
    """The pod's path at the API server."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


class NodeAgent:
    """Runs the pods of one region. `directory` gets their files and logs."""

    def __init__(
        self, network: RegionNetwork, api: Api, runners: Sequence[ContainerRunner], directory: Path, names: Names
    ) -> None:
        self.network, self.api, self.runners = network, api, tuple(runners)
        self.directory, self.names = directory, names
        self._pods: dict[str, _Pod] = {}
        self._informer = Informer(api, "/api/v1/pods", self._changed, self._gone)

    def start(self) -> None:
        """Take over the pods that are there, and those to come. Raises `SandboxError` if the server does not answer."""
        self._informer.start()
        if not self._informer.await_list(_LIST_SECONDS):
            raise SandboxError(f"Region {self.network.region}: its API server does not list the pods.")

    def stop(self) -> None:
        """End all processes. The pods go on as simulated ones."""
        self._informer.stop()
        for pod in list(self._pods.values()):
            pod.abandon()
        for pod in list(self._pods.values()):
            pod.join()
        release(self.api)

    @property
    def running(self) -> list[str]:
        """Namespace and name of the pods that run here, sorted."""
        return sorted(f"{pod.namespace}/{pod.pod_name}" for pod in list(self._pods.values()) if pod.is_alive())

    def namespace_of(self, pod: str) -> str:
        """The network namespace of the pod with this namespace and name. Raises KeyError."""
        places = {
            f"{each.namespace}/{each.pod_name}": each.place for each in list(self._pods.values()) if each.is_alive()
        }
        place = places[pod]
        if place is None:
            raise KeyError(pod)
        return place.namespace

    def _changed(self, item: Object) -> None:
        metadata, known = item["metadata"], self._pods.get(item["metadata"]["uid"])
        if known is not None:
            known.update(item)
            return
        if item.get("status", {}).get("phase") in {"Succeeded", "Failed"} or not is_run(item, self.runners):
            return
        if "deletionTimestamp" in metadata:
            _forget(self.api, item)
        elif item["status"].get("podIP") and item["spec"].get("nodeName") in self.network.nodes:
            self._pods[metadata["uid"]] = pod = _Pod(self, item)
            pod.start()

    def _gone(self, item: Object) -> None:
        pod = self._pods.pop(item["metadata"]["uid"], None)
        if pod is not None:
            pod.abandon()


def release(api: Api) -> None:
    """Make simulated pods of those that were run: without the mark, and ready. What was to be deleted then goes."""
    for item in api.get("/api/v1/pods")["items"]:
        if manifests.RUN_ANNOTATION in (item["metadata"].get("annotations") or {}):
            with suppress(*_FAILURES):
                api.patch(f"{path_of(item)}/status", {"status": _simulated(item)})
                api.patch(path_of(item), {"metadata": {"annotations": {manifests.RUN_ANNOTATION: None}}})


def _simulated(pod: Object) -> dict[str, Any]:
    statuses = [
        {"name": each["name"], "image": each["image"], "imageID": "", "ready": True, "started": True, "restartCount": 0}
        for each in pod["spec"]["containers"]
    ]
    running = [{**each, "state": {"running": {"startedAt": now_text()}}} for each in statuses]
    return {"phase": "Running", "conditions": conditions(ready=True, changed=now_text()), "containerStatuses": running}


def conditions(*, ready: bool, changed: str, initialised: bool = True) -> list[dict[str, str]]:
    """The conditions of a pod's status."""
    values = {"Initialized": initialised, "ContainersReady": ready, "Ready": ready}
    return [
        {
            "type": kind,
            "status": str(value),
            "lastTransitionTime": changed,
            **({} if value else {"reason": "ContainersNotReady"}),
        }
        for kind, value in values.items()
    ]


def _forget(api: Api, pod: Object) -> None:
    """Take a pod whose processes have ended out of the API server."""
    with suppress(*_FAILURES):
        api.delete(path_of(pod), {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}})


class _Pod(threading.Thread):
    """One pod, from its first process to its last."""

    def __init__(self, agent: NodeAgent, item: Object) -> None:
        metadata = item["metadata"]
        self.namespace, self.pod_name = str(metadata["namespace"]), str(metadata["name"])
        super().__init__(name=self.pod_name, daemon=True)
        self._agent, self._pod = agent, item
        self._short = netns.short(str(metadata["uid"]).rpartition("-")[2][-8:])
        self._directory = agent.directory / self.namespace / self.pod_name
        self.place: PodNetwork | None = None
        self._init: list[RunningContainer] = []
        self._main: list[RunningContainer] = []
        self._wake, self._abandoned = threading.Event(), threading.Event()
        self._written: dict[str, Any] = {}
        self._ready_since: tuple[bool, str] = (False, now_text())
        self._tokens: dict[str, tuple[float, str]] = {}
        self._refreshed = time.monotonic()
        self._reported = ""

    def update(self, item: Object) -> None:
        """Take a new state of the Pod."""
        self._pod = item
        if self._deleted:
            self._wake.set()

    def abandon(self) -> None:
        """End the processes at once."""
        self._abandoned.set()
        self._wake.set()

    @property
    def _deleted(self) -> bool:
        return "deletionTimestamp" in self._pod["metadata"]

    @property
    def _ending(self) -> bool:
        return self._deleted or self._abandoned.is_set()

    def run(self) -> None:
        """Run the pod until it is deleted or abandoned."""
        try:
            while not self._ending and not self._attempt(self._set_up):
                self._wake.wait(_AGAIN_SECONDS)
            while not self._ending and not self._attempt(self._initialise):
                self._wake.wait(_STEP_SECONDS)
            while not self._ending:
                self._attempt(self._tend)
                self._wake.wait(_STEP_SECONDS)
        finally:
            self._end()

    def _attempt(self, step: Callable[[], bool]) -> bool:
        """Whether the step is done. What goes wrong is said once, and tried again."""
        try:
            return step()
        except _FAILURES as error:
            if str(error) != self._reported and not self._ending:
                self._reported = str(error)
                progress.say(f"Pod {self.namespace}/{self.pod_name}: {error}")
            return False

    def _set_up(self) -> bool:
        agent, pod = self._agent, self._pod
        if manifests.RUN_ANNOTATION not in (pod["metadata"].get("annotations") or {}):
            agent.api.patch(path_of(pod), {"metadata": {"annotations": {manifests.RUN_ANNOTATION: "true"}}})
        self._write_status()
        volumes.prepare(self._directory)
        self._write_volumes()
        self.place = agent.network.add_pod(self._short, pod["spec"]["nodeName"], pod["status"]["podIP"])
        self._init = self._containers(self.place, pod["spec"].get("initContainers") or [])
        self._main = self._containers(self.place, pod["spec"]["containers"])
        return True

    def _containers(self, network: PodNetwork, specs: Sequence[Object]) -> list[RunningContainer]:
        place = Place(
            region=self._agent.network.region,
            network=network,
            directory=self._directory,
            hosts=self._agent.names.hosts_of(self.namespace),
            resolver=self._agent.names.resolver_of(self.namespace),
            forwards=self._agent.network.internet.forwards,
        )
        found = []
        for spec in specs:
            runner = runner_of(self._pod, spec, self._agent.runners)
            if runner is not None:
                found.append(RunningContainer(place, spec, runner, lambda: self._pod, self._read))
        return found

    def _initialise(self) -> bool:
        """Start the init containers one after the other; whether all have ended or, for sidecars, have started."""
        for container in self._init:
            if not container.tend_until_initialised(is_sidecar(container.spec)):
                self._write_status()
                return False
        return True

    def _tend(self) -> bool:
        for container in self._running:
            container.reconcile()
        if time.monotonic() - self._refreshed > _REFRESH_SECONDS:
            self._refreshed = time.monotonic()
            self._write_volumes()
        self._write_status()
        return True

    @property
    def _running(self) -> list[RunningContainer]:
        return [*(each for each in self._init if is_sidecar(each.spec)), *self._main]

    def _write_status(self) -> bool:
        """Tell the API server what has changed. True."""
        started = bool(self._main) and all(container.ran for container in self._main)
        ready = started and not self._ending and all(container.ready for container in self._running)
        if ready != self._ready_since[0]:
            self._ready_since = (ready, now_text())
        status = {
            "phase": "Running" if started else "Pending",
            "conditions": conditions(ready=ready, changed=self._ready_since[1], initialised=started),
            "containerStatuses": [container.status() for container in self._main],
            "initContainerStatuses": [each.status(ends=not is_sidecar(each.spec)) for each in self._init],
        }
        if status != self._written:
            self._agent.api.patch(f"{path_of(self._pod)}/status", {"status": status})
            self._written = status
        return True

    def _write_volumes(self) -> None:
        spec = self._pod["spec"]
        group = int((spec.get("securityContext") or {}).get("fsGroup", 0))
        for volume in spec.get("volumes") or []:
            files = references.files(self._pod, volume, self._read, self._token)
            volumes.write(self._directory / "volumes" / volume["name"], files, volumes.mode_of(volume, group), group)

    def _read(self, kind: str, name: str) -> dict[str, bytes] | None:
        found = self._agent.api.find(f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        return None if found is None else references.data_of(kind, found)

    def _token(self, projection: Mapping[str, Any]) -> str:
        """A token of the pod's service account; the same one until four fifths of its time are over."""
        audience, seconds = projection.get("audience", ""), int(projection.get("expirationSeconds", _TOKEN_SECONDS))
        until, token = self._tokens.get(audience, (0.0, ""))
        if time.monotonic() < until:
            return token
        metadata, account = self._pod["metadata"], self._pod["spec"].get("serviceAccountName", "default")
        bound = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
        audiences = {"audiences": [audience]} if audience else {}
        body = {"spec": {**audiences, "expirationSeconds": seconds, "boundObjectRef": bound}}
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
        token = str(self._agent.api.create(path, body)["status"]["token"])
        self._tokens[audience] = (time.monotonic() + 0.8 * seconds, token)
        return token

    def _end(self) -> None:
        """End the processes: in order if the pod was deleted, else at once."""
        if self._deleted and not self._abandoned.is_set():
            self._attempt(self._write_status)
            grace = float(self._pod["metadata"].get("deletionGracePeriodSeconds", 30))
            deadline = time.monotonic() + grace
            self._abandoned.wait(min(grace, max([each.drain_seconds for each in self._main], default=0.0)))
            end_all(self._main, max(deadline - time.monotonic(), 0.0), self._abandoned)
            end_all(self._init, _STOP_SECONDS, self._abandoned)
        else:
            end_all([*self._main, *self._init], _STOP_SECONDS, threading.Event())
        if self.place is not None:
            with suppress(*_FAILURES):
                self._agent.network.remove_pod(self.place)
        if self._deleted:
            _forget(self._agent.api, self._pod)


def end_all(containers: Sequence[RunningContainer], seconds: float, hurry: threading.Event) -> None:
    """Ask the processes to end, and kill those that still run after `seconds` or as soon as `hurry` is set."""
    for container in containers:
        container.terminate()
    deadline = time.monotonic() + seconds
    while any(container.alive for container in containers) and time.monotonic() < deadline and not hurry.is_set():
        time.sleep(0.05)
    for container in containers:
        with suppress(subprocess.TimeoutExpired):
            container.kill()
