"""The sandbox's own commands, and the plain pulumi command in its environment, with a program that needs no cluster."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.layout import BIN_VARIABLE, Layout
from tests.rendering import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

PROGRAM = """\
import time
import pulumi
import pulumi_random
config = pulumi.Config()
if config.get("fails"):
    raise pulumi.RunError("the value of `fails` is not allowed")
if config.get("crashes"):
    print(undefined)
print("said by the program")
time.sleep(config.get_float("seconds") or 0)
password = pulumi_random.RandomPassword("password", length=16)
pulumi.export("password", password.result)
pulumi.export("token", config.get_secret("token"))
"""
STACK_FILE = """\
# A comment, and   spacing, that stay.
config:
  sacred-council:regions:
    - {name: one,   cloud: existing}

    - {name: two, cloud: existing, context: second}
"""
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")


class Project:
    """A small project of its own, with a sandbox of its own and the checkout's binaries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "Pulumi.yaml").write_text(
            "name: sacred-council\nruntime: {name: python, options: {virtualenv: .venv}}\n"
        )
        (folder / "__main__.py").write_text(PROGRAM)
        (folder / "Pulumi.local.yaml").write_text(STACK_FILE)
        (folder / ".gitignore").write_text(".sandbox/\n")
        for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "as it is")):
            subprocess.run([*GIT, *command], cwd=folder, check=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """The user's environment, with the checkout's packages and binaries."""
        binaries = str(Layout.from_environment().binaries)
        return {**os.environ, "PYTHONPATH": str(ROOT), BIN_VARIABLE: binaries, "NO_COLOR": "1"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts `python -m sandbox ARGUMENTS`."""
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        """What `python -m sandbox ARGUMENTS` prints; it must end with the given exit status."""
        with self.start(*arguments) as process:
            said, _ = process.communicate()
        assert process.returncode == status, said
        return said

    def pulumi(self, *arguments: str, status: int = 0) -> str:
        """What the plain command prints in the sandbox's environment."""
        return self.run("exec", "--", "pulumi", *arguments, status=status)

    @contextmanager
    def replaced(self, file: str, old: str, new: str) -> Iterator[None]:
        """The file with other content, for a while."""
        path = self.folder / file
        original = path.read_text()
        assert old in original
        path.write_text(original.replace(old, new))
        try:
            yield
        finally:
            path.write_text(original)

    def changes(self) -> str:
        """What git says has changed in the work tree."""
        return subprocess.run(
            [*GIT, "status", "--porcelain"], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project; taken down afterwards."""
    made = Project(tmp_path_factory.mktemp("cli"))
    said = made.run("up")
    assert "Stack local is up in the sandbox" in said
    assert "said by the program" in said
    yield made
    made.run("down")


def test_status_names_regions_contexts_processes_and_resources(project: Project) -> None:
    said = project.run("status")
    assert "one: context one, used by local; etcd, kube-apiserver, kube-controller-manager, kube-scheduler" in said
    assert "two: context second, used by local; etcd" in said
    assert "local: 2 resources" in said


def test_the_exports_of_env_and_nothing_else_go_to_standard_output(project: Project) -> None:
    script = (
        f'variables="$({sys.executable} -m sandbox env)" && eval "$variables" && '
        "pulumi stack output --json && kubectl --context second get nodes -o name && kubectl config current-context"
    )
    run = subprocess.run(
        ["sh", "-c", script], cwd=project.folder, env=project.environment, capture_output=True, text=True, check=True
    )
    outputs, _, rest = run.stdout.partition("}\n")
    assert json.loads(outputs + "}") == {"password": "[secret]"}
    assert rest.split() == ["node/two-a", "node/two-b", "node/two-c", "one"]


def test_the_control_planes_listen_on_loopback_only(project: Project) -> None:
    import psutil

    from sandbox import processes

    servers = processes.servers_of(project.folder / ".sandbox" / "control-planes")
    assert len(servers) == 10
    addresses = {
        connection.laddr.ip
        for server in servers
        for connection in server.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_plain_commands_leave_the_work_tree_as_it_was(project: Project) -> None:
    assert "2 unchanged" in project.pulumi("preview", "--stack", "local")
    assert "unchanged" in project.pulumi("up", "--stack", "local", "--yes", "--expect-no-changes")
    assert "unchanged" in project.pulumi("refresh", "--yes")
    assert "password" in project.pulumi("stack", "output", "--show-secrets")
    assert project.changes() == ""


def test_configured_secrets_can_be_read_by_the_program_and_in_the_state_by_nobody(project: Project) -> None:
    with project.replaced("Pulumi.local.yaml", "", ""):
        project.pulumi("config", "set", "--secret", "token", "known to nobody", "--stack", "local")
        assert "known to nobody" not in (project.folder / "Pulumi.local.yaml").read_text()
        project.pulumi("up", "--stack", "local", "--yes")
        assert project.pulumi("stack", "output", "token", "--show-secrets").strip() == "known to nobody"
        assert "known to nobody" not in project.pulumi("stack", "export")
    assert project.changes() == ""


def test_an_error_of_the_programs_settings_has_no_stack_trace(project: Project) -> None:
    with project.replaced("Pulumi.local.yaml", "config:", "config:\n  sacred-council:fails: yes"):
        said = project.pulumi("preview", "--stack", "local", status=1)
    assert "error: the value of `fails` is not allowed" in said
    assert "Traceback" not in said


def test_any_other_error_has_a_stack_trace_that_begins_in_the_program(project: Project) -> None:
    with project.replaced("Pulumi.local.yaml", "config:", "config:\n  sacred-council:crashes: yes"):
        said = project.pulumi("preview", "--stack", "local", status=1)
    assert "NameError: name 'undefined' is not defined" in said
    assert f'{project.folder}/__main__.py", line 8' in said
    assert "sandbox/program.py" not in said


def test_an_unknown_stack_or_command_is_an_error_of_one_line(project: Project) -> None:
    assert project.run("up", "lokal", status=1) == (
        "error: Pulumi.lokal.yaml does not exist; the stacks of this project are: local.\n"
    )
    assert (
        project.run("exec", "--", "no-such-command", status=1) == "error: no-such-command: there is no such command.\n"
    )


def test_control_planes_that_were_killed_are_started_again_with_what_they_held(project: Project) -> None:
    from sandbox import processes

    kubectl = ("exec", "--", "kubectl", "--context", "one")
    project.run(*kubectl, "create", "namespace", "kept")
    for server in processes.servers_of(project.folder / ".sandbox" / "control-planes"):
        server.kill()
        server.wait(10)
    assert "control plane started" in project.run("up")
    assert project.run(*kubectl, "get", "namespace", "kept", "-o", "name") == "namespace/kept\n"


def test_ctrl_c_ends_a_deployment_without_a_trace_and_the_next_one_goes_on(project: Project) -> None:
    with project.replaced("__main__.py", 'config.get_float("seconds") or 0', "60"):
        process = project.start("up")
        said = "".join(iter(lambda: _line_until(process, "said by the program"), ""))
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        said += process.communicate()[0]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert time.monotonic() - begin < 50
    assert "Stack local is up" in project.run("up")


def _line_until(process: subprocess.Popen[str], last: str) -> str:
    """The next line of output; nothing once a line held `last`."""
    line = process.stdout.readline() if process.stdout else ""
    return "" if last in line else line


def test_servers_whose_sandbox_was_deleted_by_hand_are_ended_by_the_next_up(project: Project) -> None:
    from sandbox import processes

    home = project.folder / ".sandbox"
    orphans = processes.servers_of(home / "control-planes")
    shutil.rmtree(home)
    said = project.run("up")
    assert "Ending 10 servers of control planes whose files are gone." in said
    assert "Stack local is up in the sandbox" in said
    assert [process for process in orphans if process.is_running()] == []
    assert len(processes.servers_of(home / "control-planes")) == 10
    project.pulumi("preview", "--stack", "local", "--expect-no-changes")


def test_servers_whose_sandbox_was_deleted_by_hand_are_ended_by_down(project: Project) -> None:
    from sandbox import processes

    home = project.folder / ".sandbox"
    shutil.rmtree(home)
    said = project.run("down")
    assert "Ending 10 servers of control planes whose files are gone." in said
    assert processes.servers_of(home / "control-planes") == []
    assert "Stack local is up in the sandbox" in project.run("up")


def test_down_ends_everything_also_when_a_control_plane_is_lost(project: Project) -> None:
    from sandbox import processes

    planes = project.folder / ".sandbox" / "control-planes"
    for server in processes.servers_of(planes / "clusters" / "one"):
        server.kill()
        server.wait(10)
    shutil.rmtree(planes / "clusters" / "one")
    assert "Stack local is down: stopped the control planes of one, two." in project.run("down")
    assert processes.servers_of(planes) == []
    assert project.run("status") == "No region has a control plane; `make up` starts one.\nNo stack is deployed.\n"
    assert project.run("down") == "Stack local was not up.\n"


def test_down_fails_when_the_destroy_does_and_ends_everything_all_the_same(project: Project) -> None:
    from sandbox import processes

    project.run("up")
    project.pulumi("state", "protect", "--all", "--yes", "--stack", "local")
    said = project.run("down", status=1)
    assert "Stack local is down: stopped the control planes of one, two, but its destroy failed." in said
    assert processes.servers_of(project.folder / ".sandbox" / "control-planes") == []
    assert project.run("down") == "Stack local was not up.\n"
