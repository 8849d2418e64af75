"""The rights of ServiceAccounts in a region's cluster, by the rules of Kubernetes' role-based access control."""

from collections.abc import Mapping
from typing import Any

from tests.support import controllers
from tests.support.cluster_objects import Cluster
from tests.support.manifests import Manifest
from tests.support.network_rules import Pods


def resources_of(cluster: Cluster, account: tuple[str, str]) -> set[str]:
    """The resources that an account (namespace, name) has rights on, anywhere."""
    found = set()
    for binding in cluster.of_kind("RoleBinding", "ClusterRoleBinding"):
        named = [(s.get("namespace") or binding["metadata"]["namespace"], s["name"]) for s in binding["subjects"] or []]
        for role in _roles(cluster, binding) if account in named else []:
            found |= {each for rule in role.get("rules") or [] for each in rule.get("resources", [])}
    return found


def secret_readers(cluster: Cluster) -> list[str]:
    """Accounts (`namespace/name`) that may read Secrets outside their own namespace."""
    found = set()
    for binding in cluster.of_kind("RoleBinding", "ClusterRoleBinding"):
        where = binding["metadata"]["namespace"] if binding["kind"] == "RoleBinding" else None
        for subject in binding.get("subjects") or [] if _reads_secrets(cluster, binding) else []:
            own = subject.get("namespace") or where
            if subject["kind"] == "ServiceAccount" and own != where:
                found.add(f"{own}/{subject['name']}")
    return sorted(found)


def bound_accounts(cluster: Cluster) -> set[tuple[str, str]]:
    """Namespace and name of the accounts that some role gives rights to."""
    return {
        (subject.get("namespace") or binding["metadata"]["namespace"], subject["name"])
        for binding in cluster.of_kind("RoleBinding", "ClusterRoleBinding")
        if _gives_rights(cluster, binding)
        for subject in binding.get("subjects") or []
        if subject["kind"] == "ServiceAccount"
    }


def has_token(cluster: Cluster, pods: Pods) -> bool:
    """Whether the pods have a token: by a projected volume, else by the setting of the pod or its account, else yes."""
    projected = any(
        "serviceAccountToken" in source
        for volume in pods.spec.get("volumes") or []
        for source in volume.get("projected", {}).get("sources", [])
    )
    name = pods.spec.get("serviceAccountName", "default")
    accounts = [
        account.get("automountServiceAccountToken")
        for account in cluster.of_kind("ServiceAccount")
        if (account["metadata"]["namespace"], account["metadata"]["name"]) == (pods.namespace, name)
    ]
    said = [pods.spec.get("automountServiceAccountToken"), *accounts]
    return projected or next((each for each in said if each is not None), True)


def _gives_rights(cluster: Cluster, binding: Manifest) -> bool:
    roles = _roles(cluster, binding)
    # A role without an object here belongs to the cluster, such as cluster-admin.
    return not roles or any(role.get("rules") or role.get("aggregationRule") for role in roles)


def _reads_secrets(cluster: Cluster, binding: Manifest) -> bool:
    roles = _roles(cluster, binding)
    # Roles without an object here belong to the cluster.
    if not roles:
        return binding["roleRef"]["name"] in controllers.SECRET_READING_ROLES
    return any(_secret_rule(rule) for role in roles for rule in role.get("rules") or [])


def _secret_rule(rule: Mapping[str, Any]) -> bool:
    parts = (("apiGroups", {"", "*"}), ("resources", {"secrets", "*"}), ("verbs", {"get", "list", "watch", "*"}))
    return all(wanted & set(rule.get(key) or ()) for key, wanted in parts)


def _roles(cluster: Cluster, binding: Manifest) -> list[Manifest]:
    wanted, place = binding["roleRef"], binding["metadata"].get("namespace")
    return [
        role
        for role in cluster.of_kind(wanted["kind"])
        if role["metadata"]["name"] == wanted["name"]
        and (role["kind"] == "ClusterRole" or role["metadata"]["namespace"] == place)
    ]
