"""A region's control plane: a real API server, scheduler and controllers with simulated nodes, run by kwokctl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import yaml

from sandbox import kubeconfig, manifests, ports, processes, progress
from sandbox.layout import Layout, SandboxError
from sandbox.regions import ControlPlane

_START_SECONDS = 120
_SERVERS = len(manifests.PORTS_OF)


class Cluster:
    """Starts and removes one region's control plane. Every operation can be repeated.

    Set `abandoned` to make a `start` in another thread give up.
    """

    def __init__(self, layout: Layout, plane: ControlPlane, abandoned: threading.Event | None = None) -> None:
        self.layout = layout
        self.plane = plane
        self.directory = layout.clusters / "clusters" / plane.name
        self.kubeconfig = layout.kubeconfigs / f"{plane.name}.yaml"
        self._abandoned = abandoned or threading.Event()
        self._requested = layout.clusters / f"{plane.name}.yaml"
        self._metrics_apis = layout.clusters / "metrics-api" / plane.name

    @property
    def exists(self) -> bool:
        """Whether the control plane was created, running or not."""
        return (self.directory / "kwok.yaml").is_file()

    @property
    def servers(self) -> list[str]:
        """Names of the running servers, sorted."""
        return sorted(processes.server_name(process) for process in processes.servers_of(self.directory))

    def start(self) -> float:
        """Create or resume the control plane and wait until it is usable; return the seconds."""
        begin = time.monotonic()
        try:
            self._discard_unfinished()
            self._require_free_ports()
            self._start_missing_servers()
            kubeconfig.write(self.kubeconfig, self.kubeconfig_for(self.plane.context))
            self._await_usable(begin + _START_SECONDS)
        except OSError as error:
            raise SandboxError(f"Region {self.plane.name}: its control plane does not start: {error}") from error
        return time.monotonic() - begin

    def remove(self) -> None:
        """Kill the control plane and delete its data. Raises `SandboxError` if a process does not end."""
        self._remove_volumes()
        if stubborn := processes.kill(processes.servers_of(self.directory)):
            pids = ", ".join(str(process.pid) for process in stubborn)
            raise SandboxError(f"Region {self.plane.name}: processes {pids} do not end; end them by hand (kill -9).")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.kubeconfig.unlink(missing_ok=True)
        self._requested.unlink(missing_ok=True)
        shutil.rmtree(self._metrics_apis, ignore_errors=True)

    def _configuration(self) -> Path:
        saved = self.directory / "kwok.yaml"
        if saved.is_file():
            return saved
        try:
            found = ports.free(len(manifests.PORT_NAMES), ports.of_region(self.plane.slot))
        except ValueError as error:
            raise SandboxError(f"Region {self.plane.name}: {error}. End the processes that listen there.") from error
        documents = manifests.kwokctl_configuration(
            self.layout.bin,
            dict(zip(manifests.PORT_NAMES, found, strict=True)),
            self.plane.slot,
            metrics_api=self._metrics_api(),
        )
        path = self._requested
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False))
        return path

    def _metrics_api(self) -> Path:
        """Return a new copy of the objects of the metrics API, for the control plane that is about to be created.

        kwokctl caches what it renders from them by the folder's path, and all kwokctl of a sandbox share the cache. At
        another path none reads what an older version, another one at the same time, or a killed one wrote there.
        """
        shutil.rmtree(self._metrics_apis, ignore_errors=True)
        self._metrics_apis.mkdir(parents=True)
        return Path(shutil.copytree(manifests.METRICS_API, Path(tempfile.mkdtemp(dir=self._metrics_apis)) / "api"))

    def _saved(self) -> dict[str, Any]:
        """kwokctl's file about the control plane; empty if missing or incomplete.

        kwokctl first writes the file without `components`, then makes certificates. After an interruption it would take
        the incomplete file for the whole.
        """
        try:
            documents: list[Any] = list(yaml.safe_load_all((self.directory / "kwok.yaml").read_text()))
        except (FileNotFoundError, yaml.YAMLError):
            return {}
        written = [item for item in documents if isinstance(item, dict) and item.get("kind") == "KwokctlConfiguration"]
        return written[0] if written and written[0].get("components") else {}

    def _discard_unfinished(self) -> None:
        if self.directory.exists() and not self._saved():
            progress.say(
                f"Region {self.plane.name}: its control plane was incomplete and is created again. "
                "If it held a stack, run `pulumi refresh`."
            )
            self._discard()

    def _discard(self) -> None:
        processes.kill(processes.servers_of(self.directory))
        shutil.rmtree(self.directory, ignore_errors=True)

    def _require_free_ports(self) -> None:
        """Raise if another program took one of the control plane's fixed ports while it did not run."""
        running, options = self.servers, self._saved().get("options") or {}
        for server, names in manifests.PORTS_OF.items():
            taken = [options[name] for name in names if name in options and not ports.is_free(options[name])]
            if taken and server not in running:
                listener = processes.listener_on(taken[0])
                raise SandboxError(
                    f"Region {self.plane.name}: port {taken[0]}, on which its {server} listens, is in use"
                    f"{f' ({listener})' if listener else ''}. End that process, such as another checkout's "
                    "sandbox. To use other ports, run `make down` for the stack and `make up` again."
                )

    def _start_missing_servers(self) -> None:
        """Let kwokctl create the control plane or restart its missing servers, and wait for its API."""
        if len(self.servers) == _SERVERS:
            return
        self._forget_dead_servers()
        is_new = not self.exists
        failure = self._run_kwokctl()
        if failure is not None and is_new and not self._abandoned.is_set():
            # On a busy machine the API server may end while kwokctl writes the first objects. Nothing is lost yet.
            self._discard()
            failure = self._run_kwokctl()
        if failure is not None:
            raise SandboxError(f"Region {self.plane.name}: its control plane does not start.\n{failure}")

    def _run_kwokctl(self) -> str | None:
        """Create or resume the control plane; return what was said if that failed."""
        command = [str(self.layout.bin / "kwokctl"), "create", "cluster", "--name", self.plane.name, "--kubeconfig="]
        with subprocess.Popen(
            [*command, f"--config={self._configuration()}"],
            env={**os.environ, "KWOK_WORKDIR": str(self.layout.clusters)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as kwokctl:
            said = self._output_unless_abandoned(kwokctl)
        return self._failure(said) if kwokctl.returncode != 0 else None

    def _output_unless_abandoned(self, process: subprocess.Popen[str]) -> str:
        while True:
            try:
                return process.communicate(timeout=0.5)[1]
            except subprocess.TimeoutExpired:
                if self._abandoned.is_set():
                    process.kill()

    def _failure(self, said: str) -> str:
        """The last lines of kwokctl's and the servers' output."""
        parts = [said.strip()[-1500:]]
        for log in sorted((self.directory / "logs").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-5:]
            parts.append("\n".join([f"{log}:", *lines]))
        return "\n".join(parts)

    def _forget_dead_servers(self) -> None:
        """Remove ids of processes that are not ours: after a reboot they may belong to others."""
        ours = {process.pid for process in processes.servers_of(self.directory)}
        for file in (self.directory / "pids").glob("*.pid"):
            if not file.read_text().strip().isdigit() or int(file.read_text()) not in ours:
                file.unlink()

    def kubeconfig_for(self, context: str) -> dict[str, Any]:
        """A kubeconfig with one context, of this name, for the control plane."""
        return kubeconfig.build(context, self._server(), self.directory / "pki")

    def _server(self) -> str:
        return f"https://{manifests.LOOPBACK}:{self._saved()['options']['kubeApiserverPort']}"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl against this control plane; return its output."""
        target = ("--kubeconfig", str(self.kubeconfig), "--request-timeout=10s")
        command = [str(self.layout.bin / "kubectl"), *target, *arguments]
        return subprocess.run(command, input=stdin or "", capture_output=True, text=True)

    def _await_usable(self, deadline: float) -> None:
        """Wait for the nodes and for the default service account, without which no pod can be created.

        On a busy machine the controller manager may give up before the API server answers and need another start.
        """
        objects = json.dumps(manifests.initial_objects(self.plane.name, self.plane.cloud, self.plane.slot))
        steps = (
            (("apply", "--server-side", "--force-conflicts", "--field-manager=sandbox", "-f", "-"), objects),
            (("get", "serviceaccount", "default", "--namespace=default"), None),
            (("wait", "--for=condition=Ready", "node", "--all", "--timeout=2s"), None),
        )
        for arguments, stdin in steps:
            while (run := self.kubectl(*arguments, stdin=stdin)).returncode != 0:
                if self._abandoned.wait(0.2) or time.monotonic() > deadline:
                    said = self._failure(run.stderr)
                    raise SandboxError(f"Region {self.plane.name}: its control plane does not become ready.\n{said}")
                self._start_missing_servers()

    def _remove_volumes(self) -> None:
        """Remove the empty directories that the volume provisioner made for existing volumes."""
        if not self.servers or not (self.layout.bin / "kubectl").is_file():
            return
        run = self.kubectl("get", "persistentvolumes", "--output=jsonpath={.items[*].spec.hostPath.path}")
        for path in map(Path, run.stdout.split() if run.returncode == 0 else ()):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
