"""Argo CD's own programs, run as processes of this machine against the API server of a stack's hub.

The pods of Argo CD's chart do not run in the sandbox. `Hub.running` starts their programs in their place:

- Each has the environment that its pod would have, read from the workload, the ConfigMaps and the Secrets that the
  program deployed, and the token of its own ServiceAccount at the usual place. So they have the pods' rights.
- They reach the regions with the Secrets of the clusters, as they are.
- The repository of the stack's settings is one on this disk, which an HTTPS proxy serves at the address in the settings
  (`git_server`). Only the repo server uses the proxy.
- Everything listens on the loopback interface and ends with the process that started it, even if that one is killed.

`python -m sandbox.controllers.argocd STACK` does this for a stack that is up, until it is interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from components.namespaces import ARGO_CD
from publish.files import files as published
from publish.files import settings_of, write
from sandbox import binaries, control_planes, ports, progress
from sandbox.controllers import references
from sandbox.controllers.git_server import GitServer, Repository, serving
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError

BRANCH: Final = "main"
USER: Final = "git"
CONTROLLER, SETS = "argocd-application-controller", "argocd-applicationset-controller"
REPO_SERVER, SERVER, REDIS = "argocd-repo-server", "argocd-server", "argocd-redis"

_PORT_NAMES: Final = (
    *("redis", "repo", "repo-metrics", "controller-metrics", "sets-metrics", "sets-probe", "sets-webhook"),
    *("server", "server-metrics"),
)
_ACCOUNT_LIFETIME: Final = "24h"
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 10.0

# A pod finds its account here. The mount is seen by this one process, and ends with it. `setpriv` ends the process with
# the one that started it.
_POD: Final = (
    'mount -t tmpfs none "$(readlink -f /var/run)" && mkdir -p /var/run/secrets/kubernetes.io && '
    'cp -r "$ACCOUNT" /var/run/secrets/kubernetes.io/serviceaccount && exec setpriv --pdeathsig KILL "$@"'
)


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Argo CD in a region of a stack."""

    layout: Layout
    cluster: Cluster
    repository: Repository
    folder: Path
    """Folder of the programs: logs, accounts, checked out repositories."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """TCP ports on this machine, by their names in `_PORT_NAMES`, such as `server`."""

    @classmethod
    def of(cls, layout: Layout, stack: str, region: str, repository: Path) -> Hub:
        """The hub in `region` of a stack that is up. It reads the bare `repository` as that of the stack's settings.

        Raises `SandboxError` if the region has no control plane, or no project of Argo CD.
        """
        found = [cluster for cluster in control_planes.clusters(layout, stack) if cluster.plane.name == region]
        if not found:
            raise SandboxError(f"Stack {stack}: region {region} has no control plane; run `make up STACK={stack}`.")
        (cluster,) = found
        free = ports.free(len(_PORT_NAMES), ports.after_control_plane(cluster.plane.slot))
        return cls(
            layout=layout,
            cluster=cluster,
            repository=_repository(cluster, repository),
            folder=layout.home / "controllers" / stack / "argocd",
            ports=dict(zip(_PORT_NAMES, free, strict=True)),
        )

    @property
    def url(self) -> str:
        """Address of Argo CD's API."""
        return f"https://localhost:{self.ports['server']}"

    def log(self, program: str) -> Path:
        """File with the output of a program."""
        return self.folder / "logs" / f"{program}.log"

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Run all programs for the length of the block, which begins when they are ready."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "logs").mkdir(parents=True)
        with ExitStack() as stack:
            git = stack.enter_context(serving(self.repository))
            # A socket's path has at most 107 characters, and the project's folder may be a deep one.
            sockets = stack.enter_context(TemporaryDirectory(prefix="argocd-"))
            running = Running(self, git, Path(sockets))
            stack.callback(running.stop)
            for program in (REDIS, REPO_SERVER, CONTROLLER, SETS, SERVER):
                running.start(program)
            yield running


@dataclass
class Running:
    """The running programs of a hub. Their names are those of the workloads."""

    hub: Hub
    git: GitServer
    sockets: Path
    """Folder of the programs' sockets."""
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, program: str) -> None:
        """Start a program and wait until it is ready. Raises `SandboxError` with the end of its output."""
        workload = _workload(self.hub.cluster, program)
        command, environment = self._command(program), self._environment(program, workload)
        if program in (CONTROLLER, SETS, SERVER):
            account = self._account(workload["spec"]["template"]["spec"]["serviceAccountName"])
            environment |= {"ACCOUNT": str(account), **self._in_cluster()}
            command = [*private_mounts(), "sh", "-c", _POD, "-", *command]
        else:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with self.hub.log(program).open("ab") as log:
            self._children[program] = subprocess.Popen(
                command, env=environment, cwd=self.hub.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._await(program)

    def stop(self, *programs: str, kill: bool = False) -> None:
        """End programs; all, if none is named."""
        for program in programs or tuple(reversed(self._children)):
            child = self._children.pop(program)
            child.kill() if kill else child.terminate()
            try:
                child.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def dead(self) -> list[str]:
        """Names of programs that have ended by themselves."""
        return [program for program, child in self._children.items() if child.poll() is not None]

    def _command(self, program: str) -> list[str]:
        ports = self.hub.ports
        redis = f"--redis=127.0.0.1:{ports['redis']}"
        repo = f"--repo-server=127.0.0.1:{ports['repo']}"
        argocd = str(binaries.path_of(self.hub.layout, binaries.ARGO_CD))
        match program:
            case "argocd-redis":
                return [_redis(), "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", "", *self._password()]
            case "argocd-repo-server":
                listens = ["--address=127.0.0.1", f"--port={ports['repo']}", "--metrics-address=127.0.0.1"]
                return [argocd, *listens, f"--metrics-port={ports['repo-metrics']}", redis]
            case "argocd-application-controller":
                return [argocd, f"--metrics-port={ports['controller-metrics']}", repo, redis]
            case "argocd-applicationset-controller":
                listens = [f"--{one}-addr=127.0.0.1:{ports[f'sets-{one}']}" for one in ("metrics", "probe", "webhook")]
                return [argocd, *listens, repo.replace("--repo-server", "--argocd-repo-server")]
            case _:
                listens = ["--address=127.0.0.1", f"--port={ports['server']}", "--metrics-address=127.0.0.1"]
                return [argocd, *listens, f"--metrics-port={ports['server-metrics']}", repo, redis]

    def _password(self) -> list[str]:
        return ["--requirepass", _secrets(self.hub.cluster)[REDIS]["auth"]]

    def _environment(self, program: str, workload: Mapping[str, Any]) -> dict[str, str]:
        """What the pod's container would have, with this machine's places in it."""
        home = self.hub.folder / program
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        own = {
            "PATH": f"{self._image_programs()}:{self.hub.layout.bin}:{os.environ['PATH']}",
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "ARGOCD_BINARY_NAME": program,
            "ARGOCD_APP_CONF_PATH": str(home / "config"),
            "ARGOCD_TLS_DATA_PATH": str(self._trusted()),
            "ARGOCD_SSH_DATA_PATH": str(home / "ssh"),
            "ARGOCD_PLUGINSOCKFILEPATH": str(self.sockets / "plugins"),
            "ARGOCD_ASK_PASS_SOCK": str(self.sockets / "ask-pass"),
            # Signatures of commits, which the program does not ask for, would need a keyring.
            "ARGOCD_GPG_ENABLED": "false",
            "HELM_CACHE_HOME": str(home / "helm"),
            "HELM_CONFIG_HOME": str(home / "helm"),
            "HELM_DATA_HOME": str(home / "helm"),
        }
        if program == REPO_SERVER:
            own |= {"HTTPS_PROXY": self.git.url, "NO_PROXY": "127.0.0.1,localhost"}
        return {**_variables(self.hub.cluster, workload), **own}

    def _image_programs(self) -> Path:
        """Folder with a program that only Argo CD's image has: what it says of a commit that nobody has signed."""
        folder = self.hub.folder / "image"
        folder.mkdir(exist_ok=True)
        program = folder / "git-verify-wrapper.sh"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
        return folder

    def _trusted(self) -> Path:
        """Folder with the authorities of Git servers, by host, as Argo CD mounts its ConfigMap of them."""
        folder = self.hub.folder / "trusted"
        folder.mkdir(exist_ok=True)
        host = self.hub.repository.authority.rpartition(":")[0]
        (folder / host).write_text(self.git.authority.pem)
        return folder

    def _account(self, name: str) -> Path:
        """Folder with the files of a ServiceAccount, as a pod has them. Its token is one of the real API server."""
        folder = self.hub.folder / "accounts" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        token = _kubectl(self.hub.cluster, "create", "token", name, f"--duration={_ACCOUNT_LIFETIME}")
        (folder / "token").write_text(token.strip())
        (folder / "ca.crt").write_bytes((self.hub.cluster.directory / "pki" / "ca.crt").read_bytes())
        (folder / "namespace").write_text(ARGO_CD)
        return folder

    def _in_cluster(self) -> dict[str, str]:
        """The variables with which every pod finds its API server."""
        config = yaml.safe_load(self.hub.cluster.kubeconfig.read_text())
        host, _, port = config["clusters"][0]["cluster"]["server"].removeprefix("https://").partition(":")
        return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}

    def _await(self, program: str) -> None:
        ports, deadline = self.hub.ports, time.monotonic() + _START_SECONDS
        checks = {
            REDIS: partial(_listens, ports["redis"]),
            REPO_SERVER: partial(_answers, f"http://127.0.0.1:{ports['repo-metrics']}/healthz"),
            CONTROLLER: partial(_answers, f"http://127.0.0.1:{ports['controller-metrics']}/healthz"),
            SETS: partial(_answers, f"http://127.0.0.1:{ports['sets-metrics']}/metrics"),
            SERVER: partial(_answers, f"{self.hub.url}/healthz"),
        }
        while not checks[program]():
            if time.monotonic() > deadline or self._children[program].poll() is not None:
                last = self.hub.log(program).read_text(errors="replace")[-3000:]
                raise SandboxError(f"{program} does not start:\n{last}")
            time.sleep(0.2)


def demonstration(layout: Layout, stack: str) -> Path:
    """The folder of a bare repository with the services' chart and the stack's values of it, made if it is missing.

    Raises `SettingsError` for a wrong stack file, and `CalledProcessError` where Git fails.
    """
    folder = layout.home / "controllers" / stack / "repository.git"
    if not folder.is_dir():
        work = folder.with_name("repository")
        shutil.rmtree(work, ignore_errors=True)
        settings = settings_of(stack, layout.project).gitops.repository
        shutil.copytree(layout.project / "charts" / "sacred-council", work / settings.path)
        write(published(settings_of(stack, layout.project)), work / settings.values)
        git(work, "init", "--quiet", f"--initial-branch={settings.revision}")
        commit(work, "The services")
        git(work, "clone", "--quiet", "--bare", str(work), str(folder))
        git(work, "remote", "add", "origin", str(folder))
    return folder


def commit(work: Path, message: str) -> str:
    """Commit everything in the working copy; return the commit's name."""
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", message)
    return git(work, "rev-parse", "HEAD").strip()


def git(folder: Path, *arguments: str) -> str:
    """Run Git in a folder, without anybody's own settings; return its output, with the line break at its end.

    Raises `CalledProcessError` where Git fails.
    """
    names = {f"GIT_{who}_{what}": "sandbox" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _repository(cluster: Cluster, folder: Path) -> Repository:
    """The repository of the hub's project, with the login that the hub has for it."""
    project = _objects(cluster, "appprojects.argoproj.io")
    urls = [url for item in project for url in item["spec"]["sourceRepos"] if url != "*"]
    if not urls:
        raise SandboxError(
            f"Region {cluster.plane.name} has no project of Argo CD: write gitops: {{enabled: true, ...}}, and run "
            "`make up` for the stack."
        )
    logins = [secret for secret in _secrets(cluster).values() if secret.get("url") == urls[0]]
    login = f"{logins[0]['username']}:{logins[0]['password']}" if logins else ""
    return Repository(url=urls[0], folder=folder, login=login)


def _workload(cluster: Cluster, name: str) -> dict[str, Any]:
    for item in _objects(cluster, "deployments,statefulsets"):
        if item["metadata"]["name"] == name:
            return item
    raise SandboxError(f"Region {cluster.plane.name}: namespace {ARGO_CD} has no workload {name}.")


def _variables(cluster: Cluster, workload: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a workload's first container. Raises `SandboxError` if what it refers to is not there."""
    template, name = workload["spec"]["template"], workload["metadata"]["name"]
    pod = {**template, "metadata": {"uid": "", **template["metadata"], "name": name, "namespace": ARGO_CD}}
    found = {
        kind: {item["metadata"]["name"]: references.data_of(kind, item) for item in _objects(cluster, kind)}
        for kind in ("configmaps", "secrets")
    }
    try:
        return references.environment(
            pod, template["spec"]["containers"][0], lambda kind, wanted: found[kind].get(wanted)
        )
    except references.MissingError as error:
        raise SandboxError(f"Region {cluster.plane.name}: {name} cannot start: {error}.") from error


def _secrets(cluster: Cluster) -> dict[str, dict[str, str]]:
    """The decoded Secrets of Argo CD's namespace, by name."""
    return {
        item["metadata"]["name"]: {
            key: value.decode(errors="replace") for key, value in references.data_of("secrets", item).items()
        }
        for item in _objects(cluster, "secrets")
    }


def _objects(cluster: Cluster, kinds: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(_kubectl(cluster, "get", kinds, "--output=json"))["items"]
    return items


def _kubectl(cluster: Cluster, *arguments: str) -> str:
    run = cluster.kubectl(f"--namespace={ARGO_CD}", *arguments)
    if run.returncode != 0:
        raise SandboxError(f"Region {cluster.plane.name}: {run.stderr.strip()}")
    return run.stdout


def private_mounts() -> Sequence[str]:
    """The start of a command whose mounts nobody else sees; in a user namespace unless this user is root."""
    return ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount"]


def _redis() -> str:
    # Debian's redis-tools have the server as well: the program takes the part whose name it is started with.
    found = shutil.which("redis-server")
    if found is None:
        raise SandboxError("Argo CD needs Redis: `apt-get install --no-install-recommends redis-server`.")
    return found


def _listens(port: int) -> bool:
    return not ports.is_free(port)


def _answers(url: str) -> bool:
    unchecked = ssl._create_unverified_context()  # noqa: S323 - only whether it answers
    try:
        with urllib.request.urlopen(url, timeout=2, context=unchecked) as response:  # noqa: S310 - on loopback
            return bool(response.status == 200)
    except OSError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Argo CD for a stack until interrupted; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.controllers.argocd")
    parser.add_argument("stack", help="a stack that is up in the sandbox, with gitops.enabled")
    stack = parser.parse_args(arguments).stack
    layout = Layout.from_environment()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = settings_of(stack, layout.project)
        if settings.gitops_hub is None:
            raise SandboxError(
                f"Stack {stack} has no Argo CD: write gitops: {{enabled: true, ...}}, and run `make up STACK={stack}`."
            )
        binaries.ensure(layout, binaries.GITOPS)
        repository = demonstration(layout, stack)
        hub = Hub.of(layout, stack, settings.gitops_hub, repository)
        with hub.running() as running:
            work = repository.with_name("repository")
            progress.say(
                f"Argo CD of stack {stack} answers at {hub.url}; Ctrl-C ends it. It reads what you push from {work}."
            )
            while not running.dead():
                time.sleep(1)
            raise SandboxError(f"{', '.join(running.dead())} ended; see {hub.folder / 'logs'}.")
    except KeyboardInterrupt:
        return 0
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
