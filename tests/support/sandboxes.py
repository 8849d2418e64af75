"""A copy of the project with its own sandbox, driven by a user's commands."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import yaml

from sandbox.compare import changes
from sandbox.compare.changes import Preview
from sandbox.deployment import SKIP_CHECKPOINTS
from sandbox.layout import BIN_VARIABLE, HOME_VARIABLE
from tests.support.reference_data import DATA
from tests.support.rendering import ROOT

PROGRAM = (
    "Pulumi.yaml",
    "__main__.py",
    "requirements.txt",
    "requirements-dev.txt",
    "stacks",
    "components",
    "charts",
    "sandbox",
    "report",
    "policy",
    "publish",
    "tools",
)
PREVIEW = ("pulumi", "preview", "--json", "--non-interactive")
PATIENCE_SECONDS = 900
DEFINITIONS = DATA / "crds"


def start_sandbox(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start `python -m sandbox ARGUMENTS` in its own process group, with its output in a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@dataclass(frozen=True)
class Sandbox:
    """The project in `folder`, deployed as `stack`. It shares the built binaries with the checkout."""

    folder: Path
    stack: str
    saves_once: bool = False
    """Whether the engine writes the state only at the end: much faster with many regions."""

    @classmethod
    def of(cls, folder: Path, stack: str, *, saves_once: bool = False) -> "Sandbox":
        """Copy the program and the stack's configuration into `folder`."""
        folder.mkdir(parents=True)
        for name in (*PROGRAM, f"Pulumi.{stack}.yaml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        return cls(folder=folder, stack=stack, saves_once=saves_once)

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment, with the checkout's binaries, and the charts' real definitions if they exist."""
        real = {"SANDBOX_CRDS": str(DEFINITIONS)} if DEFINITIONS.is_dir() else {}
        once = {SKIP_CHECKPOINTS: "true"} if self.saves_once else {}
        theirs = {name: value for name, value in os.environ.items() if name != HOME_VARIABLE}
        charts = {"SACRED_COUNCIL_CHARTS_DOWNLOAD": "off", "SACRED_COUNCIL_CHARTS": str(self.folder / "no-charts")}
        built = {"SACRED_COUNCIL_BINARIES": os.environ.get(BIN_VARIABLE) or str(ROOT / ".sandbox")}
        # A user who names a folder with charts wants the tests to deploy them.
        return {**charts, **theirs, **real, **once, **built, "NO_COLOR": "1"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `python -m sandbox ARGUMENTS` in its own process group, with its output in a pipe."""
        return start_sandbox(self.folder, self.environment, *arguments)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run `python -m sandbox ARGUMENTS` and return the output. The command must fail exactly if `fails` is true."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode != 0) == fails, f"exit status {process.returncode} of {arguments}:\n{output}"
        return output

    def take_down(self) -> None:
        """Run `down` after tests that may have failed: it discards what it cannot destroy, even if protected."""
        self.start("down", self.stack).communicate(timeout=PATIENCE_SECONDS)
        assert wait_until_gone(self, 20) == []

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        """Run the plain `pulumi` in the sandbox's environment."""
        return self.run("exec", "--", "pulumi", *arguments, "--stack", self.stack, fails=fails)

    def preview(self) -> Preview:
        """The changes that `up` would make."""
        run = subprocess.run(
            [*(sys.executable, "-m", "sandbox", "exec", "--"), *PREVIEW, "--stack", self.stack],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        return changes.parse(run.stdout, run.returncode, run.stderr)

    def kubectl(self, *arguments: str, fails: bool = False) -> str:
        """Run kubectl in the sandbox's environment, on the first region."""
        return self.run("exec", "--", "kubectl", *arguments, fails=fails)

    def has(self, kinds: str, *arguments: str) -> bool:
        """Whether kubectl finds objects of `kinds` in the first region; false without a server."""
        return bool(self._quickly("get", kinds, *arguments, "-o", "name"))

    def release_statuses(self) -> dict[str, str]:
        """Status of each Helm release in the first region, which is that of its last revision; {} without a server."""
        fields = ("{.metadata.namespace}/{.metadata.labels.name}", "{.metadata.labels.version}")
        line = " ".join([*fields, '{.metadata.labels.status}{"\\n"}'])
        template = f"jsonpath={{range .items[*]}}{line}{{end}}"
        found = self._quickly("get", "secrets", "-A", "-l", "owner=helm", "-o", template)
        revisions = [(name, int(version), status) for name, version, status in map(str.split, found.splitlines())]
        return {name: status for name, _, status in sorted(revisions)}

    def _quickly(self, *arguments: str) -> str:
        """Output of kubectl without the sandbox's start, for questions that are asked again and again."""
        kubectl = Path(self.environment["SACRED_COUNCIL_BINARIES"]) / "bin" / "kubectl"
        kubeconfig = f"--kubeconfig={self.folder / '.sandbox' / 'kubeconfig'}"
        command = [str(kubectl), kubeconfig, *arguments, "--request-timeout=5s"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def objects(self, kinds: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects of `kinds` that kubectl finds with `arguments`."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kinds, *arguments, "-o", "json"))["items"]
        return found

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        deployment = json.loads(self.pulumi("stack", "export"))["deployment"]
        found: list[dict[str, Any]] = deployment.get("resources", [])
        return found

    def configure(self, values: Mapping[str, object]) -> None:
        """Set keys of the project in the stack file."""
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"].update({f"sacred-council:{key}": value for key, value in values.items()})
        path.write_text(yaml.safe_dump(document))

    def processes(self) -> list[psutil.Process]:
        """Running processes whose command line names this sandbox's folder."""
        return [process for process in psutil.process_iter() if str(self.folder) in _command(process)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join([*process.cmdline(), process.cwd()])
    except psutil.Error:
        return ""


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """`process` and all its descendants: the engine, its language host, its plugins, the program."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill_family(process: subprocess.Popen[str]) -> None:
    """Kill `process` and its descendants, and wait until these have ended: the next run looks for a running engine."""
    family = family_of(process)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family[1:], timeout=PATIENCE_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended that was to be killed."""

    output: str
    killed: bool
    """Whether SIGKILL ended it. False if it had ended by itself before."""


def kill_all(process: subprocess.Popen[str]) -> Ended:
    """Kill `process`, the engine and every plugin with SIGKILL, unless it has ended. Returns the unread output."""
    _kill_family(process)
    rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return Ended(output=rest, killed=process.returncode == -signal.SIGKILL)


def kill_all_after(process: subprocess.Popen[str], lines: Sequence[str], count: int, seconds: float = 0) -> Ended:
    """Kill all `seconds` after `count` output lines contained one of `lines`, unless the process ends before."""
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if sum(any(wanted in one for wanted in lines) for one in seen) >= count:
            time.sleep(seconds)
            break
    else:
        # It closes its output a moment before it ends.
        process.wait(timeout=PATIENCE_SECONDS)
    ended = kill_all(process)
    return replace(ended, output="".join([*seen, ended.output]))


def kill_all_when(process: subprocess.Popen[str], happens: Callable[[], bool]) -> Ended:
    """Kill all once `happens` returns true, unless the process ends before."""
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
    reader.start()
    while process.poll() is None and not happens():
        time.sleep(0.05)
    _kill_family(process)
    process.wait(timeout=PATIENCE_SECONDS)
    reader.join(timeout=10)
    assert process.stdout is not None
    process.stdout.close()
    return Ended(output="".join(said), killed=process.returncode == -signal.SIGKILL)


def end_region(sandbox: Sandbox, region: str) -> None:
    """Kill every server of a region's control plane."""
    servers = [process for process in sandbox.processes() if f"/clusters/{region}/" in " ".join(process.cmdline())]
    assert servers
    for process in servers:
        process.kill()
    psutil.wait_procs(servers, timeout=10)


def wait_until_gone(sandbox: Sandbox, seconds: float) -> list[str]:
    """Wait at most `seconds` for the sandbox's processes to end; return the command lines of those that remain."""
    deadline = time.monotonic() + seconds
    while (left := sandbox.processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [_command(process) for process in left]
