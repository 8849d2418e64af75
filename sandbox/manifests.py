"""What a control plane is started with, and the objects it has from the beginning. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZONES = ("a", "b", "c")
LOOPBACK = "127.0.0.1"
PORT_NAMES = (
    "kubeApiserverPort",
    "etcdPort",
    "etcdPeerPort",
    "kubeControllerManagerPort",
    "kubeSchedulerPort",
    "kwokControllerPort",
)
# 198.18.0.0/15 is reserved for tests of network devices (RFC 2544) and routed nowhere. Each of 64 slots gets 2,048
# addresses of it, as many as the control plane has service addresses, so that a load balancer's address follows from
# its cluster address and no two are equal, not even in different regions.
SERVICE_CIDR = "10.96.0.0/21"
_THIRD_OCTETS_PER_SLOT = 8
_SLOTS_PER_SECOND_OCTET = 256 // _THIRD_OCTETS_PER_SLOT


def kwokctl_configuration(binaries: Path, ports: Mapping[str, int], slot: int) -> list[dict[str, Any]]:
    """The documents for `kwokctl create cluster --config`."""
    options = {
        "runtime": "binary",
        "bindAddress": LOOPBACK,
        "kubeAuthorization": True,
        "kubeAdmission": True,
        "etcdBinary": str(binaries / "etcd"),
        "kubeApiserverBinary": str(binaries / "kube-apiserver"),
        "kubeControllerManagerBinary": str(binaries / "kube-controller-manager"),
        "kubeSchedulerBinary": str(binaries / "kube-scheduler"),
        "kubectlBinary": str(binaries / "kubectl"),
        "kwokControllerBinary": str(binaries / "kwok"),
        **ports,
    }
    # Without rivals an election only costs time, and on a busy machine a lost one ends the process.
    alone = {"kube-api-qps": "200", "kube-api-burst": "400", "leader-elect": "false"}
    patches = [
        _extra_arguments("kube-apiserver", {"service-cluster-ip-range": SERVICE_CIDR}),
        _extra_arguments("kube-controller-manager", {"enable-hostpath-provisioner": "true", **alone}),
        _extra_arguments("kube-scheduler", alone),
        # On a slow disk waiting for it costs elections and time-outs; what is lost in a power cut is only simulated.
        _extra_arguments("etcd", {"unsafe-no-fsync": "true"}),
    ]
    configuration = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": options,
        "componentsPatches": patches,
    }
    return [configuration, load_balancer_stage(slot)]


def _extra_arguments(component: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    return {"name": component, "extraArgs": [{"key": key, "value": value} for key, value in arguments.items()]}


def load_balancer_stage(slot: int) -> dict[str, Any]:
    """Gives every Service of type LoadBalancer an address, as a cloud's load balancer controller would."""
    second = 18 + slot // _SLOTS_PER_SECOND_OCTET
    third = slot % _SLOTS_PER_SECOND_OCTET * _THIRD_OCTETS_PER_SLOT
    template = (
        '{{ $octets := splitList "." .spec.clusterIP }}\n'
        "loadBalancer:\n"
        "  ingress:\n"
        f"  - ip: 198.{second}.{{{{ add {third} (atoi (index $octets 2)) }}}}.{{{{ index $octets 3 }}}}\n"
        "    ipMode: VIP\n"
    )
    selector = [
        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
        {"key": ".spec.type", "operator": "In", "values": ["LoadBalancer"]},
        {"key": ".status.loadBalancer.ingress", "operator": "DoesNotExist"},
    ]
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": "service-load-balancer"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Service"},
            "selector": {"matchExpressions": selector},
            "next": {"statusTemplate": template},
        },
    }


def initial_objects(region: str) -> dict[str, Any]:
    """Nodes in three zones and a default StorageClass, as one List."""
    return {"apiVersion": "v1", "kind": "List", "items": [*(node(region, zone) for zone in ZONES), storage_class()]}


def node(region: str, zone: str) -> dict[str, Any]:
    """A simulated node with the labels and the capacity of a middle-sized machine."""
    name = f"{region}-{zone}"
    capacity = {"cpu": "32", "memory": "128Gi", "ephemeral-storage": "1Ti", "pods": "250"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": f"{region}-{zone}",
            },
        },
        "status": {"allocatable": capacity, "capacity": capacity},
    }


def storage_class() -> dict[str, Any]:
    """The default class: the controller manager makes a volume for every claim."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/host-path",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
