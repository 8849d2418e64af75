"""Which zero values the API server forgets.

An API server does not store `hostNetwork: false` or `minReadySeconds: 0`: for these fields absent and zero are the
same. For other fields (`automountServiceAccountToken: false`, `replicas: 0`) zero is a choice and is kept. The API's
schema does not tell the two apart, so the fields that a program can set are listed here.
"""

from __future__ import annotations

from typing import Any, Final

_FORGOTTEN_FALSE: Final = frozenset(
    [
        "chapAuthDiscovery",
        "chapAuthSession",
        "globalDefault",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "paused",
        "publishNotReadyAddresses",
        "readOnly",
        "sslEnabled",
        "stdin",
        "stdinOnce",
        "tty",
        "unschedulable",
    ]
)
_FORGOTTEN_ZERO: Final = frozenset(
    [
        "failureThreshold",
        "healthCheckNodePort",
        "hostPort",
        "initialDelaySeconds",
        "minReadySeconds",
        "nodePort",
        "number",
        "partition",
        "periodSeconds",
        "successThreshold",
        "timeoutSeconds",
    ]
)
_KEPT_EMPTY_TEXT: Final = frozenset(
    [
        "appProtocol",
        "endpointsNamespace",
        "gmsaCredentialSpec",
        "gmsaCredentialSpecName",
        "holderIdentity",
        "hostnameOverride",
        "ingressClassName",
        "initiatorName",
        "loadBalancerClass",
        "localhostProfile",
        "managedBy",
        "persistentVolumeName",
        "preferredHolder",
        "resourceClaimName",
        "resourceClaimTemplateName",
        "runAsUserName",
        "runtimeClassName",
        "secretNamespace",
        "service",
        "succeededIndexes",
        "timeZone",
        "trafficDistribution",
        "url",
        "volumeAttributesClassName",
    ]
)
_KEPT_IN: Final = frozenset(
    {
        ("AzureDiskVolumeSource", "fsType"),
        ("AzureDiskVolumeSource", "readOnly"),
        ("CSIVolumeSource", "fsType"),
        ("CSIVolumeSource", "readOnly"),
        ("ClientIPConfig", "timeoutSeconds"),
        ("IngressClassParametersReference", "apiGroup"),
        ("IngressClassParametersReference", "namespace"),
        ("LocalVolumeSource", "fsType"),
        ("MutatingWebhook", "timeoutSeconds"),
        ("PersistentVolumeClaimSpec", "storageClassName"),
        ("PodDNSConfigOption", "value"),
        ("PodFailurePolicyOnExitCodesRequirement", "containerName"),
        ("RollingUpdateStatefulSetStrategy", "partition"),
        ("ServiceReference", "path"),
        ("TypedLocalObjectReference", "apiGroup"),
        ("TypedObjectReference", "apiGroup"),
        ("TypedObjectReference", "namespace"),
        ("ValidatingWebhook", "timeoutSeconds"),
    }
)


def is_forgotten(owner: str, field: str, value: Any) -> bool:
    """Whether this value of an optional field of the type `owner` (such as `PodSpec`) is the same as none at all."""
    if (owner, field) in _KEPT_IN:
        return False
    if isinstance(value, bool):
        return not value and field in _FORGOTTEN_FALSE
    if isinstance(value, int | float):
        return value == 0 and field in _FORGOTTEN_ZERO
    return value == "" and field not in _KEPT_EMPTY_TEXT
