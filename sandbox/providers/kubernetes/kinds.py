"""What can be known about kinds without asking an API server."""

from __future__ import annotations

from typing import Final

from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes.objects import Kind, Obj, kind_of

_BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
_CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "CSIDriver",
        "CSINode",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)


def from_type_token(token: str) -> Kind:
    """The kind that a type token names: `kubernetes:apps/v1:Deployment`, with `core` for the core group.

    The `Patch` of `DeploymentPatch` stays part of the kind. Raises `ProviderError` for any other token.
    """
    package, _, rest = token.partition(":")
    group_version, _, kind = rest.partition(":")
    group, slash, version = group_version.partition("/")
    if package != "kubernetes" or not slash or not kind:
        raise ProviderError(
            f"The resource type {token!r} is not a Kubernetes object: expected kubernetes:<group>/<version>:<Kind>."
        )
    return Kind("" if group == "core" else group, version, kind)


def is_patch(token: str, obj: Obj) -> bool:
    """Whether the resource changes fields of an object it does not own (`ServicePatch` and the like)."""
    return token.rpartition(":")[2] == kind_of(obj).kind + "Patch"


def is_list(token: str) -> bool:
    """Whether the type token names a list of built-in objects, such as `kubernetes:core/v1:PodList`."""
    kind = token.rpartition(":")[2]
    return kind.endswith("List") and from_type_token(token).group in _BUILT_IN_GROUPS | {
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
    }


def is_built_in(kind: Kind) -> bool:
    """Whether every Kubernetes has this group, so that its schema says everything about its objects."""
    return kind.group in _BUILT_IN_GROUPS


def is_namespaced_by_convention(kind: Kind) -> bool:
    """The scope of a kind no API server has told about: cluster-wide if it is known to be, else namespaced."""
    return kind.kind.removesuffix("Patch") not in _CLUSTER_SCOPED


def is_crd(obj: Obj) -> bool:
    """Whether the object defines a custom resource."""
    kind = kind_of(obj)
    return kind.group == "apiextensions.k8s.io" and kind.kind == "CustomResourceDefinition"


def is_secret(obj: Obj) -> bool:
    """Whether the object is a core Secret."""
    kind = kind_of(obj)
    return kind.group == "" and kind.kind == "Secret"


def is_config_map(obj: Obj) -> bool:
    """Whether the object is a core ConfigMap."""
    kind = kind_of(obj)
    return kind.group == "" and kind.kind == "ConfigMap"
