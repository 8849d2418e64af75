"""Argo CD, and what it is told of the regions and of the roll-out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.gitops import plan
from components.gitops.access import RegionAccess
from components.gitops.plan import Source
from components.gitops.secrets import ADMIN_SECRET, APP, ArgoSecrets, ArgoSecretsArgs, sealed
from components.metadata import object_meta
from components.namespaces import ARGO_CD as ARGO_CD_NAMESPACE
from components.releases import chart_release
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.versions import ARGO_CD

SERVER, REPO_SERVER, CONTROLLER = "argocd-server", "argocd-repo-server", "argocd-application-controller"
SETS, REDIS = "argocd-applicationset-controller", "argocd-redis"
REPO_PORT: Final = 8081
REDIS_PORT: Final = 6379
LOCAL_PORT: Final = 8443


@dataclass(frozen=True, kw_only=True)
class ArgoCDArgs:
    """`accesses` by region are those of all regions it deploys to, `canary` is the first of them to get anything.

    `ready` is by region what its services need: Argo CD learns of a region when that is there.
    `namespace` is Argo CD's own, `services_namespace` the one it deploys to. `shifted` services follow the sun.
    """

    hub: str
    namespace: pulumi.Input[str]
    services_namespace: str
    authority: RegionAuthority
    source: Source
    accesses: Mapping[str, RegionAccess]
    canary: str
    ready: Mapping[str, Sequence[pulumi.Input[pulumi.Resource]]]
    shifted: Sequence[str] = ()
    repository_token: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        if self.canary not in self.accesses:
            raise ValueError(f"canary: {self.canary} is not one of {', '.join(sorted(self.accesses)) or 'no regions'}")


class ArgoCD(pulumi.ComponentResource):
    """Argo CD in the hub. No region needs it to run: it only brings what is new.

    Outputs: `port_forward` (a command), `url` (where it then is), `secret_name` (password of the user `admin`).
    """

    port_forward: str
    url: str
    secret_name: str

    def __init__(self, name: str, args: ArgoCDArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:gitops:ArgoCD", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        release = self._release([*self._secrets(), *self._network_policies()])
        project = self._custom("project", "AppProject", plan.PROJECT, self._project(), [release])
        clusters = {region: self._cluster(region, access) for region, access in sorted(args.accesses.items())}
        spec = plan.rollout(args.source, args.services_namespace, args.shifted, regions=len(args.accesses))
        # The others would go first while nobody knows the canary; but no region waits for those that are late.
        self._custom("rollout", "ApplicationSet", plan.RELEASE, spec, [project, clusters[args.canary]])
        self.port_forward = f"kubectl -n {ARGO_CD_NAMESPACE} port-forward service/{SERVER} {LOCAL_PORT}:443"
        self.url = f"https://localhost:{LOCAL_PORT}"
        self.secret_name = ADMIN_SECRET
        self.register_outputs({"url": self.url, "secret_name": self.secret_name})

    def _secrets(self) -> list[pulumi.Resource]:
        args = self._args
        secrets = ArgoSecrets(
            f"{self._name}-secrets",
            ArgoSecretsArgs(
                region=args.hub,
                namespace=args.namespace,
                repository_url=args.source.url,
                repository_token=args.repository_token,
            ),
            self._child,
        )
        certificate = Certificate(
            f"{self._name}-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name=SERVER,
                app=APP,
                region=args.hub,
                namespace=args.namespace,
                secret_name=plan.TLS_SECRET,
                usages=["server"],
                dns_names=["localhost", SERVER, f"{SERVER}.{ARGO_CD_NAMESPACE}.svc"],
            ),
            self._child,
        )
        return [*secrets.ready, certificate]

    def _release(self, after: Sequence[pulumi.Resource]) -> k8s.helm.v3.Release:
        return chart_release(
            f"{self._name}-release",
            ARGO_CD,
            name=APP,
            namespace=self._args.namespace,
            values=plan.values(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _project(self) -> dict[str, Any]:
        return plan.project(list(self._args.accesses), self._args.services_namespace, self._args.source.url)

    def _cluster(self, region: str, access: RegionAccess) -> k8s.core.v1.Secret:
        """What Argo CD must know of a region; the resource's name starts with that region's."""
        args = self._args
        wave = plan.CANARY if region == args.canary else plan.REST
        entries: dict[str, pulumi.Input[str]] = {
            "name": region,
            "server": plan.IN_CLUSTER if region == args.hub else access.server,
            "config": access.config,
            "namespaces": args.services_namespace,
            "clusterResources": "false",
        }
        return k8s.core.v1.Secret(
            f"{region}-gitops-cluster",
            metadata=object_meta(
                f"cluster-{region}",
                app=APP,
                region=region,
                namespace=args.namespace,
                extra_labels={plan.TYPE_LABEL: "cluster", plan.WAVE_LABEL: wave},
            ),
            data={key: sealed(value) for key, value in entries.items()},
            # Pods that start before their mesh have no sidecar, and other regions would send requests to them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready[region])),
        )

    def _custom(
        self, purpose: str, kind: str, name: str, spec: Mapping[str, Any], after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{purpose}",
            api_version="argoproj.io/v1alpha1",
            kind=kind,
            metadata=object_meta(name, app=APP, region=self._args.hub, namespace=self._args.namespace),
            spec=dict(spec),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _network_policies(self) -> list[pulumi.Resource]:
        """Who may talk to whom. The API servers' and Git's addresses are nowhere written down: only their ports are."""
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
                egress=[network.egress([self._args.source.port]), cache],
            ),
            self._policy(REDIS, ingress=[network.ingress([REDIS_PORT], *clients)]),
        ]

    def _policy(self, app: str, **rules: Any) -> k8s.networking.v1.NetworkPolicy:
        return network.policy(
            f"{self._name}-{app.removeprefix('argocd-')}-policy",
            name=app,
            app=APP,
            region=self._args.hub,
            namespace=self._args.namespace,
            pods=_pods(app),
            opts=self._child,
            **rules,
        )


def _pods(app: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": app}
