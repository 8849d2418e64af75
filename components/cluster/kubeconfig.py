"""Kubeconfigs of managed clusters. Each calls its cloud's own plugin for a short-lived token: none holds a credential.

Pure functions. The plugin (with the cloud's login) must be where Pulumi runs: `gke-gcloud-auth-plugin`, `aws` or
`kubelogin`.
"""

from collections.abc import Sequence
from typing import Any, Final

EXEC_API: Final = "client.authentication.k8s.io/v1beta1"

AKS_SERVER_ID: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application that stands for the API servers of all AKS clusters in Entra; the same for everyone."""


def gke(cluster: str, server: str, certificate_authority: str) -> dict[str, Any]:
    """For GKE: the login is that of gcloud, or the application default credentials."""
    return _document(cluster, server, certificate_authority, _plugin("gke-gcloud-auth-plugin", []))


def eks(cluster: str, server: str, certificate_authority: str, *, location: str) -> dict[str, Any]:
    """For EKS: the region is an argument, so that no environment variable decides which cluster is meant."""
    arguments = ["--region", location, "eks", "get-token", "--cluster-name", cluster, "--output", "json"]
    return _document(cluster, server, certificate_authority, _plugin("aws", arguments))


def aks(cluster: str, server: str, certificate_authority: str) -> dict[str, Any]:
    """For AKS: the login is that of the Azure CLI; AAD_LOGIN_METHOD=workloadidentity (or another) overrides it."""
    arguments = ["get-token", "--login", "azurecli", "--server-id", AKS_SERVER_ID]
    return _document(cluster, server, certificate_authority, _plugin("kubelogin", arguments))


def _plugin(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": EXEC_API,
        "command": command,
        "args": list(arguments),
        "interactiveMode": "IfAvailable",
        # Which cluster is meant: gke-gcloud-auth-plugin wants to know, the others may.
        "provideClusterInfo": True,
        "installHint": f"This cluster needs {command} on the PATH.",
    }


def _document(name: str, server: str, certificate_authority: str, plugin: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": certificate_authority}}
        ],
        "users": [{"name": name, "user": {"exec": plugin}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
