"""Argo CD's own programs on a stack of the sandbox, and what a person would ask of them."""

import base64
import json
import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.gitops import IN_CLUSTER
from components.namespaces import ARGO_CD, SERVICES
from publish.files import files, settings_of, write
from sandbox import binaries, control_planes
from sandbox.controllers import argocd
from sandbox.controllers.argocd import Hub, Running
from sandbox.controlplane import Cluster
from sandbox.layout import Layout
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually

APPLICATION = "sacred-council-"
REFRESH = "argocd.argoproj.io/refresh"
PATIENCE = 300.0
"""Seconds within which Argo CD does something on a busy machine."""


def require_programs() -> None:
    """Skip the test if a program is missing."""
    layout = Layout.from_environment()
    for binary in binaries.GITOPS:
        if not binaries.path_of(layout, binary).is_file():
            pytest.skip(f"{binary.name} is not there: `python -m sandbox build --campaigns` builds it")
    for name in ("redis-server", "git", "unshare", "setpriv"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not on PATH")
    if subprocess.run([*argocd.private_mounts(), "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace can be made here, so the programs cannot have their accounts")


@dataclass
class ArgoCd:
    """Argo CD of a stack that is up, with the working copy of the repository that it reads."""

    sandbox: Sandbox
    hub: Hub
    running: Running
    work: Path
    first: str
    """The commit that the repository has at first."""

    # What people do.

    def ship(self, services: Mapping[str, Any]) -> str:
        """Set the services in the stack's file, publish, commit and push, as the runbook says; return the commit."""
        self.sandbox.configure({"services": services})
        write(files(settings_of(self.sandbox.stack, self.sandbox.folder)), self.work / "deploy")
        return self.push("Ship")

    def push(self, message: str) -> str:
        """Commit and push the working copy; return the commit."""
        made = argocd.commit(self.work, message)
        argocd.git(self.work, "push", "--quiet", "origin", "HEAD")
        return made

    def refresh(self, *regions: str) -> None:
        """Let Argo CD look at the repository for these regions, as it does by itself every few minutes, and wait."""
        for region in regions:
            self.kubectl("annotate", "application", f"{APPLICATION}{region}", f"{REFRESH}=normal", "--overwrite")
        eventually(
            lambda: not any(REFRESH in self.applications()[one]["metadata"].get("annotations", {}) for one in regions),
            seconds=PATIENCE,
            what="Argo CD looks at the repository",
        )

    def login(self) -> str:
        """The token of a session of the user `admin`."""
        secret = self.secret(ARGO_CD, "argocd-initial-admin-secret")
        body = json.dumps({"username": "admin", "password": secret["password"]}).encode()
        return str(self._call("/api/v1/session", body=body)["token"])

    def connections(self) -> dict[str, dict[str, Any]]:
        """What Argo CD says of the clusters, by name."""
        token = self.login()
        items = self._call("/api/v1/clusters", token=token)["items"]
        return {item["name"]: item for item in items}

    # What is seen.

    def applications(self) -> dict[str, dict[str, Any]]:
        """The Applications by region."""
        items = json.loads(self.kubectl("get", "applications", "--output=json"))["items"]
        return {item["metadata"]["name"].removeprefix(APPLICATION): item for item in items}

    def steps(self) -> dict[str, str]:
        """Where each region is in the roll-out: Waiting, Pending, Progressing or Healthy."""
        return {name: status["status"] for name, status in self._statuses().items()}

    def seen(self) -> dict[str, str]:
        """The commit that the roll-out has seen for each region."""
        return {name: status["targetRevisions"][0] for name, status in self._statuses().items()}

    def _statuses(self) -> dict[str, dict[str, Any]]:
        found = json.loads(self.kubectl("get", "applicationset", "sacred-council", "--output=json"))
        statuses = found.get("status", {}).get("applicationStatus", [])
        return {one["application"].removeprefix(APPLICATION): one for one in statuses}

    def is_done(self, revision: str, *regions: str) -> bool:
        """Whether the roll-out of the commit is complete in the regions: synced, and healthy."""
        steps, apps = self.steps(), self.applications()
        return all(
            steps.get(region) == "Healthy"
            and apps[region]["status"]["sync"] | {"comparedTo": None}
            == {"status": "Synced", "revision": revision, "comparedTo": None}
            and apps[region]["status"]["health"]["status"] == "Healthy"
            for region in regions
        )

    def await_done(self, revision: str, *regions: str) -> None:
        """Wait until the roll-out of the commit is complete in the regions."""
        eventually(
            lambda: self.is_done(revision, *regions),
            seconds=PATIENCE,
            what=f"{revision} in {regions}",
        )

    def explain(self) -> str:
        """The state of all Applications and of the roll-out, for a failing test."""
        return json.dumps(
            {"steps": self._statuses(), "apps": {k: v.get("status") for k, v in self.applications().items()}}
        )

    def images(self, region: str) -> dict[str, str]:
        """The image of each Deployment of the services in a region's cluster."""
        return {
            item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"]
            for item in self.objects(region, "deployments")
        }

    def objects(self, region: str, kinds: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects in the services' namespace of a region."""
        output = kubectl(self.cluster(region), "get", kinds, f"--namespace={SERVICES}", "--output=json", *arguments)
        items: list[dict[str, Any]] = json.loads(output)["items"]
        return items

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """The decoded data of a Secret of the hub."""
        output = kubectl(self.hub.cluster, "get", "secret", name, f"--namespace={namespace}", "--output=json")
        return {key: base64.b64decode(value).decode() for key, value in json.loads(output)["data"].items()}

    def entry(self, region: str) -> dict[str, Any]:
        """How Argo CD logs in to a region: the hub's Secret, with its `config` parsed."""
        found: dict[str, Any] = self.secret(ARGO_CD, f"cluster-{region}")
        return {**found, "config": json.loads(found["config"])}

    def cluster(self, region: str) -> Cluster:
        """The control plane of a region."""
        return clusters(self.sandbox)[region]

    def kubectl(self, *arguments: str) -> str:
        """The output of kubectl in Argo CD's namespace of the hub."""
        return kubectl(self.hub.cluster, *arguments, f"--namespace={ARGO_CD}")

    def _call(self, path: str, *, token: str = "", body: bytes | None = None) -> dict[str, Any]:
        """Call Argo CD's API, whose certificate is the one that the program made."""
        trusted = ssl.create_default_context(cadata=self.secret(ARGO_CD, "argocd-server-tls")["ca.crt"])
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{self.hub.url}{path}", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30, context=trusted) as response:
            answer: dict[str, Any] = json.load(response)
            return answer


def clusters(sandbox: Sandbox) -> dict[str, Cluster]:
    """The control planes of a sandbox by region."""
    return {cluster.plane.name: cluster for cluster in control_planes.clusters(layout_of(sandbox))}


def layout_of(sandbox: Sandbox) -> Layout:
    """The layout of a test's sandbox."""
    built = Path(sandbox.environment["SACRED_COUNCIL_BINARIES"])
    return Layout(project=sandbox.folder, home=sandbox.folder / ".sandbox", binaries=built)


def kubectl(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    """The output of kubectl on a control plane, which must succeed."""
    run = cluster.kubectl(*arguments, stdin=stdin)
    assert run.returncode == 0, run.stderr
    return run.stdout


def as_entry(
    cluster: Cluster, entry: Mapping[str, Any], *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run kubectl with what an entry of the hub says about a region, and nothing else."""
    own = cluster.kubeconfig_for("any")["clusters"][0]["cluster"]["server"]
    login, server = entry["config"], own if entry["server"] == IN_CLUSTER else entry["server"]
    cluster_part = {"server": server, "certificate-authority-data": login["tlsClientConfig"]["caData"]}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "entry",
        "clusters": [{"name": "entry", "cluster": cluster_part}],
        "users": [{"name": "entry", "user": {"token": login["bearerToken"]}}],
        "contexts": [{"name": "entry", "context": {"cluster": "entry", "user": "entry"}}],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        command = [str(cluster.layout.bin / "kubectl"), f"--kubeconfig={file.name}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def argo_cd(sandbox: Sandbox, region: str) -> Iterator[ArgoCd]:
    """Argo CD in the region of a stack that is up, for the length of the block."""
    layout = layout_of(sandbox)
    repository = argocd.demonstration(layout, sandbox.stack)
    hub = Hub.of(layout, sandbox.stack, region, repository)
    with hub.running() as running:
        work = repository.with_name("repository")
        yield ArgoCd(sandbox, hub, running, work, first=argocd.git(work, "rev-parse", "HEAD").strip())
