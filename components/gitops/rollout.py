"""The targets and the order of Argo CD's roll-outs: the project and the application set. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from components.gitops.settings import RepositorySettings

PROJECT: Final = "sacred-council"
RELEASE: Final = "sacred-council"
WAVE_LABEL: Final = "sacred-council.love/rollout"
CANARY, REST = "canary", "rest"
TYPE_LABEL: Final = "argocd.argoproj.io/secret-type"
LEAST_AT_ONCE: Final = 2
SHARE_AT_ONCE: Final = 3

DEPLOYED: Final = (
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
"""Objects in the services' chart: API group, resource and kind."""


def project(regions: Sequence[str], namespace: str, repository: RepositorySettings) -> dict[str, Any]:
    """Spec of the AppProject: one repository, one namespace of each region, and the kinds of the chart."""
    return {
        "description": "The Sacred Council services in all regions",
        "sourceRepos": [repository.url],
        "destinations": [{"name": region, "namespace": namespace} for region in sorted(regions)],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, _, kind in DEPLOYED],
    }


def at_once(others: int) -> int:
    """Return how many of the `others`, after the canary, update at the same time: a third, at least two.

    A region that does not answer keeps one of these places. With a single place it would stop the roll-out.
    """
    return max(LEAST_AT_ONCE, -(-others // SHARE_AT_ONCE))


def rollout(repository: RepositorySettings, namespace: str, shifted: Sequence[str], *, regions: int) -> dict[str, Any]:
    """Spec of the ApplicationSet: first the canary, and once it is healthy the other regions, a few at a time.

    `regions` is the number of regions. Their names come from the clusters' Secrets.
    `shifted` services follow the sun: schedules set their minimum of replicas, so Argo CD leaves it alone.
    """
    steps = [_step(CANARY, 1), _step(REST, at_once(regions - 1))]
    return {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"clusters": {"selector": {"matchLabels": {TYPE_LABEL: "cluster"}}}}],
        "strategy": {"type": "RollingSync", "rollingSync": {"steps": steps}},
        # Losing or moving Argo CD must not delete the services.
        "syncPolicy": {"applicationsSync": "sync", "preserveResourcesOnDeletion": True},
        "template": _application(repository, namespace, shifted),
    }


def _application(repository: RepositorySettings, namespace: str, shifted: Sequence[str]) -> dict[str, Any]:
    """Return a region's Application. Values in double braces come from the Secret of the region's cluster."""
    left_alone = {"ignoreDifferences": [_left_alone(service) for service in sorted(shifted)]} if shifted else {}
    return {
        "metadata": {
            "name": f"{PROJECT}-{{{{.name}}}}",
            "labels": {WAVE_LABEL: f'{{{{index .metadata.labels "{WAVE_LABEL}"}}}}'},
        },
        "spec": {
            "project": PROJECT,
            "source": {
                "repoURL": repository.url,
                "targetRevision": repository.revision,
                "path": repository.path,
                # A path with a leading slash starts at the repository's root.
                "helm": {"releaseName": RELEASE, "valueFiles": [f"/{repository.values}/{{{{.name}}}}.yaml"]},
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
    return {
        # The roll-out starts each region's sync at its turn: Argo CD switches `automated` off, and takes only `prune`
        # from it. Without `prune`, objects that the chart no longer has would stay, and their region would never be in
        # sync again.
        "automated": {"prune": True},
        "syncOptions": ["CreateNamespace=false", "RespectIgnoreDifferences=true", "ServerSideApply=true"],
        # A commit that puts a bad one right is taken at the next attempt, not once all attempts are used up.
        "retry": {
            "limit": 5,
            "refresh": True,
            "backoff": {"duration": "30s", "factor": 2, "maxDuration": "5m"},
        },
    }
