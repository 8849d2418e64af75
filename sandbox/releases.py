"""Repairs Helm releases that a killed run left half done. Neither Helm nor the provider continues with them.

Uninstalls a release whose installation or removal was interrupted, or that the run could not record. Rolls back a
release whose upgrade or rollback was interrupted. Use it only while no engine works on the stack: the releases of a
running engine look the same.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import binaries, progress
from sandbox.layout import Layout, SandboxError

_INSTALLING = "pending-install"
_REMOVING = "uninstalling"
_CUT_OFF = (_INSTALLING, "pending-upgrade", "pending-rollback", _REMOVING)
_COMPLETE = ("deployed", "superseded")
_UNRECORDED = "installed but not recorded"
_RELEASE = "kubernetes:helm.sh/v3:Release"
_LABELS = (
    "jsonpath={range .items[*]}{.metadata.namespace} {.metadata.labels.name} {.metadata.labels.status} "
    '{.metadata.labels.version}{"\\n"}{end}'
)
KUBECTL = next(binary for binary in binaries.CONTROL_PLANE if binary.name == "kubectl")
_PROVIDER = "pulumi:providers:kubernetes"


@dataclass(frozen=True, kw_only=True)
class Access:
    """How to reach a cluster."""

    name: str
    """Name in messages."""
    provider: str
    """Name, or prefix of the name, of the Pulumi provider that deploys to it."""
    kubeconfig: Path | None = None
    """None: kubectl's default."""
    context: str | None = None
    """None: kubectl's default."""

    def options(self, context_flag: str) -> list[str]:
        """Options that select the cluster. kubectl and Helm have different flags for the context."""
        file = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        return [*file, *([context_flag, self.context] if self.context else [])]


Key = tuple[str, str]
"""Namespace and name of a release."""


@dataclass(frozen=True, kw_only=True)
class HalfDone:
    """A release that was interrupted in `status`, and its cluster."""

    access: Access
    key: Key
    status: str
    complete: int | None = None
    """Its last revision that was deployed completely; None if there is none."""

    @property
    def was_going(self) -> bool:
        """Whether it was being uninstalled. The state may still list it."""
        return self.status == _REMOVING

    @property
    def is_uninstalled(self) -> bool:
        """Whether the remedy is to uninstall it."""
        return self.status in (_INSTALLING, _UNRECORDED, _REMOVING)

    @property
    def remedy(self) -> list[str]:
        """Helm's command that repairs it."""
        namespace, name = self.key
        # Without a revision Helm takes the one before, which another kill may have cut off.
        revision = [] if self.complete is None else [str(self.complete)]
        verb = ["uninstall", name, "--wait"] if self.is_uninstalled else ["rollback", name, *revision]
        return [*verb, "--namespace", namespace, *self.access.options("--kube-context")]


def recover(layout: Layout, clusters: Sequence[Access], deployment: Mapping[str, Any]) -> list[HalfDone]:
    """Repair every half-done release of these clusters and report it; return these releases.

    `deployment` is the stack's state: its `resources`, and the `pending_operations` of a killed engine.
    """
    operations = _unrecorded(deployment)
    begun = {access.name: _begun(access, clusters, operations) for access in clusters}
    binaries.ensure(layout, [KUBECTL])
    with ThreadPoolExecutor(max_workers=8) as pool:
        lists = pool.map(lambda access: _half_done(layout, access, begun[access.name]), clusters)
        found = [release for one in lists for release in one]
    if found:
        binaries.ensure(layout, [binaries.HELM])
    for release in found:
        _mend(layout, release)
    return found


def _unrecorded(deployment: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Operations that a killed engine began and no later run completed. The state still lists completed ones."""
    recorded = {resource["urn"] for resource in deployment.get("resources") or ()}
    operations = deployment.get("pending_operations") or ()
    return [operation for operation in operations if operation["resource"]["urn"] not in recorded]


def _begun(access: Access, clusters: Sequence[Access], operations: Sequence[Mapping[str, Any]]) -> set[Key]:
    """The releases that a killed engine was creating in the cluster."""
    found = set()
    for operation in operations:
        resource = operation["resource"]
        provider = str(resource.get("provider", "")).rpartition("::")[0].rpartition("::")[2]
        homes = [one for one in clusters if provider.startswith(one.provider)]
        is_here = bool(homes) and max(homes, key=lambda one: len(one.provider)) == access
        if operation["type"] == "creating" and resource["type"] == _RELEASE and is_here:
            found.add((str(resource["inputs"]["namespace"]), str(resource["inputs"]["name"])))
    return found


Revision = tuple[int, str]
"""Number and status of a release's revision."""


def _half_done(layout: Layout, access: Access, begun: set[Key]) -> list[HalfDone]:
    """The half-done releases of a cluster, from the labels of Helm's Secrets.

    Only the last revision of a release counts: after a rollback, the revision that was cut off keeps its status.
    """
    try:
        suspects = begun or _revisions(layout, access, f"owner=helm,status in ({','.join(_CUT_OFF)})")
        found = _revisions(layout, access, "owner=helm") if suspects else {}
    except ConnectionError:
        progress.say(f"{access.name} does not answer; its Helm releases were not checked.")
        return []
    return [one for key in found if (one := _cut_off(access, key, found[key], recorded=key not in begun))]


def _cut_off(access: Access, key: Key, revisions: Sequence[Revision], *, recorded: bool) -> HalfDone | None:
    """The release if it is half done, else None."""
    _, status = max(revisions)
    if status not in _CUT_OFF:
        return None if recorded else HalfDone(access=access, key=key, status=_UNRECORDED)
    complete = max((number for number, one in revisions if one in _COMPLETE), default=None)
    return HalfDone(access=access, key=key, status=status, complete=complete)


def _revisions(layout: Layout, access: Access, selector: str) -> dict[Key, list[Revision]]:
    """The revisions of each release that the selector finds. Raises `ConnectionError` if there is no answer."""
    options = ["get", "secrets", "--all-namespaces", f"--selector={selector}", f"--output={_LABELS}"]
    kubectl = str(binaries.path_of(layout, KUBECTL))
    run = _run([kubectl, *options, "--request-timeout=10s", *access.options("--context")])
    if run.returncode != 0:
        raise ConnectionError(run.stderr)
    found: dict[Key, list[Revision]] = {}
    for namespace, name, status, number in (line.split() for line in run.stdout.splitlines()):
        found.setdefault((namespace, name), []).append((int(number), status))
    return found


def _mend(layout: Layout, release: HalfDone) -> None:
    run = _run([str(binaries.path_of(layout, binaries.HELM)), *release.remedy])
    where = f"{release.access.name}: Helm release {'/'.join(release.key)}"
    if run.returncode != 0:
        raise SandboxError(f"{where} is {release.status}, and could not be repaired.\n{run.stderr.strip()}")
    done = "uninstalled" if release.is_uninstalled else "rolled back"
    progress.say(f"{where} was {release.status} when a run was killed; it was {done}, and the next run continues.")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@contextmanager
def clusters_of(exported: Mapping[str, Any]) -> Iterator[list[Access]]:
    """The clusters in a stack's exported state (with secrets in plain). Kubeconfigs are in a private folder."""
    resources = deployment_of(exported).get("resources") or []
    with tempfile.TemporaryDirectory() as folder:
        accesses = [
            _access(Path(folder) / str(index), provider["urn"].rpartition("::")[2], provider.get("inputs") or {})
            for index, provider in enumerate(one for one in resources if one["type"] == _PROVIDER)
        ]
        yield [access for access in accesses if access is not None]


def deployment_of(exported: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state in the engine's export; empty for a stack that was never deployed."""
    return exported.get("deployment") or {}


def _access(file: Path, name: str, inputs: Mapping[str, Any]) -> Access | None:
    """Access of a provider; None if it reaches no cluster, such as the one that renders charts."""
    kubeconfig = inputs.get("kubeconfig")
    if kubeconfig is None:
        return Access(name=name, provider=name, context=inputs.get("context"))
    text = kubeconfig if isinstance(kubeconfig, str) else str(kubeconfig.get("plaintext", ""))
    document = json.loads(text) if text.startswith('"') else text
    if '"clusters"' not in document and "clusters:" not in document:
        return None
    file.touch(mode=0o600)
    file.write_text(document)
    return Access(name=name, provider=name, kubeconfig=file, context=inputs.get("context"))
