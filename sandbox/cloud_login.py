"""Stand-ins for the clouds' kubectl login plugins, for a sandbox's control planes. They contact no cloud.

Like the real ones, `gke-gcloud-auth-plugin`, `aws eks get-token` and `kubelogin get-token` print a token that is valid
for an hour. The API server issues it for a service account, with the credentials in the region's kubeconfig. kubectl's
request names the region's API server; for AWS, the arguments name its cluster.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from components.namespaces import SYSTEM

PLUGINS: Final = {"gcp": "gke-gcloud-auth-plugin", "aws": "aws", "azure": "kubelogin"}
"""The plugin of each cloud that makes the clusters."""
_API: Final = "client.authentication.k8s.io/v1beta1"
_ACCOUNT: Final = "cloud-login"
_ACCOUNTS: Final = f"/api/v1/namespaces/{SYSTEM}/serviceaccounts"
_BINDINGS: Final = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_SECONDS: Final = 3600
_TIMEOUT: Final = 20


class LoginError(Exception):
    """An error for the user; only its text is shown."""


def main(arguments: Sequence[str]) -> int:
    """`HOME PLUGIN ARGUMENT...`: print the credential; return the exit status."""
    home, plugin, *rest = arguments
    try:
        asked = execution(os.environ)
        server = server_of(Path(home), plugin, rest, asked)
        print(json.dumps(credential(asked, token(kubeconfig_of(Path(home) / "kubeconfigs", server)))))
    except LoginError as error:
        print(f"{plugin} (of the sandbox): {error}", file=sys.stderr)
        return 1
    return 0


def execution(environment: Mapping[str, str]) -> dict[str, Any]:
    """kubectl's description of this call; empty if there is none."""
    try:
        info = json.loads(environment.get("KUBERNETES_EXEC_INFO") or "{}")
    except ValueError as error:
        raise LoginError(f"KUBERNETES_EXEC_INFO is not JSON: {error}") from error
    return info if isinstance(info, dict) else {}


def server_of(home: Path, plugin: str, arguments: Sequence[str], asked: Mapping[str, Any]) -> str:
    """The URL of the API server that the token is for."""
    if plugin == "aws":
        return _eks_server(home, arguments)
    if plugin == "kubelogin" and "get-token" not in arguments:
        raise LoginError("only `kubelogin get-token` works here")
    server = ((asked.get("spec") or {}).get("cluster") or {}).get("server")
    if not server:
        raise LoginError("it is not told the cluster; set `provideClusterInfo: true` in the kubeconfig's exec entry")
    return str(server)


def _eks_server(home: Path, arguments: Sequence[str]) -> str:
    if "get-token" not in arguments:
        raise LoginError("only `aws eks get-token` works here; leave the sandbox's environment to use the real aws")
    region, cluster = (_option(arguments, name) for name in ("--region", "--cluster-name"))
    for path in (home / "clouds").glob("*/aws/aws_eks_cluster_Cluster/*.json"):
        outputs = json.loads(path.read_text())["outputs"]
        if (outputs.get("region"), outputs.get("name")) == (region, cluster):
            return str(outputs["endpoint"])
    raise LoginError(f"there is no cluster {cluster} in region {region}")


def _option(arguments: Sequence[str], name: str) -> str:
    for index, argument in enumerate(arguments):
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
        if argument == name and index + 1 < len(arguments):
            return arguments[index + 1]
    raise LoginError(f"the argument {name} is missing")


def kubeconfig_of(folder: Path, server: str) -> dict[str, Any]:
    """The kubeconfig of the control plane with this URL."""
    found: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        document: dict[str, Any] = yaml.safe_load(path.read_text())
        url = document["clusters"][0]["cluster"]["server"]
        if url.removeprefix("https://") == server.removeprefix("https://"):
            return document
        found.append(f"{path.stem} ({url})")
    raise LoginError(f"no control plane of the sandbox is at {server}; there are: {', '.join(found) or 'none'}")


def token(kubeconfig: Mapping[str, Any]) -> Mapping[str, Any]:
    """A new token with its expiry, from the API server. Makes the service account if it is missing."""
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _SECONDS},
    }
    api = _Api(kubeconfig)
    answer = api.post(f"{_ACCOUNTS}/{_ACCOUNT}/token", request)
    if answer is None:
        api.post(_ACCOUNTS, {"metadata": {"name": _ACCOUNT}})
        api.post(_BINDINGS, _binding())
        answer = api.post(f"{_ACCOUNTS}/{_ACCOUNT}/token", request)
    if answer is None:
        raise LoginError(f"the API server has no service account {SYSTEM}/{_ACCOUNT}, and makes none")
    status: Mapping[str, Any] = answer["status"]
    return status


def _binding() -> dict[str, Any]:
    return {
        "metadata": {"name": _ACCOUNT},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": SYSTEM}],
    }


def credential(asked: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """The output for kubectl, in the version that kubectl requested."""
    return {
        "apiVersion": asked.get("apiVersion") or _API,
        "kind": "ExecCredential",
        "spec": {},
        "status": {"token": status["token"], "expirationTimestamp": status["expirationTimestamp"]},
    }


class _Api:
    """The API server, as its administrator."""

    def __init__(self, kubeconfig: Mapping[str, Any]) -> None:
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        self._server = cluster["server"]
        self._context = ssl.create_default_context(cadata=_text(cluster["certificate-authority-data"]))
        # The library reads certificates only from files.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(_text(user["client-certificate-data"]) + "\n" + _text(user["client-key-data"]))
            file.flush()
            self._context.load_cert_chain(file.name)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer; None if the path does not exist. An object that exists already is not an error."""
        request = urllib.request.Request(  # noqa: S310 - the URL is a control plane's
            self._server + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT, context=self._context) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            if error.code == 409:
                return {}
            raise LoginError(f"{self._server} refuses: {error.code} {error.reason}") from error
        except OSError as error:
            raise LoginError(f"{self._server} cannot be reached: {error}") from error


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
