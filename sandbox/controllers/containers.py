"""What runs a container: the interface between the node agent and those who know a program for an image.

The node agent (`pods`) asks its runners in order. A pod is run for real if each of its containers has a runner; all
other pods stay simulated. An init container without a runner is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

ROOT_USER = 0


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container that is about to start, with everything that its spec refers to."""

    region: str
    pod: Mapping[str, Any]
    """The Pod, as the API server returned it. It has an address."""
    spec: Mapping[str, Any]
    """The container's part of the pod's spec."""
    command: tuple[str, ...]
    """`command` and `args` with expanded variables. Empty: the image's own entry point."""
    environment: Mapping[str, str]
    """The variables of the spec, and HOSTNAME."""
    directory: Path
    """The container's own directory, kept over restarts, for files of the runner."""
    root: Path
    """Where the container's volumes are: a volume with the mount path /etc/x is at root/etc/x."""
    namespace: str
    """Name of the pod's network namespace (`ip netns`)."""

    @property
    def name(self) -> str:
        """Name of the container."""
        return str(self.spec["name"])

    @property
    def user(self) -> int:
        """The user number that the spec asks for; else 0."""
        return int(self._security("runAsUser"))

    @property
    def group(self) -> int:
        """The group number that the spec asks for; else that of the user."""
        return int(self._security("runAsGroup") or self.user)

    def _security(self, key: str) -> int:
        own = self.spec.get("securityContext") or {}
        of_pod = self.pod["spec"].get("securityContext") or {}
        return own.get(key, of_pod.get(key)) or ROOT_USER


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that runs a container. It starts in the pod's network, with the cluster's names in /etc/hosts."""

    command: Sequence[str]
    """Program and arguments."""
    environment: Mapping[str, str]
    """All of its environment."""
    directory: Path
    """Working directory, in that of the pod, to which the user needs no way."""
    user: int = ROOT_USER
    """User number. 0 keeps all capabilities, others have none."""
    group: int = ROOT_USER
    """Group number; there are no further groups."""
    host_ports: Mapping[int, int] = field(default_factory=dict)
    """Ports on the pod's loopback interface that lead to ports on the machine's, such as those of API servers."""


class ContainerRunner(Protocol):
    """Knows a program for some containers."""

    def runs(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether it can run this container of this pod. Called often, also for pods without an address."""

    def process(self, container: Container) -> Process:
        """The process of the container. Called for every start. `OSError` and `ValueError` make the agent try again."""
