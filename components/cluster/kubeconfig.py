"""Kubeconfigs of managed clusters. Each calls its cloud's plugin for a short-lived token, and contains no credential.

Pure functions. The plugin (and the cloud's login) must exist where Pulumi runs: `gke-gcloud-auth-plugin`, `aws` or
`kubelogin`.
"""

from collections.abc import Sequence
from typing import Any, Final

EXEC_API: Final = "client.authentication.k8s.io/v1beta1"

AKS_SERVER_ID: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application that represents the API servers of all AKS clusters in Entra. It is the same for all tenants."""


def gke(cluster: str, server: str, certificate_authority: str) -> dict[str, Any]:
    """Kubeconfig for GKE. It uses the login of gcloud, or the application default credentials."""
    return _document(cluster, server, certificate_authority, _plugin("gke-gcloud-auth-plugin", []))


def eks(cluster: str, server: str, certificate_authority: str, *, location: str) -> dict[str, Any]:
    """Kubeconfig for EKS. The region is an argument, so that no environment variable can select another cluster."""
    arguments = ["--region", location, "eks", "get-token", "--cluster-name", cluster, "--output", "json"]
    return _document(cluster, server, certificate_authority, _plugin("aws", arguments))


def aks(cluster: str, server: str, certificate_authority: str) -> dict[str, Any]:
    """Kubeconfig for AKS. It uses the Azure CLI's login, unless AAD_LOGIN_METHOD (such as workloadidentity) is set."""
    arguments = ["get-token", "--login", "azurecli", "--server-id", AKS_SERVER_ID]
    return _document(cluster, server, certificate_authority, _plugin("kubelogin", arguments))


def _plugin(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": EXEC_API,
        "command": command,
        "args": list(arguments),
        "interactiveMode": "IfAvailable",
        # gke-gcloud-auth-plugin needs the cluster's info, and the others accept it.
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
