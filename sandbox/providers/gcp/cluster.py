"""Kubernetes of Google Cloud and its prerequisites: keys and identities.

Times: a regional cluster 6 minutes, a node pool 2 [INF], from public run logs of the official provider.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sandbox.providers.cloud.kinds import ControlPlane, Existing, Facts, Kind, Table, unchangeable
from sandbox.providers.gcp.grants import key_refused
from sandbox.providers.gcp.make import below, in_place, member, named, nameless, place, project, service_agent

_CLUSTER_IMMUTABLE: Final = (
    "network subnetwork networkingMode clusterIpv4Cidr ipAllocationPolicy.clusterSecondaryRangeName "
    "ipAllocationPolicy.servicesSecondaryRangeName ipAllocationPolicy.clusterIpv4CidrBlock "
    "ipAllocationPolicy.servicesIpv4CidrBlock privateClusterConfig.privateEndpointSubnetwork "
    "privateClusterConfig.masterIpv4CidrBlock datapathProvider description enableAutopilot enableKubernetesAlpha "
    "enableTpu initialNodeCount nodeConfig defaultMaxPodsPerNode confidentialNodes masterAuth "
    "allowNetAdmin privateClusterConfig.enablePrivateNodes removeDefaultNodePool"
)
_LEAST_MAINTENANCE_HOURS: Final = 48
"""Hours of maintenance that GKE wants in any 32 days."""
_POOL_IMMUTABLE: Final = (
    "cluster namePrefix initialNodeCount maxPodsPerNode placementPolicy networkConfig.podRange "
    "networkConfig.podIpv4CidrBlock networkConfig.createPodRange nodeConfig.serviceAccount nodeConfig.oauthScopes "
    "nodeConfig.spot nodeConfig.preemptible nodeConfig.localSsdCount nodeConfig.metadata "
    "nodeConfig.shieldedInstanceConfig nodeConfig.minCpuPlatform nodeConfig.bootDiskKmsKey"
)


def _control_plane(facts: Facts) -> ControlPlane:
    labels: dict[str, Any] = facts.inputs.get("resourceLabels") or {}
    location = place(facts)
    # A zone, such as us-central1-a, is in the region us-central1.
    region = location.rpartition("-")[0] if location.count("-") > 1 else location
    return facts.find_control_plane([str(labels.get("region") or ""), location, region])


def _master_auth(facts: Facts) -> dict[str, Any]:
    given: dict[str, Any] = facts.inputs.get("masterAuth") or {}
    return {**given, "clusterCaCertificate": _control_plane(facts).certificate_authority}


def _refused(facts: Facts, _existing: Existing) -> str | None:
    key = (facts.inputs.get("databaseEncryption") or {}).get("keyName")
    return key_refused(facts, key, "container") or _short_windows(facts)


def _short_windows(facts: Facts) -> str | None:
    window = (facts.inputs.get("maintenancePolicy") or {}).get("recurringWindow")
    if not window:
        return None
    start, end = (datetime.fromisoformat(window[key]) for key in ("startTime", "endTime"))
    hours, weekly = (end - start).total_seconds() / 3600, "FREQ=WEEKLY" in window["recurrence"]
    days = window["recurrence"].count(",") + 1 if weekly else 7
    # Any 32 days have each day of the week four times.
    if hours < 4 or 4 * days * hours < _LEAST_MAINTENANCE_HOURS:
        return (
            "maintenance policy would go longer than 32d without 48h maintenance availability of at least 4h "
            f"contiguous duration: {hours:g} hours on {days} days a week are too few"
        )
    return None


KINDS: Final[Table] = {
    "gcp:container/cluster:Cluster": named(
        in_place("clusters"),
        _CLUSTER_IMMUTABLE,
        minutes=6.0,
        longest=40,
        refusal=_refused,
        outputs={
            "endpoint": lambda facts: _control_plane(facts).server.removeprefix("https://"),
            "masterAuth": _master_auth,
            "masterVersion": lambda facts: facts.text("minMasterVersion", "1.35.0-gke.1"),
            "selfLink": lambda facts: f"https://container.googleapis.com/v1/{in_place('clusters')(facts)}",
        },
    ),
    "gcp:container/nodePool:NodePool": named(
        below("cluster", "nodePools", "$name"), _POOL_IMMUTABLE, minutes=2.0, longest=40
    ),
    "gcp:kms/keyRing:KeyRing": named(in_place("keyRings")),
    "gcp:kms/cryptoKey:CryptoKey": Kind(
        id=below("keyRing", "cryptoKeys", "$name"),
        name_input="name",
        longest=63,
        immutable=unchangeable(
            "name keyRing purpose destroyScheduledDuration importOnly skipInitialVersionCreation cryptoKeyBackend"
        ),
    ),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": member("cryptoKeyId", "role", "member"),
    "gcp:projects/iAMMember:IAMMember": member("project", "role", "member"),
    "gcp:projects/serviceIdentity:ServiceIdentity": Kind(
        id=lambda facts: f"projects/{project(facts)}/services/{facts.text('service')}",
        immutable=unchangeable("service project"),
        minutes=0.1,
        # A service has one agent in a project, and keeps it.
        permanent=True,
        outputs={
            "project": project,
            "email": service_agent,
            "member": lambda facts: f"serviceAccount:{service_agent(facts)}",
        },
    ),
    "gcp:serviceaccount/account:Account": nameless(
        lambda facts: f"projects/{project(facts)}/serviceAccounts/{_email(facts)}",
        "accountId",
        minutes=0.2,
        email=lambda facts: _email(facts),
        member=lambda facts: f"serviceAccount:{_email(facts)}",
        name=lambda facts: f"projects/{project(facts)}/serviceAccounts/{_email(facts)}",
        uniqueId=lambda facts: str(int(facts.token[:16], 16)),
    ),
    "gcp:serviceaccount/iAMMember:IAMMember": member("serviceAccountId", "role", "member"),
}


def _email(facts: Facts) -> str:
    return f"{facts.text('accountId')}@{project(facts)}.iam.gserviceaccount.com"
