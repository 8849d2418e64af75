"""Argo CD, with its Secrets, the regions' clusters, and the roll-out."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.gitops.access import IN_CLUSTER, RegionAccess
from components.gitops.rollout import CANARY, PROJECT, RELEASE, REST, TYPE_LABEL, WAVE_LABEL, project, rollout
from components.gitops.settings import GitOpsSettings, RepositorySettings
from components.metadata import object_meta
from components.namespaces import ARGO_CD as ARGO_CD_NAMESPACE
from components.namespaces import INGRESS, SERVICES
from components.passwords import random_password
from components.public_gateway import BEHIND, own_gateway_egress
from components.releases import chart_release
from components.secret_data import sealed
from components.trust import Certificate, CertificateArgs
from components.versions import ARGO_CD

APP: Final = "argocd"
ADMIN_SECRET: Final = "argocd-initial-admin-secret"  # noqa: S105 - the name that the command line of Argo CD reads
TLS_SECRET: Final = "argocd-server-tls"  # noqa: S105 - a name that Argo CD knows
REPLICAS: Final = 2
_REPOSITORY_USER: Final = "git"
_FIRST_SET: Final = "2026-01-01T00:00:00Z"
"""Fixed time of the password, because Argo CD would use its start time, and refuses logins from before this time."""

SERVER, REPO_SERVER, CONTROLLER = "argocd-server", "argocd-repo-server", "argocd-application-controller"
SETS, REDIS = "argocd-applicationset-controller", "argocd-redis"
REPO_PORT: Final = 8081
REDIS_PORT: Final = 6379
LOCAL_PORT: Final = 8443


class ArgoCD(pulumi.ComponentResource):
    """Argo CD in the hub. The regions run without it: it only rolls out new versions.

    `accesses` are, by region, the accesses to all regions that it deploys to.
    `ready` are, by region, the resources that the services need. Argo CD gets a region's cluster once they exist.
    `shifted` services follow the sun.
    `repository_token` gives access to the repository (None: it is public).

    Outputs: `port_forward` (a command), `url` (its address after that), `secret_name` (password of the user `admin`).
    """

    port_forward: str
    url: str
    secret_name: str

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: GitOpsSettings,
        *,
        accesses: Mapping[str, RegionAccess],
        ready: Mapping[str, Sequence[pulumi.Input[pulumi.Resource]]],
        shifted: Sequence[str] = (),
        repository_token: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:gitops:ArgoCD", name, None, context.child(opts))
        self._name = name
        self._region = context.region
        self._namespace = context.namespaces[ARGO_CD_NAMESPACE]
        self._child = pulumi.ResourceOptions(parent=self)
        canary = settings.canary or context.region
        secrets = ArgoSecrets(f"{name}-secrets", context, settings.repository, repository_token, self._child)
        release = self._release(
            [*secrets.ready, self._certificate(context), *self._network_policies(context, settings.repository)]
        )
        allowed = self._custom(
            "project", "AppProject", PROJECT, project(list(accesses), SERVICES, settings.repository), [release]
        )
        clusters = {
            region: self._cluster(region, access, CANARY if region == canary else REST, ready[region])
            for region, access in sorted(accesses.items())
        }
        spec = rollout(settings.repository, SERVICES, shifted, regions=len(accesses))
        # The canary's cluster must exist first, or the others would go first. Late regions delay no other.
        self._custom("rollout", "ApplicationSet", RELEASE, spec, [allowed, clusters[canary]])
        self.port_forward = f"kubectl -n {ARGO_CD_NAMESPACE} port-forward service/{SERVER} {LOCAL_PORT}:443"
        self.url = f"https://localhost:{LOCAL_PORT}"
        self.secret_name = ADMIN_SECRET
        self.register_outputs({"url": self.url, "secret_name": self.secret_name})

    def _certificate(self, context: RegionContext) -> Certificate:
        return Certificate(
            f"{self._name}-certificate",
            CertificateArgs(
                authority=context.authority,
                common_name=SERVER,
                app=APP,
                region=self._region,
                namespace=self._namespace,
                secret_name=TLS_SECRET,
                usages=["server"],
                dns_names=["localhost", SERVER, f"{SERVER}.{ARGO_CD_NAMESPACE}.svc"],
            ),
            self._child,
        )

    def _release(self, after: Sequence[pulumi.Resource]) -> k8s.helm.v3.Release:
        return chart_release(
            f"{self._name}-release",
            ARGO_CD,
            name=APP,
            namespace=self._namespace,
            values=values(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _cluster(
        self, region: str, access: RegionAccess, wave: str, ready: Sequence[pulumi.Input[pulumi.Resource]]
    ) -> k8s.core.v1.Secret:
        """Create the Secret that describes a region's cluster. The resource's name starts with the region's name."""
        entries: dict[str, pulumi.Input[str]] = {
            "name": region,
            "server": IN_CLUSTER if region == self._region else access.server,
            "config": access.config,
            "namespaces": SERVICES,
            "clusterResources": "false",
        }
        return k8s.core.v1.Secret(
            f"{region}-gitops-cluster",
            metadata=object_meta(
                f"cluster-{region}",
                app=APP,
                region=region,
                namespace=self._namespace,
                extra_labels={TYPE_LABEL: "cluster", WAVE_LABEL: wave},
            ),
            data={key: sealed(value) for key, value in entries.items()},
            # Pods that start before their mesh have no sidecar, and other regions would send requests to them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(ready)),
        )

    def _custom(
        self, purpose: str, kind: str, name: str, spec: Mapping[str, Any], after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{purpose}",
            api_version="argoproj.io/v1alpha1",
            kind=kind,
            metadata=object_meta(name, app=APP, region=self._region, namespace=self._namespace),
            spec=dict(spec),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _network_policies(self, context: RegionContext, repository: RepositorySettings) -> list[pulumi.Resource]:
        """Permitted connections. API servers and Git are allowed by port, because no setting has their addresses."""
        gateway = context.namespaces.get(INGRESS)
        # Git may run in this cluster, behind the region's own gateway.
        own_git = [own_gateway_egress(gateway, repository.port)] if gateway and repository.port in BEHIND else []
        server, repo, controller, sets = (_pods(app) for app in (SERVER, REPO_SERVER, CONTROLLER, SETS))
        asking = [network.peer(pods=pods) for pods in (server, controller, sets)]
        out = network.egress([REPO_PORT], network.peer(pods=repo))
        cache = network.egress([REDIS_PORT], network.peer(pods=_pods(REDIS)))
        clients = [network.peer(pods=pods) for pods in (server, controller, repo)]
        api = network.api_server_egress()
        return [
            self._policy(SERVER, egress=[api, out, cache]),
            self._policy(CONTROLLER, egress=[api, out, cache]),
            self._policy(SETS, egress=[api, out]),
            self._policy(
                REPO_SERVER,
                ingress=[network.ingress([REPO_PORT], *asking)],
                egress=[network.egress([repository.port]), *own_git, cache],
            ),
            self._policy(REDIS, ingress=[network.ingress([REDIS_PORT], *clients)]),
        ]

    def _policy(self, app: str, **rules: Any) -> k8s.networking.v1.NetworkPolicy:
        return network.policy(
            f"{self._name}-{app.removeprefix('argocd-')}-policy",
            name=app,
            app=APP,
            region=self._region,
            namespace=self._namespace,
            pods=_pods(app),
            opts=self._child,
            **rules,
        )


class ArgoSecrets(pulumi.ComponentResource):
    """The Secrets that Argo CD reads. They are created here, so that its chart's values contain no plain text.

    They hold the password of the user `admin`, the keys of sessions and of the cache, and the login to Git.

    Outputs: `ready` (Argo CD waits for these).
    """

    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        repository: RepositorySettings,
        repository_token: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:gitops:ArgoSecrets", name, None, context.child(opts))
        self._name = name
        self._region = context.region
        self._namespace = context.namespaces[ARGO_CD_NAMESPACE]
        admin, session, cache = (
            random_password(f"{name}-{purpose}-password", pulumi.ResourceOptions(parent=self))
            for purpose in ("admin", "session", "cache")
        )
        hashed: dict[str, pulumi.Input[str]] = {
            "admin.password": admin.bcrypt_hash,
            "admin.passwordMtime": _FIRST_SET,
            "server.secretkey": session.result,
        }
        self.ready = [
            self._secret("settings", "argocd-secret", hashed),
            self._secret("admin", ADMIN_SECRET, {"password": admin.result}),
            self._secret("cache", "argocd-redis", {"auth": cache.result}),
        ]
        if repository_token is not None:
            login: dict[str, pulumi.Input[str]] = {
                "type": "git",
                "url": repository.url or "",
                "username": _REPOSITORY_USER,
                "password": repository_token,
            }
            self.ready.append(self._secret("repository", "services-repository", login, {TYPE_LABEL: "repository"}))
        self.register_outputs({})

    def _secret(
        self,
        purpose: str,
        secret: str,
        entries: Mapping[str, pulumi.Input[str]],
        labels: Mapping[str, str] | None = None,
    ) -> k8s.core.v1.Secret:
        # Argo CD reads only Secrets with this label.
        part_of = {"app.kubernetes.io/part-of": APP, **(labels or {})}
        return k8s.core.v1.Secret(
            f"{self._name}-{purpose}",
            metadata=object_meta(secret, app=APP, region=self._region, namespace=self._namespace, extra_labels=part_of),
            data={key: sealed(value) for key, value in entries.items()},
            opts=pulumi.ResourceOptions(parent=self),
        )


def values() -> dict[str, Any]:
    """Values of chart `argo-cd`, without its Secrets and network policies, which are created separately.

    Without cluster roles Argo CD has no rights outside its namespace, even on the hub: it deploys with each region's
    token.
    Its own security contexts are already restricted.
    """
    return {
        "createClusterRoles": False,
        "crds": {"install": True, "keep": True},
        "global": {"domain": "localhost", "networkPolicy": {"create": False}},
        "configs": {
            "cm": {
                # Do not ask for kinds that the region's token cannot read.
                "resource.respectRBAC": "normal",
                "exec.enabled": False,
            },
            "params": {"applicationsetcontroller.enable.progressive.syncs": True},
            "secret": {"createSecret": False},
        },
        "redisSecretInit": {"enabled": False},
        "dex": {"enabled": False},
        "notifications": {"enabled": False},
        "redis": {"resources": _resources("50m", "128Mi")},
        "controller": {"replicas": 1, "resources": _resources("250m", "1Gi")},
        "server": {**_several(), "resources": _resources("50m", "256Mi")},
        # It calls no API server, and executes content of the repository.
        "repoServer": {**_several(), "automountServiceAccountToken": False, "resources": _resources("100m", "512Mi")},
        "applicationSet": {**_several(), "resources": _resources("50m", "256Mi")},
    }


def _several() -> Mapping[str, Any]:
    return {"replicas": REPLICAS, "pdb": {"enabled": True, "maxUnavailable": "50%"}}


def _resources(cpu: str, memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "1", "memory": memory}}


def _pods(app: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": app}
