"""The identity with which Argo CD, in any region, deploys the services of one region."""

import json
from typing import Final

import pulumi

from components.account_token import ApiAccess, Login, Rights, account_token, api_url, login
from components.gitops.rollout import DEPLOYED

APP: Final = "argocd-manager"
IN_CLUSTER: Final = "https://kubernetes.default.svc"
"""URL of the hub's own API, inside the hub."""

_TRACKED: Final = (
    ("", "events"),
    ("", "pods"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
)
"""Objects that the services' chart creates indirectly, and that show its health: API group and resource."""


class RegionAccess(pulumi.ComponentResource):
    """A ServiceAccount that may deploy the services' chart in their namespace, and nothing else. It exists early.

    Outputs: `server` (URL of the API), `config` (secret: how Argo CD logs in, in JSON).
    """

    server: pulumi.Output[str]
    config: pulumi.Output[str]

    def __init__(self, name: str, access: ApiAccess, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:gitops:RegionAccess", name, None, opts)
        rights = Rights(role=APP, rules=rules(), everywhere=False)
        token = account_token(name, access, app=APP, rights=rights, opts=pulumi.ResourceOptions(parent=self))
        endpoint = IN_CLUSTER if access.api_endpoint is None else access.api_endpoint
        self.server = pulumi.Output.from_input(endpoint).apply(api_url)
        self.config = pulumi.Output.secret(login(access, app=APP, token=token).apply(cluster_config))
        self.register_outputs({"server": self.server})


def rules() -> list[dict[str, list[str]]]:
    """Return Argo CD's permissions in the services' namespace of a region. They exclude Secrets."""
    write = ["create", "delete", "get", "list", "patch", "update", "watch"]
    return [
        *({"api_groups": [group], "resources": [resource], "verbs": write} for group, resource, _ in DEPLOYED),
        *(
            {"api_groups": [group], "resources": [resource], "verbs": ["get", "list", "watch"]}
            for group, resource in _TRACKED
        ),
    ]


def cluster_config(login: Login) -> str:
    """Return the JSON with which Argo CD logs in to a cluster."""
    config = {"bearerToken": login.token, "tlsClientConfig": {"insecure": False, "caData": login.certificate_authority}}
    return json.dumps(config, sort_keys=True)
