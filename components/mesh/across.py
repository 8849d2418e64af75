"""What Istio's resources say when there are several regions. Pure: no resources."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.mesh.config import EAST_WEST_PORT

CLUSTER_LABEL = "topology.istio.io/cluster"
"""Istio gives it to every endpoint, also to the gateway that stands for the endpoints of another network."""


@dataclass(frozen=True, kw_only=True)
class LanguageRoute:
    """Requests whose language tag is one of `tags`, or starts with one of them, are served in `region`."""

    region: str
    match: Literal["exact", "prefix"]
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MeshPeers:
    """What the routes of region `region` know of the others: `failover` (nearest first) and `languages`, in order.

    To `unreachable` ones `region` sends nothing, because it does not know their endpoints, or is not to.
    """

    region: str
    failover: tuple[str, ...]
    languages: tuple[LanguageRoute, ...] = ()
    unreachable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.failover or self.region in self.failover:
            raise ValueError(f"failover: expected the regions other than {self.region}, nearest first: {self.failover}")
        strangers = sorted({route.region for route in self.languages} - set(self.reachable))
        if strangers:
            raise ValueError(f"languages: {', '.join(strangers)} is not one of the regions in reach")

    @property
    def regions(self) -> tuple[str, ...]:
        """All regions of the mesh, sorted: the same everywhere."""
        return tuple(sorted((self.region, *self.failover)))

    @property
    def reachable(self) -> tuple[str, ...]:
        """The regions that get requests when `region` fails, nearest first."""
        return tuple(region for region in self.failover if region not in self.unreachable)


def nearest_first(mesh_peers: MeshPeers) -> dict[str, Any]:
    """Locality setting: pods of the same zone, of the same region, of the nearest other region, then all the rest."""
    return {
        "enabled": True,
        "failover": [{"from": mesh_peers.region, "to": nearest} for nearest in mesh_peers.reachable[:1]],
    }


def subsets(mesh_peers: MeshPeers, affinity: dict[str, Any]) -> list[dict[str, Any]]:
    """One subset per region, called after it: its endpoints, and all others only when those fail.

    A subset that selected the region's endpoints would have none left when the region is down. The name of a subset is
    part of the TLS server name, which the other region's gateway must know, too: hence the same subsets everywhere.
    """
    return [
        {
            "name": region,
            "trafficPolicy": {
                "loadBalancer": {
                    **affinity,
                    "localityLbSetting": {"enabled": True, "failoverPriority": [f"{CLUSTER_LABEL}={region}"]},
                }
            },
        }
        for region in mesh_peers.regions
    ]


def east_west_gateway(selector: dict[str, str], namespaces: Sequence[str]) -> dict[str, Any]:
    """Spec of the Gateway for other regions: mutual TLS passes through to the service that its server name says.

    Only to services in `namespaces`.
    """
    return {
        "selector": selector,
        "servers": [
            {
                "port": {"number": EAST_WEST_PORT, "name": "tls", "protocol": "TLS"},
                "hosts": [f"*.{namespace}.svc.cluster.local" for namespace in namespaces],
                "tls": {"mode": "AUTO_PASSTHROUGH"},
            }
        ],
    }


def remote_secret_rules() -> list[dict[str, list[str]]]:
    """What Istio's control plane watches in another cluster: less than that, and it would wait for ever.

    After the role that Istio's own chart gives to its remote-secret access, without what is written and what only the
    control plane of remote sidecars asks.
    """
    istio = ("extensions", "networking", "security", "telemetry")
    core = ("configmaps", "endpoints", "namespaces", "nodes", "pods", "replicationcontrollers", "secrets", "services")
    return [
        _read([f"{group}.istio.io" for group in istio], ["*"]),
        _read([""], list(core)),
        _read(["discovery.k8s.io"], ["endpointslices"]),
        _read(["apps"], ["replicasets"]),
        _read(["apiextensions.k8s.io"], ["customresourcedefinitions"]),
        _read(["gateway.networking.k8s.io"], ["gateways"]),
        _read(["multicluster.x-k8s.io"], ["serviceexports", "serviceimports"]),
    ]


def _read(groups: list[str], resources: list[str]) -> dict[str, list[str]]:
    return {"api_groups": groups, "resources": resources, "verbs": ["get", "list", "watch"]}


def remote_kubeconfig(*, region: str, endpoint: str, certificate_authority: str, token: str) -> str:
    """A kubeconfig, in JSON, with nothing but a token in it: Istio refuses plugins and files.

    `endpoint` is the API's URL, or its host name; `certificate_authority` is PEM in base64.
    """
    server = endpoint if "://" in endpoint else f"https://{endpoint}"
    cluster = {"server": server, "certificate-authority-data": certificate_authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": region, "cluster": cluster}],
            "users": [{"name": region, "user": {"token": token}}],
            "contexts": [{"name": region, "context": {"cluster": region, "user": region}}],
            "current-context": region,
        },
        sort_keys=True,
    )


def encoded(text: str) -> str:
    """`text` as a Secret's `data` has it."""
    return base64.b64encode(text.encode()).decode()


def decoded(data: str) -> str:
    """The text in a Secret's `data`; ValueError when it is not base64 of UTF-8."""
    return base64.b64decode(data, validate=True).decode()
