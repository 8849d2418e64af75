"""`down` when the destroy fails or a control plane is lost: its actions and messages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sandbox import child, deployment, engine, state
from sandbox.layout import Layout

pytestmark = pytest.mark.unit


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


@pytest.mark.parametrize("trace", ["lock", "mark", "pending"])
def test_destroy_compares_with_what_is_there_after_a_killed_run(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, trace: str
) -> None:
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str], _: Layout, extra: Mapping[str, str]) -> int:
        # Now a kill would leave a state that does not know what was deleted.
        assert state.behind(layout, "local") == "destroy"
        ran.append(command)
        return 0

    deleting = [{"type": "deleting", "resource": {"urn": "urn:x"}}]
    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(deployment, "_revive", lambda *_: False)
    monkeypatch.setattr(deployment, "_pulumi", lambda *_, **__: "")
    if trace == "lock":
        monkeypatch.setattr(state, "locks", lambda *_: [state.Lock(file=layout.home, pid=None)])
    elif trace == "mark":
        state.mark_behind(layout, "local", "destroy")
    else:
        monkeypatch.setattr(state, "latest", lambda *_: {"pending_operations": deleting})
    assert deployment._destroy(layout, "local") == 0
    [command] = ran
    assert "--refresh" in command
    assert not layout.behind("local").exists()


@pytest.mark.parametrize("engine_says", [child.INTERRUPTED, 255])
def test_a_destroy_that_did_not_succeed_leaves_its_mark(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, engine_says: int
) -> None:
    monkeypatch.setattr(child, "run", lambda *_: engine_says)
    monkeypatch.setattr(deployment, "_revive", lambda *_: False)
    deployment._destroy(layout, "local")
    assert state.behind(layout, "local") == "destroy"


@pytest.mark.parametrize(
    ("engine_says", "lost", "status"),
    [(0, False, 0), (255, False, 255), (255, True, 0), (child.INTERRUPTED, True, child.INTERRUPTED)],
)
def test_a_failed_destroy_is_forgiven_only_where_a_control_plane_is_lost(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, engine_says: int, lost: bool, status: int
) -> None:
    monkeypatch.setattr(child, "run", lambda *_: engine_says)
    monkeypatch.setattr(deployment, "_revive", lambda *_: lost)
    assert deployment._destroy(layout, "local") == status


def test_down_discards_what_could_not_be_destroyed_and_fails(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(state, "exists", lambda *_: True)
    monkeypatch.setattr(deployment, "_destroy", lambda *_: 255)
    monkeypatch.setattr(deployment, "_forget", lambda _, stack: forgotten.append(stack))
    clouds = layout.clouds / "local"
    clouds.mkdir(parents=True)
    state.mark_behind(layout, "local", "destroy")
    assert deployment.down(layout, "local") == 255
    assert forgotten == ["local"]
    assert not clouds.exists()
    assert state.behind(layout, "local") is None
    assert capsys.readouterr().out == (
        "Stack local is down: no control plane was left to stop, but its destroy failed.\n"
    )
