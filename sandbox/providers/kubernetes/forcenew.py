"""Which properties cannot be changed in place: a change of one of them replaces the object.

The lists are what the official provider decides by, also where an API server would be more (or less) lenient.
"""

from __future__ import annotations

from typing import Final

from sandbox.providers.kubernetes import kinds, paths
from sandbox.providers.kubernetes.objects import Obj, get, kind_of

IDENTITY: Final = ("metadata.name", "metadata.namespace")

_WORKLOAD: Final = ("spec.selector",)
_STATEFUL_SET: Final = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_JOB: Final = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
_ROLE_BINDING: Final = ("roleRef",)

_CONTAINER_FIELDS: Final = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
_POD_FIELDS: Final = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_VOLUME_SOURCES: Final = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)

_BY_KIND: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("apps/v1beta1", "StatefulSet"): _STATEFUL_SET,
    ("apps/v1beta2", "DaemonSet"): _WORKLOAD,
    ("apps/v1beta2", "Deployment"): _WORKLOAD,
    ("apps/v1beta2", "StatefulSet"): _STATEFUL_SET,
    ("apps/v1", "DaemonSet"): _WORKLOAD,
    ("apps/v1", "Deployment"): _WORKLOAD,
    ("apps/v1", "StatefulSet"): _STATEFUL_SET,
    ("batch/v1beta1", "Job"): _JOB,
    ("batch/v1", "Job"): _JOB,
    ("batch/v2alpha1", "Job"): _JOB,
    ("policy/v1beta1", "PodDisruptionBudget"): ("spec",),
    ("rbac.authorization.k8s.io/v1alpha1", "ClusterRoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1alpha1", "RoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1beta1", "RoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): _ROLE_BINDING,
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner"),
    ("v1", "PersistentVolume"): tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    ("v1", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("v1", "Pod"): (
        *(f"spec.{field}" for field in _POD_FIELDS),
        *(f"spec.{part}[*].{field}" for part in ("containers", "initContainers") for field in _CONTAINER_FIELDS),
    ),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Secret"): ("type",),
    ("v1", "Service"): ("spec.clusterIP",),
}


def properties(obj: Obj, *, mutable_config_maps: bool, mutable_secrets: bool) -> list[paths.Path]:
    """The properties of this object whose change replaces it.

    A changed ConfigMap or Secret is replaced too, unless the provider treats them as mutable and the object does not
    say `immutable: true`.
    """
    spelled = [*IDENTITY, *_BY_KIND.get((kind_of(obj).api_version, kind_of(obj).kind), ())]
    frozen = get(obj, "immutable") is True
    if kinds.is_secret(obj) and (frozen or not mutable_secrets):
        spelled += ["type", "stringData", "data"]
    if kinds.is_config_map(obj) and (frozen or not mutable_config_maps):
        spelled += ["binaryData", "data"]
    return [paths.parse(path) for path in spelled]


def identity() -> list[paths.Path]:
    """What makes an object another object."""
    return [paths.parse(path) for path in IDENTITY]
