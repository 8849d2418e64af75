"""Values of Istio's charts. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from components.cluster import MeshPlatform
from components.cluster.settings import ServiceType
from components.mesh.settings import MeshSettings, PostQuantum
from components.ports import OTLP_GRPC_PORT
from components.public_gateway import HTTP_TARGET_PORT, HTTPS_TARGET_PORT, INGRESS_PODS

MESH_ID: Final = "sacred-council"
TRUST_DOMAIN: Final = "sacred-council.love"
"""The same in all regions."""

MAX_REPLICAS: Final = 5
"""Maximum for the control plane and for each gateway."""

ISTIOD_BASE: Final = 256
ISTIOD_LEAST: Final = 512
ISTIOD_MIB_OF_A_SIDECAR: Final = 0.75
"""Source: 1.5 GB for 2,000 sidecars, https://istio.io/v1.16/docs/ops/deployment/performance-and-scalability/."""
STEP: Final = 128

LOCALITY_LABEL: Final = "istio-locality"
"""Label of pods that says where they are, in place of their nodes' labels.

It names the region and no zone. Otherwise Istio would prefer the caller's zone, and a circle would have a pod in each.
"""
ISTIOD_APP: Final = "istiod"
ISTIOD_PODS: Final = {"app": ISTIOD_APP}
"""Labels of the control plane's pods."""
EAST_WEST_APP: Final = "istio-eastwestgateway"
EAST_WEST_PODS: Final = {"istio": "eastwestgateway"}
"""Labels of the pods of the gateway for other regions."""

TRACING_PROVIDER = "opentelemetry"
ISTIO_USER = 1337

XDS_PORT = 15012
WEBHOOK_PORT = 15017
CONTROL_PLANE_METRICS_PORT = 15014
PROXY_METRICS_PORT = 15090
STATUS_PORT = 15021

EAST_WEST_PORT = 15443
"""Port where east-west gateways take mutual TLS and route it by server name. istiod expects this port."""

NETWORK_LABEL = "topology.istio.io/network"
"""By this label istiod finds the Service of a network's gateway, and the network of each pod."""

# By default a proxy keeps neither: the number of connections to the public gateway, and the WebSockets among them.
GATEWAY_STATISTICS = {"inclusionRegexps": [r"http\..*downstream_cx(_upgrades)?_active"]}

# Clouds' NATs and load balancers drop a silent connection after 4 minutes (Azure) or 350 seconds (AWS) without notice,
# and data sent later is lost.
KEEPALIVE_SECONDS = 60
KEEPALIVE_INTERVAL_SECONDS = 15
KEEPALIVE_PROBES = 3
IDLE_TIMEOUT = "180s"

ALL_SERVICES = "*.svc.cluster.local"

# Explicit, because the chart's platform `gke` derives the path from the API server's version string.
GKE_CNI_DIRECTORY = "/home/kubernetes/bin"

HYBRID_CURVES = ["X25519MLKEM768", "X25519", "P-256"]


def istiod_values(
    settings: MeshSettings,
    *,
    region: str,
    network: str,
    trace_collector: str | None,
    shared_services: Sequence[str],
    platform: MeshPlatform | None,
    sidecars: int,
) -> dict[str, Any]:
    """Values of chart `istiod`. The cluster has its region's name, even for a single region.

    `sidecars` is the most pods with a sidecar in the region.
    """
    return {
        "autoscaleEnabled": True,
        "autoscaleMin": settings.replicas,
        "autoscaleMax": MAX_REPLICAS,
        "resources": _resources(cpu="100m", cpu_limit="1", memory=istiod_memory(settings, sidecars)),
        "seccompProfile": {"type": "RuntimeDefault"},
        "topologySpreadConstraints": _spread(ISTIOD_PODS),
        "cni": {"enabled": True},
        "env": _control_plane_environment(settings.post_quantum),
        "meshConfig": mesh_config(settings.post_quantum, trace_collector, shared_services),
        "global": {
            **_platform(platform),
            "meshID": MESH_ID,
            "multiCluster": {"clusterName": region},
            "network": network,
            "logAsJson": True,
            # With a single pod, a budget that keeps one pod would block every drain of a node.
            "defaultPodDisruptionBudget": {"enabled": settings.replicas > 1},
            "proxy": {
                "resources": _resources(cpu="20m", cpu_limit="1", memory="128Mi"),
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    }


def istiod_memory(settings: MeshSettings, sidecars: int) -> str:
    """Return istiod's memory from the settings, or else by the rule in docs/monitoring.md."""
    derived = ISTIOD_BASE + ISTIOD_MIB_OF_A_SIDECAR * sidecars
    return settings.memory or f"{max(ISTIOD_LEAST, math.ceil(derived / STEP) * STEP)}Mi"


def mesh_config(
    post_quantum: PostQuantum, trace_collector: str | None, shared_services: Sequence[str]
) -> dict[str, Any]:
    """Return the mesh-wide configuration. `trace_collector` is the host of an OTLP/gRPC collector on `OTLP_GRPC_PORT`.

    Regions serve the hosts `shared_services` for each other. All other services stay inside the region.
    """
    return {
        "trustDomain": TRUST_DOMAIN,
        "accessLogFile": "/dev/stdout",
        "accessLogEncoding": "JSON",
        "enableTracing": trace_collector is not None,
        "extensionProviders": _tracing_providers(trace_collector),
        # Proxies serve metrics on a separate port. Prometheus scrapes the services' metrics from the services.
        "enablePrometheusMerge": False,
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        "localityLbSetting": {"enabled": True},
        "serviceSettings": service_settings(shared_services),
        "tcpKeepalive": tcp_keepalive(),
        # Policies compare paths, so //admin must become /admin first.
        "pathNormalization": {"normalization": "MERGE_SLASHES"},
        "meshMTLS": {"minProtocolVersion": "TLSV1_3"},
        **_edge_key_exchange(post_quantum),
        "defaultConfig": {"holdApplicationUntilProxyStarts": True},
    }


def service_settings(shared_services: Sequence[str]) -> list[dict[str, Any]]:
    """Let Istio merge only `shared_services` with the services of the same name in the other regions.

    Data services, collectors and control planes have the same names in all regions, but no region may use another's.
    Istio applies the most specific host.
    """
    shared = [{"settings": {"clusterLocal": False}, "hosts": sorted(shared_services)}] if shared_services else []
    return [{"settings": {"clusterLocal": True}, "hosts": [ALL_SERVICES]}, *shared]


def tcp_keepalive() -> dict[str, Any]:
    """Keep connections that proxies open alive for NATs and load balancers on the way."""
    return {
        "time": f"{KEEPALIVE_SECONDS}s",
        "interval": f"{KEEPALIVE_INTERVAL_SECONDS}s",
        "probes": KEEPALIVE_PROBES,
    }


def cni_values(*, platform: MeshPlatform | None) -> dict[str, Any]:
    """Values of chart `cni`. `platform` sets the paths of that kind of cluster."""
    # Under `cni`, because the platform's profile overrides values of the first level.
    directory = {"cni": {"cniBinDir": GKE_CNI_DIRECTORY}} if platform == "gke" else {}
    return {
        "resources": _resources(cpu="20m", cpu_limit="500m", memory="128Mi"),
        "seccompProfile": {"type": "RuntimeDefault"},
        "global": {"logAsJson": True, **_platform(platform)},
        **directory,
    }


def gateway_values(
    settings: MeshSettings,
    *,
    region: str,
    service_type: ServiceType,
    annotations: Mapping[str, object],
    load_balancer_ip: object | None = None,
) -> dict[str, Any]:
    """Values of chart `gateway` for the public gateway. `annotations` go to its Service.

    `load_balancer_ip` is a reserved address, for clouds that read it from this field.
    """
    return {
        **_gateway_pods(settings, INGRESS_PODS),
        "labels": {LOCALITY_LABEL: region},
        "podAnnotations": {"proxy.istio.io/config": json.dumps({"proxyStatsMatcher": GATEWAY_STATISTICS})},
        "service": {
            "type": service_type,
            "annotations": dict(annotations),
            **({"loadBalancerIP": load_balancer_ip} if load_balancer_ip is not None else {}),
            "ports": [
                _service_port("status-port", STATUS_PORT, STATUS_PORT),
                _service_port("http2", 80, HTTP_TARGET_PORT),
                _service_port("https", 443, HTTPS_TARGET_PORT),
            ],
        },
    }


def east_west_values(
    settings: MeshSettings,
    *,
    region: str,
    network: str,
    service_type: ServiceType,
    annotations: Mapping[str, str],
    allowed_sources: Sequence[pulumi.Input[str]],
) -> dict[str, Any]:
    """Values of chart `gateway` for the east-west gateway of `region`, whose network Istio calls `network`.

    Only `allowed_sources` (IPv4 addresses) may connect. Raises ValueError for an empty list, which would admit anyone.
    """
    if not allowed_sources:
        raise ValueError("allowed_sources: expected addresses, got none; anyone could connect")
    return {
        **_gateway_pods(settings, EAST_WEST_PODS),
        # Instead of the chart's `networkGateway`, which also opens two ports of a control plane for other clusters.
        "labels": {NETWORK_LABEL: network, LOCALITY_LABEL: region},
        "env": {"ISTIO_META_REQUESTED_NETWORK_VIEW": network},
        "service": {
            "type": service_type,
            "annotations": dict(annotations),
            "loadBalancerSourceRanges": [pulumi.Output.concat(address, "/32") for address in allowed_sources],
            "ports": [
                _service_port("status-port", STATUS_PORT, STATUS_PORT),
                _service_port("tls", EAST_WEST_PORT, EAST_WEST_PORT),
            ],
        },
    }


def _platform(platform: MeshPlatform | None) -> dict[str, str]:
    return {"platform": platform} if platform else {}


def _gateway_pods(settings: MeshSettings, pods: Mapping[str, str]) -> dict[str, Any]:
    return {
        # The chart's own pod context sets a sysctl and no seccomp profile. The container is restricted by default.
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": ISTIO_USER,
            "runAsGroup": ISTIO_USER,
            "fsGroup": ISTIO_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "autoscaling": {"enabled": True, "minReplicas": settings.replicas, "maxReplicas": MAX_REPLICAS},
        "podDisruptionBudget": {"maxUnavailable": 1} if settings.replicas > 1 else {},
        "resources": _resources(cpu="50m", cpu_limit="2", memory="256Mi"),
        "topologySpreadConstraints": _spread(pods),
    }


def _spread(pods: Mapping[str, str]) -> list[dict[str, Any]]:
    """Spread pods with these labels over zones, or over nodes without zones."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(pods)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _control_plane_environment(post_quantum: PostQuantum) -> dict[str, str]:
    return {
        # Else Istio 1.31 and later also names pods that are not ready. In the region it marks them, but a gateway that
        # stands for pods of another region counts as healthy, and gets requests that nobody there can answer.
        "PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS": "false",
        **({"COMPLIANCE_POLICY": "pqc"} if post_quantum == "strict" else {}),
    }


def _edge_key_exchange(post_quantum: PostQuantum) -> dict[str, Any]:
    return {"tlsDefaults": {"ecdhCurves": HYBRID_CURVES}} if post_quantum == "prefer" else {}


def _tracing_providers(trace_collector: str | None) -> list[dict[str, Any]]:
    if trace_collector is None:
        return []
    return [{"name": TRACING_PROVIDER, "opentelemetry": {"service": trace_collector, "port": OTLP_GRPC_PORT}}]


def _service_port(name: str, port: int, target: int) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "TCP", "targetPort": target}


def _resources(*, cpu: str, cpu_limit: str, memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory}}
