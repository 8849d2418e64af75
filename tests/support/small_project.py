"""A project with two regions whose program needs no cluster, so that the sandbox's commands take only seconds."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from sandbox import manifests, processes
from sandbox.layout import BIN_VARIABLE, Layout
from tests.support.rendering import ROOT
from tests.support.sandboxes import start_sandbox

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
SERVERS = 2 * len(manifests.PORTS_OF)
"""Number of servers in the control planes of both regions."""
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")


class Project:
    """A small project with its own sandbox and the checkout's binaries."""

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
        """Start `python -m sandbox ARGUMENTS`."""
        return start_sandbox(self.folder, self.environment, *arguments)

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run `python -m sandbox ARGUMENTS` and return the output; the exit status must be `status`."""
        with self.start(*arguments) as process:
            said, _ = process.communicate()
        assert process.returncode == status, said
        return said

    def pulumi(self, *arguments: str, status: int = 0) -> str:
        """Run the plain `pulumi` in the sandbox's environment and return the output."""
        return self.run("exec", "--", "pulumi", *arguments, status=status)

    @contextmanager
    def replaced(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace a text in the file for the length of the block."""
        path = self.folder / file
        original = path.read_text()
        assert old in original
        path.write_text(original.replace(old, new))
        try:
            yield
        finally:
            path.write_text(original)

    @property
    def servers(self) -> list[psutil.Process]:
        """The running servers of the project's control planes."""
        return processes.servers_of(self.folder / ".sandbox" / "control-planes")

    def kill(self, servers: Sequence[psutil.Process]) -> None:
        """End servers like a crash."""
        for server in servers:
            server.kill()
            server.wait(10)

    def changes(self) -> str:
        """The changes of the work tree, as git lists them."""
        return subprocess.run(
            [*GIT, "status", "--porcelain"], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout


@contextmanager
def deployed(folder: Path) -> Iterator[Project]:
    """A deployed project; it is taken down afterwards."""
    made = Project(folder)
    said = made.run("up")
    assert "Stack local is up in the sandbox" in said
    assert "said by the program" in said
    try:
        yield made
    finally:
        made.start("down").communicate()
        assert made.servers == []
