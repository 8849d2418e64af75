"""Helm releases that a killed run left pending: finding and repairing them."""

import json
import stat
from pathlib import Path

import pytest

from sandbox import binaries, releases
from sandbox.layout import PROJECT, Layout, SandboxError
from sandbox.releases import Access

pytestmark = pytest.mark.unit

KUBECONFIG = json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "here"}]})
RELEASE = "kubernetes:helm.sh/v3:Release"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def provider(name: str, **inputs: object) -> dict[str, object]:
    urn = f"urn:pulumi:local::sacred-council::pulumi:providers:kubernetes::{name}"
    return {"type": "pulumi:providers:kubernetes", "urn": urn, "inputs": inputs}


def creating(namespace: str, name: str, provider: str) -> dict[str, object]:
    """A pending operation as the engine records it."""
    urn = f"urn:pulumi:local::sacred-council::pulumi:providers:kubernetes::{provider}::7cb1c1f6-cb4d"
    inputs = {"namespace": namespace, "name": name}
    of = {"type": RELEASE, "urn": f"urn:{namespace}:{name}", "provider": urn, "inputs": inputs}
    return {"type": "creating", "resource": of}


class Cluster:
    """Scripts in place of kubectl, which prints the given releases, and of Helm, which records its arguments."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layout = Layout(project=PROJECT, home=folder, binaries=folder / "built")
        self._told = folder / "told"
        monkeypatch.setattr(binaries, "ensure", lambda *_: None)
        self.finds()
        self._write("helm", f'echo "$*" >> {self._told}')

    def finds(self, *releases: str) -> None:
        """Set the revisions that kubectl prints: namespace, name, status and number of each."""
        lines = "\n".join(releases)
        self._write("kubectl", f"cat <<'END'\n{lines}\nEND" if lines else ":")

    def fails(self, command: str, message: str) -> None:
        self._write(command, f"echo {message} >&2; exit 1")

    def _write(self, name: str, script: str) -> None:
        path = self.layout.bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    @property
    def told(self) -> list[str]:
        return self._told.read_text().splitlines() if self._told.exists() else []


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(tmp_path, monkeypatch)


def test_a_first_installation_is_uninstalled_and_an_upgrade_is_rolled_back(cluster: Cluster) -> None:
    cluster.finds(
        "istio-system istiod pending-install 1",
        "monitoring jaeger deployed 9",
        "monitoring jaeger pending-upgrade 10",
        "monitoring grafana superseded 1",
        "monitoring grafana pending-upgrade 2",
        "monitoring grafana pending-rollback 3",
    )
    found = releases.recover(
        cluster.layout, [Access(name="here", provider="x", kubeconfig=Path("/k"), context="c")], {}
    )
    assert [release.key[1] for release in found] == ["istiod", "jaeger", "grafana"]
    where = "--kubeconfig /k --kube-context c"
    assert cluster.told == [
        f"uninstall istiod --wait --namespace istio-system {where}",
        f"rollback jaeger 9 --namespace monitoring {where}",
        f"rollback grafana 1 --namespace monitoring {where}",
    ]


def test_a_removal_is_finished_whatever_the_earlier_revisions_were(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.finds("istio-system istiod superseded 1", "istio-system istiod uninstalling 2")
    (found,) = releases.recover(cluster.layout, [Access(name="here", provider="x", context="c")], {})
    assert found.was_going
    assert cluster.told == ["uninstall istiod --wait --namespace istio-system --kube-context c"]
    assert "istio-system/istiod was uninstalling when a run was killed; it was uninstalled" in capsys.readouterr().err


def test_a_release_that_was_rolled_back_is_left_alone_though_the_interrupted_revision_keeps_its_status(
    cluster: Cluster,
) -> None:
    # What Helm 3.19 leaves: `rollback` adds a revision and supersedes deployed ones only.
    cluster.finds("nats jaeger superseded 1", "nats jaeger pending-upgrade 2", "nats jaeger deployed 3")
    assert releases.recover(cluster.layout, [Access(name="here", provider="x")], {}) == []
    assert cluster.told == []


def test_without_a_complete_revision_helm_takes_the_one_before(cluster: Cluster) -> None:
    cluster.finds("nats jaeger failed 1", "nats jaeger pending-upgrade 2")
    releases.recover(cluster.layout, [Access(name="here", provider="x", context="c")], {})
    assert cluster.told == ["rollback jaeger --namespace nats --kube-context c"]


def test_a_release_that_is_installed_but_was_not_recorded_is_uninstalled(cluster: Cluster) -> None:
    cluster.finds("istio-system base deployed 1", "monitoring jaeger superseded 1", "monitoring jaeger deployed 2")
    eu, west = (Access(name=name, provider=f"{name}-", context=name) for name in ("eu", "eu-west"))
    begun = [creating("istio-system", "base", "eu-west-cluster-kubernetes"), creating("nats", "gone", "eu-cluster")]
    found = releases.recover(cluster.layout, [eu, west], {"pending_operations": begun})
    assert [(release.access.name, release.key) for release in found] == [("eu-west", ("istio-system", "base"))]
    assert cluster.told == ["uninstall base --wait --namespace istio-system --kube-context eu-west"]


def test_what_a_later_run_has_recorded_is_left_alone_though_the_engine_still_calls_it_pending(cluster: Cluster) -> None:
    cluster.finds("istio-system base deployed 1")
    begun = creating("istio-system", "base", "here-cluster-kubernetes")
    deployment = {"resources": [begun["resource"]], "pending_operations": [begun]}
    assert releases.recover(cluster.layout, [Access(name="here", provider="here-")], deployment) == []
    assert cluster.told == []


def test_without_a_pending_release_helm_is_not_needed(cluster: Cluster) -> None:
    cluster.fails("helm", "must not run")
    assert releases.recover(cluster.layout, [Access(name="here", provider="here-")], {}) == []


def test_a_cluster_that_does_not_answer_stops_nobody(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.fails("kubectl", "connection refused")
    assert releases.recover(cluster.layout, [Access(name="Region lost", provider="lost-")], {}) == []
    assert "Region lost does not answer; its Helm releases were not checked." in capsys.readouterr().err


def test_a_release_that_cannot_be_mended_is_an_error_with_helms_words(cluster: Cluster) -> None:
    cluster.finds("istio-system istiod pending-install 1")
    cluster.fails("helm", "forbidden")
    with pytest.raises(SandboxError, match=r"(?s)here: Helm release istio-system/istiod is pending-install.*forbidden"):
        releases.recover(cluster.layout, [Access(name="here", provider="here-")], {})


def test_every_cluster_of_a_state_is_known_and_its_kubeconfig_is_private() -> None:
    resources = [
        provider("regional", kubeconfig={**SECRET, "plaintext": json.dumps(KUBECONFIG)}),
        provider("plain", kubeconfig=KUBECONFIG, context="c"),
        provider("existing", context="mine"),
        provider("renderer", kubeconfig=json.dumps({"apiVersion": "v1", "kind": "Config"})),
        {"type": "pulumi:pulumi:Stack", "urn": "urn:pulumi:x::y::pulumi:pulumi:Stack::y-x"},
    ]
    with releases.clusters_of({"deployment": {"resources": resources}}) as found:
        assert [(access.name, access.context) for access in found] == [
            ("regional", None),
            ("plain", "c"),
            ("existing", "mine"),
        ]
        files = [access.kubeconfig for access in found if access.kubeconfig]
        assert [file.read_text() for file in files] == [KUBECONFIG, KUBECONFIG]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not any(file.exists() for file in files)


def test_a_stack_without_a_state_has_no_cluster() -> None:
    with releases.clusters_of({"deployment": None}) as found:
        assert found == []
