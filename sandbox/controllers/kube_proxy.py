"""kube-proxy on a node's network: translates the addresses of Services as in any cluster."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from sandbox import binaries, manifests
from sandbox.controllers import netns
from sandbox.controllers.network import RegionNetwork
from sandbox.layout import Layout

MODE = "iptables"
_SERVER_NAME = "localhost"
"""A name in the certificate of the API servers."""


def configuration(node: str, kubeconfig: Path, pods: str) -> dict[str, Any]:
    """The configuration file for the node with this name. `pods`: the range of the region's pods."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": MODE,
        "hostnameOverride": node,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": pods,
        "detectLocalMode": "ClusterCIDR",
        "bindAddress": "0.0.0.0",  # noqa: S104 - in the node's own network
        "healthzBindAddress": f"{manifests.LOOPBACK}:10256",
        "metricsBindAddress": f"{manifests.LOOPBACK}:10249",
        # The table's size is a setting of the whole machine.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"minSyncPeriod": "0s", "localhostNodePorts": False},
    }


def kubeconfig_through(document: dict[str, Any], address: str, port: int) -> dict[str, Any]:
    """The kubeconfig with another way to the same API server."""
    (cluster,) = document["clusters"]
    there = {"server": f"https://{address}:{port}", "tls-server-name": _SERVER_NAME}
    return {**document, "clusters": [{**cluster, "cluster": {**cluster["cluster"], **there}}]}


def start(layout: Layout, network: RegionNetwork, kubeconfig: Path, directory: Path) -> list[subprocess.Popen[bytes]]:
    """Start one kube-proxy on every node of the region. `directory` gets their files and logs."""
    program = binaries.path_of(layout, binaries.KUBE_PROXY)
    started = []
    for node, namespace in network.nodes.items():
        path = directory / f"{node}.yaml"
        path.write_text(yaml.safe_dump(configuration(node, kubeconfig, str(network.addresses.pods))))
        with (directory / f"{node}.log").open("ab") as log:
            started.append(
                subprocess.Popen(
                    [*netns.entering(namespace), str(program), f"--config={path}"],
                    env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "GOMAXPROCS": "2"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
    return started
