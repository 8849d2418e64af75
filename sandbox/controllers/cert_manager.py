"""cert-manager's real controller in the regions of a deployed stack, with a test authority in the public one's place.

The objects stay as the program wrote them. The controller calls the authority that they name through a proxy, and the
hosts of their certificates lead to the regions' gateways by a DNS server of the sandbox.

`python -m sandbox.controllers.cert_manager start STACK` does this for a stack that is up, and `stop STACK` ends it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.namespaces import CERT_MANAGER, INGRESS
from sandbox import binaries, control_planes, kubeconfig, ports, progress
from sandbox.controllers.acme import LIFETIME_SECONDS, AcmeAuthority, direct, launch, servers_in, stop_servers
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError

PROGRAM: Final = "cert-manager"
ACCOUNT: Final = "cert-manager"
"""The ServiceAccount that the real chart makes for the controller."""
_ISSUERS: Final = "issuers.cert-manager.io,clusterissuers.cert-manager.io"
_GATEWAY: Final = (INGRESS, "istio-ingressgateway")
"""Namespace and name of the Service that the hosts of certificates lead to."""
_TOKEN_HOURS: Final = 12
_START_SECONDS: Final = 60.0


def start(layout: Layout, stack: str, *, lifetime_seconds: int = LIFETIME_SECONDS) -> list[str]:
    """Start the authority, and a controller in each region of the stack that asks it; return these regions.

    Hosts of certificates lead to the gateways of the regions that ask for them. `lifetime_seconds` is the validity of
    certificates. Builds the programs first, if they are missing. Raises `SandboxError` if the stack's issuers name
    several authorities, or if a server does not start.
    """
    managers = [CertManager(cluster) for cluster in control_planes.clusters(layout, stack) if cluster.servers]
    asking = {manager: urls for manager in managers if (urls := manager.authorities())}
    authorities = sorted({url for found in asking.values() for url in found})
    if not authorities:
        return []
    if len(authorities) > 1:
        raise SandboxError(
            f"Stack {stack}: its issuers name several authorities, and one can be tested: {authorities}."
        )
    binaries.ensure(layout, binaries.CERT_MANAGER)
    authority = AcmeAuthority(layout)
    authority.start(authorities[0], lifetime_seconds=lifetime_seconds)
    for host, addresses in gateways(asking).items():
        authority.resolve(host, addresses)
    for manager in asking:
        manager.start(authority)
    regions = [manager.cluster.plane.name for manager in asking]
    progress.say(f"cert-manager runs in {', '.join(regions)}; a test authority stands for {authorities[0]}.")
    return regions


def stop(layout: Layout, stack: str) -> None:
    """Stop the stack's controllers and the authority."""
    for cluster in control_planes.clusters(layout, stack):
        CertManager(cluster).stop()
    AcmeAuthority(layout).stop()


class CertManager:
    """cert-manager's controller for one region's cluster. Every operation can be repeated."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.directory = cluster.layout.home / "controllers" / cluster.plane.name / PROGRAM

    def start(self, authority: AcmeAuthority) -> None:
        """Start it as the chart's account, and wait until it serves metrics.

        A chart's substitute has no account; then it has an administrator's rights. Raises `SandboxError` if it does not
        start.
        """
        if self.running():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        kubeconfig.write(self._kubeconfig, self._access())
        (port,) = ports.free(1, ports.after_control_plane(self.cluster.plane.slot))
        (self.directory / "port").write_text(str(port))
        process = launch(self._command(port, authority), self._log, {**os.environ, **authority.environment})
        self._await_metrics(process)

    def stop(self) -> None:
        """End it."""
        stop_servers(self.directory)

    def running(self) -> bool:
        """Whether it runs."""
        return bool(servers_in(self.directory))

    def authorities(self) -> set[str]:
        """The ACME directories that the cluster's issuers name. Empty without cert-manager's kinds."""
        return {item["spec"]["acme"]["server"] for item in self._items(_ISSUERS) if "acme" in item["spec"]}

    def hosts(self) -> list[str]:
        """The hosts of the cluster's certificates, sorted."""
        certificates = self._items("certificates.cert-manager.io")
        return sorted({host for item in certificates for host in item["spec"].get("dnsNames", [])})

    def gateway(self) -> list[str]:
        """The IPv4 addresses of the cluster's public gateway."""
        namespace, name = _GATEWAY
        status = self._object("service", name, "--namespace", namespace).get("status", {})
        return [entry["ip"] for entry in status.get("loadBalancer", {}).get("ingress", []) if "ip" in entry]

    @property
    def metrics(self) -> str:
        """What Prometheus would read from it."""
        port = int((self.directory / "port").read_text())
        with direct().open(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return bytes(answer.read()).decode()

    @property
    def log(self) -> str:
        """Its output since its start."""
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self.directory / f"{PROGRAM}.log"

    @property
    def _kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    def _command(self, port: int, authority: AcmeAuthority) -> list[str]:
        return [
            str(self.cluster.layout.bin / PROGRAM),
            "-v=2",
            f"-kubeconfig={self._kubeconfig}",
            f"-cluster-resource-namespace={CERT_MANAGER}",
            f"-metrics-listen-address=127.0.0.1:{port}",
            f"-acme-http01-solver-nameservers={authority.name_server}",
            *self._given(),
        ]

    def _given(self) -> list[str]:
        """The deployed controller's own argument for the image of pods that answer challenges, if there is one."""
        deployed = self._object("deployment", PROGRAM, "--namespace", CERT_MANAGER)
        containers = deployed.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        arguments = [argument for container in containers for argument in container.get("args", [])]
        return [argument for argument in arguments if argument.startswith("--acme-http01-solver-image=")]

    def _access(self) -> dict[str, Any]:
        """A kubeconfig with a token of the chart's account; the administrator's if there is no such account."""
        access = self.cluster.kubeconfig_for(self.cluster.plane.context)
        account = ("--namespace", CERT_MANAGER, f"--duration={_TOKEN_HOURS}h")
        run = self.cluster.kubectl("create", "token", ACCOUNT, *account)
        if run.returncode == 0:
            access["users"][0]["user"] = {"token": run.stdout.strip()}
        elif "not found" not in run.stderr:
            raise SandboxError(f"Region {self.cluster.plane.name}: no token for {ACCOUNT}: {run.stderr.strip()}")
        return access

    def _items(self, kinds: str) -> Sequence[Mapping[str, Any]]:
        run = self.cluster.kubectl("get", kinds, "--all-namespaces", "--output=json")
        if run.returncode != 0 and "the server doesn't have a resource type" not in run.stderr:
            raise SandboxError(f"Region {self.cluster.plane.name}: {run.stderr.strip()}")
        found: list[dict[str, Any]] = json.loads(run.stdout)["items"] if run.returncode == 0 else []
        return found

    def _object(self, *arguments: str) -> dict[str, Any]:
        run = self.cluster.kubectl("get", *arguments, "--output=json")
        found: dict[str, Any] = json.loads(run.stdout) if run.returncode == 0 else {}
        return found

    def _await_metrics(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        # A process that has just begun has no command line for a moment, by which `running` would find it.
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if self.metrics:
                    return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise SandboxError(f"Region {self.cluster.plane.name}: {PROGRAM} does not start.\n{self.log[-1500:]}")


def gateways(managers: Iterable[CertManager]) -> dict[str, list[str]]:
    """The addresses of each host of a certificate: those of the gateways whose regions ask for it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for manager in managers:
        for host in manager.hosts():
            found[host] += manager.gateway()
    return dict(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start or stop the controllers of a stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.controllers.cert_manager")
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("stack", help="a stack that is up in the sandbox, with edge.cdn")
    given = parser.parse_args(arguments)
    layout = Layout.from_environment()
    try:
        if given.action == "stop":
            stop(layout, given.stack)
        elif not start(layout, given.stack):
            raise SandboxError(
                f"No region of stack {given.stack} runs here and asks an authority for certificates: "
                f"write edge: {{cdn: ...}}, and run `make up STACK={given.stack}`."
            )
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
