"""Reading the state backend without the engine, and facts about the machine."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox import child, deployment, doctor, ports, processes, state
from sandbox.layout import Layout, SandboxError

pytestmark = pytest.mark.unit


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A project without state."""
    (tmp_path / "Pulumi.yaml").write_text("name: council\n")
    return Layout(project=tmp_path, home=tmp_path / "home", binaries=tmp_path / "built")


def _store(layout: Layout, latest: dict[str, Any]) -> None:
    folder = layout.state / ".pulumi" / "stacks" / "council"
    folder.mkdir(parents=True)
    (folder / "local.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))


def _lock(layout: Layout, pid: int, hostname: str) -> None:
    folder = layout.state / ".pulumi" / "locks" / "organization" / "council" / "local"
    folder.mkdir(parents=True)
    (folder / "id.json").write_text(json.dumps({"pid": pid, "hostname": hostname}))


def test_a_stack_without_state_has_nothing(layout: Layout) -> None:
    assert not state.exists(layout, "local")
    assert (state.stacks(layout), state.resources(layout, "local"), state.locks(layout, "local")) == ([], [], [])


@pytest.mark.parametrize(
    ("files", "selected"),
    [({}, ""), ({"a": "organization/council/local"}, "local"), ({"a": "o/x/local", "b": "o/y/local"}, "")],
)
def test_the_selected_stack_is_read_if_it_is_clear(layout: Layout, files: dict[str, str], selected: str) -> None:
    folder = layout.pulumi_home / "workspaces"
    folder.mkdir(parents=True)
    for name, stack in files.items():
        (folder / f"{name}-workspace.json").write_text(json.dumps({"stacks": {"file:///state": stack}}))
    assert state.selected(layout) == selected


def test_resources_are_read(layout: Layout) -> None:
    password = {"urn": "urn:c", "type": "random:index/randomPassword:RandomPassword"}
    explicit = {"urn": "urn:x::platform-random", "type": "pulumi:providers:random"}
    default = {"urn": "urn:x::default_4_21_4", "type": "pulumi:providers:random"}
    _store(layout, {"resources": [password, explicit, default]})
    assert state.stacks(layout) == ["local"]
    assert state.resources(layout, "local") == [password, explicit]


@pytest.mark.parametrize(
    ("pending", "killed"),
    [
        ([], None),
        (["creating"], None),
        (["deleting"], "refresh"),
        (["creating", "updating"], "refresh"),
    ],
)
def test_a_state_is_behind_once_a_run_was_killed_that_changed_or_deleted(
    layout: Layout, pending: list[str], killed: str | None
) -> None:
    _store(layout, {"pending_operations": [{"type": kind, "resource": {"urn": "urn:x"}} for kind in pending]})
    assert state.behind(layout, "local") == killed
    assert state.left_behind(state.latest(layout, "local")) == (killed is not None)


def test_the_mark_of_a_destroy_outlives_a_killed_refresh_and_is_cleared_at_last(layout: Layout) -> None:
    assert state.behind(layout, "local") is None
    state.mark_behind(layout, "local", "destroy")
    state.mark_behind(layout, "local", "refresh")
    assert state.behind(layout, "local") == "destroy"
    assert state.behind(layout, "other") is None
    state.clear_behind(layout, "local")
    state.clear_behind(layout, "local")
    assert state.behind(layout, "local") is None
    state.mark_behind(layout, "local", "refresh")
    assert state.behind(layout, "local") == "refresh"


@pytest.mark.parametrize("pid", [None, 2**22 + 1])
def test_a_lock_of_a_process_that_is_no_engine_is_stale(layout: Layout, pid: int | None) -> None:
    _lock(layout, pid or os.getpid(), socket.gethostname())
    (lock,) = state.locks(layout, "local")
    assert lock.pid is None


def test_the_lock_of_a_running_engine_is_respected(layout: Layout, tmp_path: Path) -> None:
    engine = tmp_path / "pulumi"
    engine.write_bytes(Path("/bin/sleep").read_bytes())
    engine.chmod(0o755)
    with subprocess.Popen([engine, "60"]) as running:
        try:
            _lock(layout, running.pid, socket.gethostname())
            with pytest.raises(SandboxError, match=rf"another engine is working on it \(process {running.pid}\)"):
                deployment.release_stale_locks(layout, "local")
        finally:
            running.kill()


def test_a_server_is_recognised_by_its_name_and_its_directory(tmp_path: Path) -> None:
    server = tmp_path / "etcd"
    server.symlink_to("/bin/sh")
    # A shell that starts another program is there twice for a moment.
    waits = ["-c", "read line", f"{tmp_path}/data/x"]
    pipe = subprocess.PIPE
    with subprocess.Popen([server, *waits], stdin=pipe) as ours, subprocess.Popen(["sh", *waits], stdin=pipe) as other:
        try:
            assert [found.pid for found in processes.servers_of(tmp_path / "data")] == [ours.pid]
            assert processes.servers_of(tmp_path / "dat") == []
            assert processes.kill(processes.servers_of(tmp_path / "data")) == []
            assert other.poll() is None
        finally:
            other.kill()
            ours.kill()


def test_free_ports_are_consecutive_and_not_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.free(1)[0]))
        taken.listen()
        found = ports.free(3)
        assert found == list(range(found[0], found[0] + 3))
        assert taken.getsockname()[1] not in found


def test_a_commands_exit_status_is_passed_on(tmp_path: Path) -> None:
    assert child.foreground(["sh", "-c", "exit 7"], os.environ, str(tmp_path)) == 7


def test_only_messages_that_the_next_one_replaces_are_left_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = [
        " +  kubernetes:apps/v1:Deployment one creating (3s) ",
        " +  kubernetes:apps/v1:Deployment one creating (3s) warning: [1/2] Waiting for rollout",
        " ~  kubernetes:apps/v1:Deployment one updating (12s)  warning: [1/2] Waiting for rollout",
        "    kubernetes:core/v1:Service two warning: a user can act on this",
        "    warning: 3 (of 4) are creating",
    ]
    (tmp_path / "printed").write_text("".join(f"{line}\n" for line in printed))
    (tmp_path / "script").write_text("cat printed; echo warning: an error >&2; exit 3")
    command = ["sh", "script"]
    assert child.foreground(command, os.environ, str(tmp_path), leave_out=child._NOT_READY_YET) == 3
    said = capfd.readouterr()
    assert said.out.splitlines() == [printed[0], *printed[3:]]
    assert said.err == "warning: an error\n"
    assert child.foreground(command, os.environ, str(tmp_path)) == 3
    assert capfd.readouterr().out.splitlines() == printed


def test_an_interrupt_reaches_the_command_once_and_lets_it_finish(tmp_path: Path) -> None:
    script = (
        "trap 'echo told >> noted' INT; echo ready > ready; n=0; "
        "while [ ! -e noted ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; sleep 0.3"
    )
    runner = (
        "import os, sys; from sandbox import child; "
        f"sys.exit(child.foreground(['sh', '-c', {script!r}], os.environ, {str(tmp_path)!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", runner], start_new_session=True) as running:
        while not (tmp_path / "ready").exists():
            assert running.poll() is None
        running.send_signal(2)
        assert running.wait(timeout=30) == child.INTERRUPTED
    assert (tmp_path / "noted").read_text() == "told\n"


def test_the_doctor_reads_the_pinned_packages_and_finds_what_is_missing(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any(line.startswith("pulumi==") for line in doctor.pinned_requirements())
    monkeypatch.setattr(doctor, "pinned_requirements", lambda: ["pulumi==0.0.1", "absent-package==1"])
    assert doctor.report(layout) == 1
    said = capsys.readouterr().out
    assert "not as pinned: pulumi==0.0.1, absent-package==1" in said
    assert "make venv" in said
    with pytest.raises(SandboxError, match="Python packages: not as pinned"):
        doctor.require(layout)
