"""How a stack is destroyed whose control plane is lost: Helm releases are forgotten by a refresh alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sandbox import child, deployment, engine
from sandbox.layout import Layout


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    (tmp_path / "Pulumi.yaml").write_text("name: council\n")
    monkeypatch.setattr(engine, "command", lambda _: Path(__file__))
    monkeypatch.setattr(engine, "prepare", lambda _: None)
    return Layout(project=tmp_path, home=tmp_path / "home", binaries=tmp_path / "home")


@pytest.mark.parametrize("lost", [False, True])
def test_destroy_forgets_what_was_in_a_lost_control_plane(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    ran: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def run(command: Sequence[str], _: Layout, extra: Mapping[str, str]) -> int:
        ran.append((command, extra))
        return 0

    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(deployment, "_revive", lambda *_: lost)
    assert deployment._destroy(layout, "local") == 0
    [(command, extra)] = ran
    assert ("--refresh" in command) == lost
    assert ("PULUMI_K8S_DELETE_UNREACHABLE" in extra) == lost
