"""Paths of the sandbox. Everything lies under one directory, `.sandbox` by default."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
HOME_VARIABLE = "SACRED_COUNCIL_SANDBOX"
BIN_VARIABLE = "SACRED_COUNCIL_BINARIES"


class SandboxError(Exception):
    """An error that the user can fix. Only its text is shown."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The paths of one sandbox."""

    project: Path
    """Directory with Pulumi.yaml."""
    home: Path
    """Directory with the files of this sandbox."""
    binaries: Path
    """Directory with the built tools. Several sandboxes may share it, such as those of tests."""

    @classmethod
    def from_environment(cls) -> Layout:
        """The layout in use.

        The project is the current directory if it has a Pulumi.yaml, else the one this package belongs to. The home is
        its `.sandbox` unless SACRED_COUNCIL_SANDBOX names another directory; SACRED_COUNCIL_BINARIES does the same for
        the directory with the built programs.
        """
        project = Path.cwd() if (Path.cwd() / "Pulumi.yaml").is_file() else PROJECT
        default = project / ".sandbox"
        home = Path(os.environ.get(HOME_VARIABLE) or default).absolute()
        binaries = Path(os.environ.get(BIN_VARIABLE) or PROJECT / ".sandbox").absolute()
        return cls(project=project, home=home, binaries=binaries)

    @property
    def bin(self) -> Path:
        """Kubernetes tools: kwokctl, kubectl, helm and the servers."""
        return self.binaries / "bin"

    @property
    def engine(self) -> Path:
        """The built `pulumi` with its language host beside it, where the CLI looks for bundled plugins."""
        return self.binaries / "engine"

    @property
    def shims(self) -> Path:
        """First on PATH: the `pulumi` that knows which engine to run."""
        return self.home / "shims"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of the sandbox, with the stand-in plugins."""
        return self.home / "pulumi-home"

    @property
    def state(self) -> Path:
        """The state backend's directory."""
        return self.home / "state"

    @property
    def passphrase(self) -> Path:
        """File with the passphrase for secrets in the state."""
        return self.home / "passphrase"

    @property
    def kubeconfig(self) -> Path:
        """One kubeconfig with a context for each region."""
        return self.home / "kubeconfig"

    @property
    def kubeconfigs(self) -> Path:
        """Directory with one kubeconfig per region."""
        return self.home / "kubeconfigs"

    @property
    def clusters(self) -> Path:
        """Working directory of kwokctl."""
        return self.home / "control-planes"

    @property
    def clouds(self) -> Path:
        """Resources of the simulated clouds: a directory for each stack."""
        return self.home / "clouds"

    @property
    def registry(self) -> Path:
        """File that records each control plane's slot and the stacks that use it."""
        return self.home / "regions.json"

    @property
    def registry_lock(self) -> Path:
        """Held by whoever changes the record, the control planes or the kubeconfigs."""
        return self.home / "regions.lock"

    @property
    def stacks(self) -> Path:
        """A directory for each stack: its kubeconfig, and the copy of its file for the CLI to write to."""
        return self.home / "stacks"

    def stack_kubeconfig(self, stack: str) -> Path:
        """Kubeconfig with the contexts of one stack's regions only."""
        return self.stacks / f"{stack}.kubeconfig"

    def behind(self, stack: str) -> Path:
        """Exists while a run that writes the state only at its end changes or deletes the stack's resources.

        Holds the run's name, one of `state.Behind`. Outlives a kill.
        """
        return self.stacks / f"{stack}.behind"

    def stack_file(self, stack: str) -> Path:
        """The tracked configuration of a stack."""
        return self.project / f"Pulumi.{stack}.yaml"
