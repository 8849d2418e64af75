"""What `up` and `recover` do after a killed run: in which order, and when the state is compared with what is there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import binaries, deletions, deployment, engine, releases, state
from sandbox.layout import Layout, SandboxError
from sandbox.releases import Access, HalfDone

pytestmark = pytest.mark.unit

HERE = Access(name="Region here", provider="here-", context="c")


class Killed:
    """A stack whose run was killed. Records the steps of those who go on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "Pulumi.yaml").write_text("name: council\n")
        self.layout = Layout(project=folder, home=folder / "home", binaries=folder / "built")
        self.steps: list[str] = []
        self.extra: Mapping[str, str] = {}
        self.repaired: list[HalfDone] = []
        self.fails = False
        self.leaves()
        monkeypatch.setattr(engine, "prepare", lambda _: None)
        monkeypatch.setattr(deployment, "_revive", lambda *_: self.steps.append("revive"))
        monkeypatch.setattr(deployment, "_pulumi", self._pulumi)
        monkeypatch.setattr(releases, "recover", self._recover)
        monkeypatch.setattr(deletions, "wait", lambda *_: self.steps.append("wait"))

    def leaves(self, *pending: str) -> None:
        """Set the pending operations in the state."""
        operations = [{"type": kind, "resource": {"urn": f"urn:{kind}"}} for kind in pending]
        folder = self.layout.state / ".pulumi" / "stacks" / "council"
        folder.mkdir(parents=True, exist_ok=True)
        latest = {"pending_operations": operations}
        (folder / "local.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))

    @property
    def _lock(self) -> Path:
        return self.layout.state / ".pulumi" / "locks" / "organization" / "council" / "local" / "id.json"

    def is_locked(self) -> None:
        self._lock.parent.mkdir(parents=True)
        self._lock.write_text(json.dumps({"pid": 2**22 + 1, "hostname": "elsewhere"}))

    def _pulumi(self, _: Layout, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
        self.steps.append(arguments[0])
        if arguments[0] == "cancel":
            self._lock.unlink()
        else:
            # A kill from here on would drop the pending operations; the mark stays.
            assert self.layout.behind("local").exists()
            assert "--clear-pending-creates" not in arguments
            self.extra = extra or {}
            if self.fails:
                raise SandboxError("refresh failed")
        return ""

    def _recover(self, _: Layout, clusters: list[Access], latest: Mapping[str, Any]) -> list[HalfDone]:
        assert latest == state.latest(self.layout, "local")
        self.steps.append("releases")
        return self.repaired


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Killed:
    return Killed(tmp_path, monkeypatch)


def test_recover_releases_the_lock_first_and_the_state_comes_last(killed: Killed) -> None:
    killed.is_locked()
    killed.leaves("creating", "deleting")
    assert deployment.recover(killed.layout, "local") == 0
    assert killed.steps == ["cancel", "revive", "releases", "wait", "refresh"]
    assert not killed.layout.behind("local").exists()


def test_a_run_that_was_only_creating_costs_no_refresh(killed: Killed) -> None:
    killed.is_locked()
    killed.leaves("creating", "creating")
    deployment.go_on(killed.layout, "local")
    assert killed.steps == ["cancel", "releases"]


@pytest.mark.parametrize(("run", "drops"), [("destroy", True), ("refresh", False)])
def test_only_after_a_killed_destroy_a_cluster_without_an_answer_counts_as_gone(
    killed: Killed, run: state.Behind, drops: bool
) -> None:
    state.mark_behind(killed.layout, "local", run)
    deployment.go_on(killed.layout, "local")
    assert killed.steps == ["releases", "wait", "refresh"]
    assert killed.extra.get("PULUMI_K8S_DELETE_UNREACHABLE") == ("true" if drops else None)


def test_a_release_that_was_being_uninstalled_makes_the_state_wrong(killed: Killed) -> None:
    killed.repaired = [HalfDone(access=HERE, key=("istio-system", "istiod"), status="uninstalling")]
    assert deployment.go_on(killed.layout, "local") == 1
    assert killed.steps == ["releases", "wait", "refresh"]
    killed.repaired = [HalfDone(access=HERE, key=("istio-system", "istiod"), status="pending-upgrade")]
    killed.steps.clear()
    deployment.go_on(killed.layout, "local")
    assert killed.steps == ["releases"]


def test_a_refresh_that_did_not_end_is_made_again(killed: Killed) -> None:
    killed.leaves("deleting")
    killed.fails = True
    with pytest.raises(SandboxError, match="refresh failed"):
        deployment.go_on(killed.layout, "local")
    killed.leaves()
    killed.fails = False
    killed.steps.clear()
    deployment.go_on(killed.layout, "local")
    assert killed.steps == ["releases", "wait", "refresh"]


def kubectl(layout: Layout, script: str) -> None:
    path = layout.bin / "kubectl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(binaries, "ensure", lambda *_: None)
    monkeypatch.setattr(deletions, "_PAUSE_SECONDS", 0.01)
    return Layout(project=tmp_path, home=tmp_path, binaries=tmp_path / "built")


def test_deletions_are_waited_for(layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = tmp_path / "asked"
    kubectl(layout, f"echo x >> {asked}; [ $(wc -l < {asked}) -gt 3 ] || echo Namespace /nats")
    deletions.wait(layout, [HERE])
    assert len(asked.read_text().splitlines()) == 4
    assert "still being deleted" not in capsys.readouterr().err


def test_what_does_not_go_is_named(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl(layout, "echo Namespace /nats; echo Service redis/redis")
    deletions.wait(layout, [HERE], patience=0.05)
    assert "Region here: still being deleted: Namespace /nats, Service redis/redis." in capsys.readouterr().err


def test_a_cluster_that_does_not_answer_is_not_waited_for(layout: Layout) -> None:
    kubectl(layout, "echo Namespace /nats; exit 1")
    deletions.wait(layout, [HERE], patience=600)
