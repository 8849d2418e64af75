"""A container of a pod as a process: its start, its restarts, its probes and its status."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sandbox import manifests
from sandbox.controllers import netns, probes, references, volumes
from sandbox.controllers.api import Object
from sandbox.controllers.containers import ROOT_USER, Container, ContainerRunner, Process
from sandbox.controllers.forwards import Forwards
from sandbox.controllers.network import PodNetwork

_LONGEST_PAUSE = 30.0
_KILL_SECONDS = 5.0
_GIVE_UP_SECONDS = 10.0
_POD: Final = "/mnt"
"""Where a pod's processes see its directory. They ask for the real names of files, and the way to it is not theirs."""
_PRIVATE_FILES = f"""
for pair in "$1:/etc/hosts" "$2:/etc/resolv.conf"; do
  if [ -e "${{pair#*:}}" ]; then mount --bind "${{pair%%:*}}" "${{pair#*:}}"; fi
done
mount --bind "$3" {_POD}
cd "{_POD}/$4"
shift 4
exec "$@"
"""


def now_text() -> str:
    """The time, as Kubernetes writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the containers of a pod run."""

    region: str
    network: PodNetwork
    directory: Path
    hosts: Path
    """Stands in for /etc/hosts."""
    resolver: Path
    """Stands in for /etc/resolv.conf."""
    forwards: Forwards


def launch(place: Place, process: Process) -> list[str]:
    """The command that starts the process in the pod's network, with files of its own and as its user."""
    start = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _PRIVATE_FILES, "sh"]
    files = [str(place.hosts), str(place.resolver), str(place.directory)]
    files.append(str(process.directory.relative_to(place.directory)))
    rights: list[str] = []
    if process.user != ROOT_USER:
        identity = [f"--reuid={process.user}", f"--regid={process.group}", "--clear-groups"]
        rights = ["setpriv", *identity, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    return [*netns.entering(place.network.namespace), *start, *files, *rights, *process.command]


class RunningContainer:
    """One container. `pod` gives the Pod's newest state, `read` a ConfigMap or Secret of its namespace."""

    def __init__(
        self, place: Place, spec: Object, runner: ContainerRunner, pod: Callable[[], Object], read: references.Read
    ) -> None:
        self.spec = spec
        self._place, self._runner, self._pod, self._read = place, runner, pod, read
        self._directory = place.directory / str(spec["name"])
        self._process: subprocess.Popen[bytes] | None = None
        self._launched: Process | None = None
        self._listening: set[int] = set()
        self._restarts, self._exit_code = 0, 0
        self._began, self._ended, self._next_start, self._given_up = "", "", 0.0, 0.0
        self._schedules: dict[str, probes.Schedule] = {}

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def ran(self) -> bool:
        """Whether the process was started at least once."""
        return bool(self._began)

    @property
    def started(self) -> bool:
        """Whether the process runs, and its startup probe has passed."""
        return self.alive and self._passes("startupProbe", default=True)

    @property
    def ready(self) -> bool:
        """Whether the container may get requests."""
        return self.started and self._passes("readinessProbe", default=True)

    @property
    def drain_seconds(self) -> float:
        """How long the container goes on after its pod was deleted, before it is asked to end."""
        hook = (self.spec.get("lifecycle") or {}).get("preStop") or {}
        return float((hook.get("sleep") or {}).get("seconds", 0))

    def _passes(self, kind: str, *, default: bool) -> bool:
        if kind not in self.spec:
            return default
        schedule = self._schedules.get(kind)
        return schedule is not None and schedule.passing is True

    def tend_until_initialised(self, is_sidecar: bool) -> bool:
        """Start an init container if it is its turn; whether the next one may start."""
        if is_sidecar:
            self.reconcile()
            return self.started
        if self.ran and not self.alive:
            self._note_end()
            if self._exit_code == 0:
                return True
        if not self.alive:
            self._start_when_due()
        return False

    def reconcile(self) -> None:
        """Start the process if it does not run, and make the probes that are due.

        Raises what the runner raises, and `references.MissingError`.
        """
        if not self.alive:
            self._note_end()
            self._start_when_due()
            return
        now = time.monotonic()
        kinds = ("readinessProbe", "livenessProbe") if self.started else ("startupProbe",)
        for kind in kinds:
            schedule = self._schedules.get(kind)
            if schedule is not None and schedule.due <= now:
                self._probe(schedule)
        if any(self._failed(kind) for kind in ("startupProbe", "livenessProbe")):
            self._give_up(now)

    def _give_up(self, now: float) -> None:
        """End a process whose probes fail, with force if it does not end by itself."""
        self._given_up = self._given_up or now
        if now - self._given_up > _GIVE_UP_SECONDS:
            self._signal(signal.SIGKILL)
        else:
            self.terminate()

    def _failed(self, kind: str) -> bool:
        schedule = self._schedules.get(kind)
        return schedule is not None and schedule.passing is False

    def _probe(self, schedule: probes.Schedule) -> None:
        network = self._place.network
        good = probes.attempt(
            schedule.probe, self.spec, network.address, network.node, schedule.seconds, self._run_command
        )
        schedule.record(good, time.monotonic())

    def _run_command(self, command: list[str], seconds: float) -> bool:
        if self._launched is None:
            return False
        process = replace(self._launched, command=command)
        environment = dict(process.environment)
        with suppress(subprocess.TimeoutExpired):
            run = subprocess.run(
                launch(self._place, process),
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
            )
            return run.returncode == 0
        return False

    def _note_end(self) -> None:
        """Note that the process has ended, and when the next one may start."""
        if self._process is None:
            return
        self._exit_code, self._ended = self._process.returncode, now_text()
        pause = 0.5 * 2**self._restarts if self._restarts < 6 else _LONGEST_PAUSE
        self._restarts += 1
        self._next_start = time.monotonic() + min(pause, _LONGEST_PAUSE)
        self._process = None
        self._given_up = 0.0
        self._schedules = {}

    def _start_when_due(self) -> None:
        if time.monotonic() >= self._next_start:
            self._next_start = time.monotonic() + 1.0
            self._start()

    def _start(self) -> None:
        pod, root = self._pod(), self._directory / "root"
        variables = references.environment(pod, self.spec, self._read)
        volumes.mount(root, self.spec, self._place.directory / "volumes", variables)
        container = Container(
            region=self._place.region,
            pod=pod,
            spec=self.spec,
            command=references.command(self.spec, variables),
            environment=variables,
            directory=self._directory,
            root=root,
            namespace=self._place.network.namespace,
        )
        process = self._runner.process(container)
        self._forward(process)
        self._launched = process
        with (self._directory / "log").open("ab") as log:
            # Some programs open /dev/stdout, which is this file.
            os.fchown(log.fileno(), process.user, process.group)
            self._process = subprocess.Popen(
                launch(self._place, process),
                env=dict(process.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._began, begun = now_text(), time.monotonic()
        kinds = [kind for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in self.spec]
        self._schedules = {kind: probes.Schedule(self.spec[kind], begun) for kind in kinds}

    def _forward(self, process: Process) -> None:
        for port, host_port in process.host_ports.items():
            if port not in self._listening:
                here, there = (manifests.LOOPBACK, port), (manifests.LOOPBACK, host_port)
                self._place.forwards.into_machine(self._place.network.namespace, here, there)
                self._listening.add(port)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once. Raises `subprocess.TimeoutExpired` if that does not help."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(_KILL_SECONDS)

    def _signal(self, number: int) -> None:
        if self._process is not None and self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def status(self, *, ends: bool = False) -> dict[str, Any]:
        """The container's part of the pod's status. `ends`: it has done its work when it has ended."""
        return {
            "name": self.spec["name"],
            "image": self.spec.get("image", ""),
            "imageID": "",
            "ready": self.ready or (ends and self.ran and not self.alive and self._exit_code == 0),
            "started": self.started,
            "restartCount": self._restarts,
            "state": self._state(),
        }

    def _state(self) -> dict[str, Any]:
        if self.alive:
            return {"running": {"startedAt": self._began}}
        if not self._ended:
            return {"waiting": {"reason": "ContainerCreating"}}
        reason = "Completed" if self._exit_code == 0 else "Error"
        times = {"startedAt": self._began, "finishedAt": self._ended}
        return {"terminated": {"exitCode": self._exit_code, "reason": reason, **times}}
