"""What Argo CD is told: its chart's values, the project and the roll-out. Pure: no resources."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

PROJECT: Final = "sacred-council"
RELEASE: Final = "sacred-council"
WAVE_LABEL: Final = "sacred-council.love/rollout"
CANARY, REST = "canary", "rest"
TYPE_LABEL: Final = "argocd.argoproj.io/secret-type"
IN_CLUSTER: Final = "https://kubernetes.default.svc"
TLS_SECRET: Final = "argocd-server-tls"  # noqa: S105 - a name that Argo CD knows
REPLICAS: Final = 2
HTTPS_PORT: Final = 443
LEAST_AT_ONCE: Final = 2
SHARE_AT_ONCE: Final = 3

_DEPLOYED: Final = (
    ("", "serviceaccounts", "ServiceAccount"),
    ("", "services", "Service"),
    ("apps", "deployments", "Deployment"),
    ("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("batch", "cronjobs", "CronJob"),
    ("monitoring.coreos.com", "servicemonitors", "ServiceMonitor"),
    ("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    ("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
    ("rbac.authorization.k8s.io", "roles", "Role"),
)
"""What the services' chart has: API group, resource and kind."""

_TRACKED: Final = (
    ("", "events"),
    ("", "pods"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
)
"""What comes of it, and shows whether it is healthy: API group and resource."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A Git repository at `revision`: the folder `chart` and, in the folder `values`, a file `<region>.yaml` each.

    `url` is an HTTPS address; `port` is where its server listens, and raises ValueError when that is no port.
    """

    url: str
    revision: str
    chart: str
    values: str

    @property
    def port(self) -> int:
        """The TCP port of the Git server."""
        return urlsplit(self.url).port or HTTPS_PORT


def rights() -> list[dict[str, list[str]]]:
    """What Argo CD may do in the services' namespace of a region; nothing outside of it. No Secrets."""
    write = ["create", "delete", "get", "list", "patch", "update", "watch"]
    return [
        *({"api_groups": [group], "resources": [resource], "verbs": write} for group, resource, _ in _DEPLOYED),
        *(
            {"api_groups": [group], "resources": [resource], "verbs": ["get", "list", "watch"]}
            for group, resource in _TRACKED
        ),
    ]


def cluster_config(*, token: str, certificate_authority: str) -> str:
    """How Argo CD logs in to a cluster, in JSON. `certificate_authority` is PEM in base64."""
    config = {"bearerToken": token, "tlsClientConfig": {"insecure": False, "caData": certificate_authority}}
    return json.dumps(config, sort_keys=True)


def project(regions: Sequence[str], namespace: str, url: str) -> dict[str, Any]:
    """Spec of the AppProject: one repository, one namespace of each region, and the kinds of the chart."""
    return {
        "description": "The Sacred Council services in all regions",
        "sourceRepos": [url],
        "destinations": [{"name": region, "namespace": namespace} for region in sorted(regions)],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, _, kind in _DEPLOYED],
    }


def at_once(others: int) -> int:
    """How many of the `others`, which follow the canary, get a new version at the same time: a third, at least two.

    A region that does not answer takes one of these places and keeps it: a single place would stop the roll-out.
    """
    return max(LEAST_AT_ONCE, -(-others // SHARE_AT_ONCE))


def rollout(source: Source, namespace: str, shifted: Sequence[str], *, regions: int) -> dict[str, Any]:
    """Spec of the ApplicationSet: the canary, and when it is healthy the other regions, a few at a time.

    It does not name the regions, of which there are `regions`: each cluster's Secret gives one. `shifted` services
    follow the sun: their minimum of replicas is set at times of the day, and left alone.
    """
    steps = [_step(CANARY, 1), _step(REST, at_once(regions - 1))]
    return {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"clusters": {"selector": {"matchLabels": {TYPE_LABEL: "cluster"}}}}],
        "strategy": {"type": "RollingSync", "rollingSync": {"steps": steps}},
        # Neither a lost Argo CD nor one that moves takes the services away.
        "syncPolicy": {"applicationsSync": "sync", "preserveResourcesOnDeletion": True},
        "template": _application(source, namespace, shifted),
    }


def _application(source: Source, namespace: str, shifted: Sequence[str]) -> dict[str, Any]:
    """A region's Application. What is in double braces comes from the Secret of the region's cluster."""
    left_alone = {"ignoreDifferences": [_left_alone(service) for service in sorted(shifted)]} if shifted else {}
    return {
        "metadata": {
            "name": f"{PROJECT}-{{{{.name}}}}",
            "labels": {WAVE_LABEL: f'{{{{index .metadata.labels "{WAVE_LABEL}"}}}}'},
        },
        "spec": {
            "project": PROJECT,
            "source": {
                "repoURL": source.url,
                "targetRevision": source.revision,
                "path": source.chart,
                # A path with a slash in front is seen from the repository's root.
                "helm": {"releaseName": RELEASE, "valueFiles": [f"/{source.values}/{{{{.name}}}}.yaml"]},
            },
            "destination": {"name": "{{.name}}", "namespace": namespace},
            **left_alone,
            "revisionHistoryLimit": 5,
            "syncPolicy": _sync_policy(),
        },
    }


def _step(wave: str, at_once: int) -> dict[str, Any]:
    return {"matchExpressions": [{"key": WAVE_LABEL, "operator": "In", "values": [wave]}], "maxUpdate": at_once}


def _left_alone(service: str) -> dict[str, Any]:
    return {
        "group": "autoscaling",
        "kind": "HorizontalPodAutoscaler",
        "name": service,
        "jsonPointers": ["/spec/minReplicas"],
    }


def _sync_policy() -> dict[str, Any]:
    # Not `automated`: the roll-out starts each region's sync when it is its turn.
    return {
        "syncOptions": ["CreateNamespace=false", "RespectIgnoreDifferences=true", "ServerSideApply=true"],
        "retry": {"limit": 5, "backoff": {"duration": "30s", "factor": 2, "maxDuration": "5m"}},
    }


def values() -> dict[str, Any]:
    """Values of chart `argo-cd`. Its Secrets are made outside of it, and its network policies are the namespace's
    policies.

    Without cluster roles it may do nothing outside of its namespace, also on the hub: what it deploys, it deploys
    with the token of each region. Its own security contexts are restricted already.
    """
    return {
        "createClusterRoles": False,
        "crds": {"install": True, "keep": True},
        "global": {"domain": "localhost", "networkPolicy": {"create": False}},
        "configs": {
            "cm": {
                # Do not ask for kinds that the region's token does not let it see.
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
        # It calls no API server, and runs what it finds in the repository.
        "repoServer": {**_several(), "automountServiceAccountToken": False, "resources": _resources("100m", "512Mi")},
        "applicationSet": {**_several(), "resources": _resources("50m", "256Mi")},
    }


def _several() -> Mapping[str, Any]:
    return {"replicas": REPLICAS, "pdb": {"enabled": True, "maxUnavailable": "50%"}}


def _resources(cpu: str, memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "1", "memory": memory}}
