"""Helm releases that a killed run left pending. Helm refuses to go on with them, and the provider does not mend them.

A release whose first installation was cut off is uninstalled; one whose upgrade or rollback was cut off is rolled back.
Only for stacks on which no engine is at work: a release of a running one is pending, too.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import binaries, progress
from sandbox.layout import Layout, SandboxError

_PENDING = ("pending-install", "pending-upgrade", "pending-rollback")
_KUBECTL = next(binary for binary in binaries.CONTROL_PLANE if binary.name == "kubectl")
_PROVIDER = "pulumi:providers:kubernetes"


@dataclass(frozen=True, kw_only=True)
class Access:
    """How to reach a cluster: a name for messages, a kubeconfig file and the context in it; None: as kubectl does."""

    name: str
    kubeconfig: Path | None = None
    context: str | None = None

    def options(self, context_flag: str) -> list[str]:
        """Options that point a command to the cluster; kubectl and Helm call the context differently."""
        file = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        return [*file, *([context_flag, self.context] if self.context else [])]


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A release that was cut off, in `status`, and where it is."""

    access: Access
    namespace: str
    name: str
    status: str

    @property
    def remedy(self) -> list[str]:
        """Helm's command that makes the release usable again."""
        verb = ["uninstall", self.name, "--wait"] if self.status == "pending-install" else ["rollback", self.name]
        return [*verb, "--namespace", self.namespace, *self.access.options("--kube-context")]


def recover(layout: Layout, clusters: Iterable[Access]) -> list[Pending]:
    """Makes every pending release of these clusters usable again and says so; those that were pending."""
    known = list(clusters)
    binaries.ensure(layout, [_KUBECTL])
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = [release for one in pool.map(lambda access: _pending(layout, access), known) for release in one]
    if found:
        binaries.ensure(layout, [binaries.HELM])
    for release in found:
        _recover(layout, release)
    return found


def _pending(layout: Layout, access: Access) -> list[Pending]:
    """The pending releases of a cluster, by the labels of the Secrets in which Helm keeps them."""
    selector = f"owner=helm,status in ({','.join(_PENDING)})"
    options = ["get", "secrets", "--all-namespaces", f"--selector={selector}", "--output=json", "--request-timeout=10s"]
    run = _run([str(binaries.path_of(layout, _KUBECTL)), *options, *access.options("--context")])
    if run.returncode != 0:
        progress.say(f"{access.name} does not answer; its Helm releases were not looked at.")
        return []
    return [_read(access, item["metadata"]) for item in json.loads(run.stdout)["items"]]


def _read(access: Access, metadata: Mapping[str, Any]) -> Pending:
    labels = metadata["labels"]
    return Pending(access=access, namespace=metadata["namespace"], name=labels["name"], status=labels["status"])


def _recover(layout: Layout, release: Pending) -> None:
    run = _run([str(binaries.path_of(layout, binaries.HELM)), *release.remedy])
    where = f"{release.access.name}: Helm release {release.namespace}/{release.name}"
    if run.returncode != 0:
        raise SandboxError(f"{where} is {release.status}, and cannot be taken back.\n{run.stderr.strip()}")
    done = "uninstalled" if release.status == "pending-install" else "rolled back"
    progress.say(f"{where} was {release.status} when a run was killed; it was {done}, and the next run goes on.")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@contextmanager
def of_state(exported: Mapping[str, Any]) -> Iterator[list[Access]]:
    """The clusters that a stack's exported state knows, its secrets shown. Kubeconfigs lie in a private folder."""
    resources = (exported.get("deployment") or {}).get("resources") or []
    with tempfile.TemporaryDirectory() as folder:
        accesses = [
            _access(Path(folder) / str(index), provider["urn"].rpartition("::")[2], provider.get("inputs") or {})
            for index, provider in enumerate(one for one in resources if one["type"] == _PROVIDER)
        ]
        yield [access for access in accesses if access is not None]


def _access(file: Path, name: str, inputs: Mapping[str, Any]) -> Access | None:
    """None for a provider that reaches no cluster, such as the one that renders charts."""
    kubeconfig = inputs.get("kubeconfig")
    if kubeconfig is None:
        return Access(name=name, context=inputs.get("context"))
    text = kubeconfig if isinstance(kubeconfig, str) else str(kubeconfig.get("plaintext", ""))
    document = json.loads(text) if text.startswith('"') else text
    if '"clusters"' not in document and "clusters:" not in document:
        return None
    file.touch(mode=0o600)
    file.write_text(document)
    return Access(name=name, kubeconfig=file, context=inputs.get("context"))
