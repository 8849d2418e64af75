"""Configuration and initial objects of a control plane. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.addresses import RegionAddresses

ZONES = ("a", "b", "c")
LOOPBACK = "127.0.0.1"
PORTS_OF = {
    "kube-apiserver": ("kubeApiserverPort",),
    "etcd": ("etcdPort", "etcdPeerPort"),
    "kube-controller-manager": ("kubeControllerManagerPort",),
    "kube-scheduler": ("kubeSchedulerPort",),
    "kwok-controller": ("kwokControllerPort",),
    "metrics-server": ("metricsServerPort",),
}
"""The servers of a control plane, and kwokctl's names of the ports they listen on."""
PORT_NAMES = tuple(name for names in PORTS_OF.values() for name in names)
# 198.18.0.0/15 is reserved for tests of network devices (RFC 2544) and not routed. Each of 64 slots gets 2,048
# addresses of it, as many as the control plane has service addresses. So a load balancer's address follows from its
# cluster address, and all are different, even in different regions.
SERVICE_CIDR = "10.96.0.0/21"
_THIRD_OCTETS_PER_SLOT = 8
EKS_STORAGE_CLASS = "gp3"
"""The class that the program makes on EKS (`components.cluster.eks`)."""
EKS_VOLUMES = 30
METRICS_API = Path(__file__).resolve().parent / "metrics-server"
"""The objects that make the metrics server an API of the cluster, for `kubectl kustomize`."""
RUN_ANNOTATION = "sandbox.sacred-council.love/run"
"""Marks a pod whose containers the node agent runs (`sandbox.controllers.pods`). KWOK then gives it an address only."""
# Of Kubernetes' metrics client and replica calculator (pkg/controller/podautoscaler).
_EARLY = ("from resource metrics API", "did not receive metrics for targeted pods")
_SLOTS_PER_SECOND_OCTET = 256 // _THIRD_OCTETS_PER_SLOT


def kwokctl_configuration(
    binaries: Path, ports: Mapping[str, int], slot: int, *, metrics_api: Path
) -> list[dict[str, Any]]:
    """The documents for `kwokctl create cluster --config`. `metrics_api` is a copy of `METRICS_API`."""
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
        # For autoscalers. The use of pods is simulated: almost none, unless their annotations set it.
        "enable": ["metrics-server"],
        "metricsServerBinary": str(binaries / "metrics-server"),
        # Otherwise kwokctl downloads a manifest, of whose objects it needs these two.
        "metricsServerManifests": [str(metrics_api)],
        **ports,
    }
    # A single server needs no election. On a busy machine, a lost election would end the process.
    alone = {"kube-api-qps": "200", "kube-api-burst": "400", "leader-elect": "false"}
    patches = [
        _extra_arguments("kube-apiserver", {"service-cluster-ip-range": SERVICE_CIDR}),
        _extra_arguments("kube-controller-manager", {"enable-hostpath-provisioner": "true", **alone}),
        _extra_arguments("kube-scheduler", alone),
        # Waiting for a slow disk causes elections and time-outs, and a power cut loses only simulated data.
        _extra_arguments("etcd", {"unsafe-no-fsync": "true"}),
        # With leases, KWOK takes a node and may pass over the pods that came to it just before, for ever. There is only
        # one KWOK, so it owns all nodes from its start, and `node-alive` takes the place of the leases.
        _extra_arguments("kwok-controller", {"node-lease-duration-seconds": "0"}),
    ]
    configuration = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": options,
        "componentsPatches": patches,
    }
    return [configuration, *node_stages(), *pod_stages(), load_balancer_stage(slot), volume_stage()]


def _extra_arguments(component: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    return {"name": component, "extraArgs": [{"key": key, "value": value} for key, value in arguments.items()]}


def load_balancer_stage(slot: int) -> dict[str, Any]:
    """Give every Service of type LoadBalancer an address, as a cloud's load balancer controller would."""
    second = 18 + slot // _SLOTS_PER_SECOND_OCTET
    third = slot % _SLOTS_PER_SECOND_OCTET * _THIRD_OCTETS_PER_SLOT
    template = (
        '{{ $octets := splitList "." .spec.clusterIP }}\n'
        "loadBalancer:\n"
        "  ingress:\n"
        f"  - ip: 198.{second}.{{{{ add {third} (atoi (index $octets 2)) }}}}.{{{{ index $octets 3 }}}}\n"
        "    ipMode: VIP\n"
    )
    conditions = [
        _condition(".metadata.deletionTimestamp", exists=False),
        {"key": ".spec.type", "operator": "In", "values": ["LoadBalancer"]},
        _condition(".status.loadBalancer.ingress", exists=False),
    ]
    return _stage("Service", "service-load-balancer", conditions, {"statusTemplate": template})


def node_stages() -> list[dict[str, Any]]:
    """How KWOK plays nodes: they are ready at once, and say every 20 to 25 seconds that they still are."""
    ready = '.status.conditions.[] | select( .type == "Ready" ) | .status'
    is_ready, is_unready = ({"key": ready, "operator": word, "values": ["True"]} for word in ("In", "NotIn"))
    alive = _stage("Node", "node-alive", [is_ready], {"statusTemplate": _ALIVE_NODE})
    alive["spec"]["delay"] = {"durationMilliseconds": 20_000, "jitterDurationMilliseconds": 25_000}
    return [_stage("Node", "node-ready", [is_unready], {"statusTemplate": _READY_NODE}), alive]


def pod_stages() -> list[dict[str, Any]]:
    """How KWOK plays pods: they are ready at once, complete if they belong to a Job, and are gone when deleted.

    A marked pod gets its address and waits for the node agent, which also ends it.
    """
    alive = _condition(".metadata.deletionTimestamp", exists=False)
    unplaced = _condition(".status.podIP", exists=False)
    played = _condition(_RUN_MARK, exists=False)
    marked = _condition(_RUN_MARK, exists=True)
    running = {"key": ".status.phase", "operator": "In", "values": ["Running"]}
    of_job = {"key": ".metadata.ownerReferences.[].kind", "operator": "In", "values": ["Job"]}
    deleted = _condition(".metadata.deletionTimestamp", exists=True)
    gone = {"finalizers": {"empty": True}, "delete": True}
    return [
        _stage("Pod", "pod-ready", [alive, unplaced, played], {"statusTemplate": _READY_POD}),
        _stage("Pod", "pod-placed", [alive, unplaced, marked], {"statusTemplate": _PLACED_POD}),
        _stage("Pod", "pod-complete", [alive, running, of_job, played], {"statusTemplate": _COMPLETE_POD}),
        _stage("Pod", "pod-gone", [deleted, played], gone),
    ]


def _condition(key: str, *, exists: bool) -> dict[str, Any]:
    return {"key": key, "operator": "Exists" if exists else "DoesNotExist"}


def _stage(kind: str, name: str, conditions: list[dict[str, Any]], following: dict[str, Any]) -> dict[str, Any]:
    """What happens to objects of the kind, of the core API, that meet all conditions."""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": conditions},
            "next": following,
        },
    }


_RUN_MARK = f'.metadata.annotations["{RUN_ANNOTATION}"]'
_NOW = "{{ $now := Now | Quote }}"
_READY_NODE = """{{ $now := Now | Quote }}
phase: Running
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now }}
  lastTransitionTime: {{ $now }}
{{ end }}
addresses:
- {type: Hostname, address: {{ NodeName | Quote }}}
{{ with NodeIP }}
- {type: InternalIP, address: {{ . | Quote }}}
{{ end }}
daemonEndpoints: {kubeletEndpoint: {Port: {{ NodePort }}}}
nodeInfo:
  architecture: amd64
  operatingSystem: linux
  kubeletVersion: {{ printf "kwok-%s" Version | Quote }}
  kubeProxyVersion: ""
  containerRuntimeVersion: ""
  kernelVersion: ""
  osImage: ""
  machineID: ""
  systemUUID: ""
  bootID: ""
"""
_ALIVE_NODE = """{{ $now := Now | Quote }}
{{ $since := .metadata.creationTimestamp | Quote }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now }}
  lastTransitionTime: {{ $since }}
{{ end }}
"""
_POD_PLACE = """
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
{{ $host := or .spec.hostNetwork false }}
podIP: {{ PodIPWith .spec.nodeName $host .metadata.uid .metadata.name .metadata.namespace | Quote }}
startTime: {{ $now }}
"""
_PLACED_POD = f"""{_NOW}
conditions:
- {{type: Ready, status: "False", reason: ContainersNotReady, lastTransitionTime: {{{{ $now }}}}}}
- {{type: ContainersReady, status: "False", reason: ContainersNotReady, lastTransitionTime: {{{{ $now }}}}}}
phase: Pending
{_POD_PLACE}"""
_READY_POD = f"""{_NOW}
conditions:
- {{type: Initialized, status: "True", lastTransitionTime: {{{{ $now }}}}}}
- {{type: ContainersReady, status: "True", lastTransitionTime: {{{{ $now }}}}}}
- {{type: Ready, status: "True", lastTransitionTime: {{{{ $now }}}}}}
{{{{ range .spec.readinessGates }}}}
- {{type: {{{{ .conditionType | Quote }}}}, status: "True", lastTransitionTime: {{{{ $now }}}}}}
{{{{ end }}}}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state: {{running: {{startedAt: {{{{ $now }}}}}}}}
{{{{ end }}}}
initContainerStatuses:
{{{{ range .spec.initContainers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  imageID: ""
  ready: true
  restartCount: 0
  {{{{ if eq .restartPolicy "Always" }}}}
  started: true
  state: {{running: {{startedAt: {{{{ $now }}}}}}}}
  {{{{ else }}}}
  state: {{terminated: {{exitCode: 0, reason: Completed, startedAt: {{{{ $now }}}}, finishedAt: {{{{ $now }}}}}}}}
  {{{{ end }}}}
{{{{ end }}}}
phase: Running
{_POD_PLACE}"""
_COMPLETE_POD = f"""{_NOW}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state: {{terminated: {{exitCode: 0, reason: Completed, startedAt: {{{{ $now }}}}, finishedAt: {{{{ $now }}}}}}}}
{{{{ end }}}}
phase: Succeeded
"""


def volume_stage() -> dict[str, Any]:
    """Offer a released volume again, as if it had been deleted and replaced."""
    conditions = [
        {"key": ".status.phase", "operator": "In", "values": ["Released"]},
        {"key": ".spec.storageClassName", "operator": "In", "values": [EKS_STORAGE_CLASS]},
    ]
    offered = {"patches": [{"type": "merge", "template": "spec:\n  claimRef: null\n"}]}
    return _stage("PersistentVolume", "persistent-volume-offered-again", conditions, offered)


def initial_objects(region: str, cloud: str = "existing", slot: int = 0) -> dict[str, Any]:
    """Nodes in three zones, the initial storage of a cluster of `cloud`, and `early_complaints`, as one List."""
    by_cloud = storage()
    # The program itself refuses an unknown cloud.
    stored = by_cloud.get(cloud, by_cloud["existing"])
    items = [*(node(region, zone, slot) for zone in ZONES), *stored, *early_complaints()]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def early_complaints() -> list[dict[str, Any]]:
    """A policy that refuses autoscalers' warnings about metrics that the metrics server does not have yet.

    It reads new pods every 15 seconds. The provider prints the warnings of an object that it deletes, even old ones.
    Other warnings of autoscalers are kept, and their status is as it would be.
    """
    name = "sandbox-autoscalers-wait-for-metrics"
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    events = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["events"],
    }
    early = " || ".join(f"object.message.contains({text!r})" for text in _EARLY)
    rule = {
        "expression": f"!has(object.message) || !({early})",
        "message": "the metrics server has not read these pods yet",
    }
    policy = {
        "failurePolicy": "Ignore",
        "matchConstraints": {"resourceRules": [events]},
        "matchConditions": [
            {"name": "autoscalers", "expression": "object.involvedObject.kind == 'HorizontalPodAutoscaler'"}
        ],
        "validations": [rule],
    }
    return [
        {**kind, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {
            **kind,
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]


def storage() -> dict[str, list[dict[str, Any]]]:
    """The initial storage of a cluster, by cloud."""
    return {
        "existing": [storage_class("standard", default=True)],
        "gcp": [storage_class("standard", default=True), storage_class("premium-rwo")],
        "azure": [storage_class("standard", default=True), storage_class("managed-csi-premium")],
        # EKS has no class. The program's class names a driver that does not run here, so volumes exist in advance.
        "aws": [volume(number) for number in range(EKS_VOLUMES)],
    }


def node(region: str, zone: str, slot: int = 0) -> dict[str, Any]:
    """A simulated node with the labels and the capacity of a middle-sized machine.

    Its pods get addresses of its own range, different in every slot.
    """
    name = f"{region}-{zone}"
    capacity = {"cpu": "32", "memory": "128Gi", "ephemeral-storage": "1Ti", "pods": "250"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                # The metrics server reads KWOK's metrics of the node and its pods from here.
                "metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource",
            },
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": f"{region}-{zone}",
            },
        },
        "spec": {"podCIDR": str(RegionAddresses(slot).pods_of(ZONES.index(zone)))},
        "status": {"allocatable": capacity, "capacity": capacity},
    }


def storage_class(name: str, *, default: bool = False) -> dict[str, Any]:
    """A class whose claims get volumes from the controller manager."""
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": "kubernetes.io/host-path",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def volume(number: int) -> dict[str, Any]:
    """A volume of EKS's class that waits for a claim. Nothing is ever written to its path."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{EKS_STORAGE_CLASS}-{number}"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "4Ti"},
            "hostPath": {"path": f"/nonexistent/{EKS_STORAGE_CLASS}-{number}"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": EKS_STORAGE_CLASS,
        },
    }
