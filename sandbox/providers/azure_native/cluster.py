"""Kubernetes of Azure and its prerequisites: identities, keys, roles, logs.

Times: a cluster 4 minutes [INF], from public run logs of the official provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, Final

from sandbox.providers.azure_native.make import TENANT, guid, identities, in_group, named
from sandbox.providers.azure_native.roles import cluster_may_not, subnet_refused
from sandbox.providers.cloud.kinds import ControlPlane, Existing, Facts, Kind, Make, Table, at, unchangeable

CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
_CLUSTER_IMMUTABLE: Final = (
    "dnsPrefix fqdnSubdomain nodeResourceGroup extendedLocation "
    "networkProfile.networkPlugin networkProfile.podCidr networkProfile.serviceCidr networkProfile.dnsServiceIP "
    "networkProfile.loadBalancerSku"
)
_POOL: Final = "azure-native:containerservice:AgentPool"
_RELEASES: Final = "default"
_SCHEDULES: Final = (_RELEASES, "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")
_FIXED: Final = ("vmSize", "osDiskType", "osType", "availabilityZones", "vnetSubnetID", "maxPods")
"""What of a node pool Azure never changes; the official provider does not replace the pool for it."""

_INTERNAL: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
)

_LONGEST_NODE_GROUP: Final = 80
"""Characters of the name of the group that AKS keeps a cluster's machines in."""


def control_plane(facts: Facts) -> ControlPlane:
    """The control plane of the region that a cluster is in: that of its tag, else of its location."""
    tags: dict[str, Any] = facts.inputs.get("tags") or {}
    location = facts.text("location").lower().replace(" ", "")
    return facts.find_control_plane([str(tags.get("region") or ""), location])


def _at_scope(kind: str, key: str) -> Make:
    return lambda facts: f"{facts.text('scope')}/providers/Microsoft.Authorization/{kind}/{facts.text(key)}"


def _key_uri(facts: Facts) -> str:
    return f"https://{facts.text('vaultName')}.vault.azure.net/keys/{facts.text('keyName')}"


def _role_name(facts: Facts) -> str:
    return facts.text("roleAssignmentName") or guid(facts, "role assignment")


def _node_group(facts: Facts) -> str:
    usual = f"MC_{facts.text('resourceGroupName')}_{facts.text('resourceName')}_{facts.text('location')}"
    return facts.text("nodeResourceGroup", usual)


def _refused(facts: Facts, existing: Existing) -> str | None:
    known = [one for one in existing(CLUSTER) if one.get("resourceName") == facts.text("resourceName")]
    if known:
        return _pools_refused(known[0], facts)
    given = (facts.inputs.get("identity") or {}).get("userAssignedIdentities") or []
    return _long_node_group(facts, existing) or _no_system_pool(facts) or cluster_may_not(facts, list(given))


def _pools_refused(known: Mapping[str, Any], facts: Facts) -> str | None:
    old = {pool["name"]: pool for pool in known.get("agentPoolProfiles") or []}
    for pool in facts.inputs.get("agentPoolProfiles") or []:
        if pool["name"] not in old:
            return (
                "A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through "
                f"managed cluster operations: {pool['name']}"
            )
        if said := _fixed(old[pool["name"]], pool):
            return said
    return None


def _fixed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    for key in _FIXED:
        if old.get(key) != new.get(key):
            return f"(PropertyChangeNotAllowed) Changing property 'properties.{key}' is not allowed"
    return None


def _no_system_pool(facts: Facts) -> str | None:
    pools = facts.inputs.get("agentPoolProfiles") or []
    if pools and not any(pool.get("mode") == "System" for pool in pools):
        return "There has to be at least one system agent pool"
    return None


def _pool_refused(facts: Facts, existing: Existing) -> str | None:
    name = facts.text("agentPoolName")
    if not re.fullmatch("[a-z][a-z0-9]{0,11}", name):
        return f"(InvalidParameter) the agent pool name {name!r} is not 1 to 12 lower case letters and digits"
    same = ("agentPoolName", "resourceName", "resourceGroupName")
    known = [one for one in existing(_POOL) if all(one.get(key) == facts.inputs.get(key) for key in same)]
    return (_fixed(known[0], facts.inputs) if known else None) or _pool_may_not(facts, existing)


def _pool_may_not(facts: Facts, existing: Existing) -> str | None:
    """Missing role of the cluster's identity for the pool's subnet."""
    same, subnet = ("resourceName", "resourceGroupName"), facts.text("vnetSubnetID")
    clusters = [one for one in existing(CLUSTER) if all(one.get(key) == facts.inputs.get(key) for key in same)]
    identities = [
        one for cluster in clusters for one in (cluster.get("identity") or {}).get("userAssignedIdentities") or []
    ]
    refused = (subnet_refused(facts, identity, subnet) for identity in identities if subnet)
    return next(filter(None, refused), None)


def _window_refused(facts: Facts, _existing: Existing) -> str | None:
    name, window, times = (
        facts.text("configName"),
        facts.inputs.get("maintenanceWindow"),
        facts.inputs.get("timeInWeek"),
    )
    if name not in _SCHEDULES:
        return f"(InvalidParameter) the maintenance configuration {name!r} is none of {', '.join(_SCHEDULES)}"
    if name == _RELEASES:
        return _times_refused(times, window)
    if times or not window:
        return f"(InvalidParameter) {name} takes a maintenanceWindow, and no timeInWeek"
    hours = window.get("durationHours") or 24
    if not 4 <= hours <= 24:
        return f"(InvalidParameter) durationHours is {hours}; it must be 4 to 24"
    return None


def _times_refused(times: Sequence[Mapping[str, Any]] | None, window: object) -> str | None:
    if window or not times:
        return f"(InvalidParameter) {_RELEASES} takes timeInWeek, and no maintenanceWindow"
    slots = [slot for time in times for slot in time.get("hourSlots") or [-1]]
    return None if all(0 <= slot <= 23 for slot in slots) else "(InvalidParameter) hourSlots must be 0 to 23"


def _long_node_group(facts: Facts, existing: Existing) -> str | None:
    length, name = len(_node_group(facts)), facts.text("resourceName")
    # The group is made with the cluster, and not looked at again when it changes.
    if length <= _LONGEST_NODE_GROUP or any(known.get("resourceName") == name for known in existing(CLUSTER)):
        return None
    return (
        f"The length of the node resource group name is too long. The maximum length is {_LONGEST_NODE_GROUP} and the "
        f"length of {_node_group(facts)} is {length}: give a shorter one as nodeResourceGroup"
    )


def _private_callers(facts: Facts) -> str | None:
    """Refuse ranges of internal networks, which never reach the public address that they would be let in at."""
    given = (facts.inputs.get("apiServerAccessProfile") or {}).get("authorizedIPRanges") or []
    refused = [network for network in given if any(IPv4Network(network).subnet_of(block) for block in _INTERNAL)]
    return f"authorizedIPRanges must be public, and these are not: {', '.join(refused)}" if refused else None


KINDS: Final[Table] = {
    CLUSTER: named(
        in_group("Microsoft.ContainerService", "managedClusters", "$resourceName"),
        "resourceName",
        _CLUSTER_IMMUTABLE,
        longest=63,
        minutes=4.0,
        refusal=lambda facts, existing: _refused(facts, existing) or _private_callers(facts),
        holds=True,
        outputs={
            "fqdn": lambda facts: control_plane(facts).server.removeprefix("https://"),
            "oidcIssuerProfile": at(
                "oidcIssuerProfile",
                issuerURL=lambda facts: (
                    f"https://{facts.text('location')}.oic.prod-aks.azure.com/{TENANT}/{guid(facts, 'issuer')}/"
                ),
            ),
            "identity": identities,
            "nodeResourceGroup": _node_group,
            "provisioningState": lambda facts: "Succeeded",
        },
    ),
    _POOL: named(
        in_group("Microsoft.ContainerService", "managedClusters", "$resourceName", "agentPools", "$agentPoolName"),
        "agentPoolName",
        "resourceName",
        minutes=2.0,
        refusal=_pool_refused,
    ),
    "azure-native:containerservice:MaintenanceConfiguration": named(
        in_group(
            *("Microsoft.ContainerService", "managedClusters", "$resourceName"),
            *("maintenanceConfigurations", "$configName"),
        ),
        "configName",
        "resourceName",
        refusal=_window_refused,
    ),
    "azure-native:managedidentity:UserAssignedIdentity": named(
        in_group("Microsoft.ManagedIdentity", "userAssignedIdentities", "$resourceName"),
        "resourceName",
        minutes=0.1,
        outputs={
            "principalId": lambda facts: guid(facts, "principal"),
            "clientId": lambda facts: guid(facts, "client"),
            "tenantId": lambda facts: TENANT,
        },
    ),
    "azure-native:managedidentity:FederatedIdentityCredential": named(
        in_group(
            "Microsoft.ManagedIdentity",
            *("userAssignedIdentities", "$resourceName"),
            *("federatedIdentityCredentials", "$federatedIdentityCredentialResourceName"),
        ),
        "federatedIdentityCredentialResourceName",
        "resourceName",
    ),
    "azure-native:authorization:RoleAssignment": Kind(
        id=lambda facts: f"{facts.text('scope')}/providers/Microsoft.Authorization/roleAssignments/{_role_name(facts)}",
        outputs={"name": _role_name, "createdOn": lambda facts: facts.made},
        immutable=unchangeable("scope roleAssignmentName roleDefinitionId principalId principalType condition"),
        minutes=0.2,
    ),
    "azure-native:authorization:ManagementLockByScope": Kind(
        id=_at_scope("locks", "lockName"),
        outputs={"name": lambda facts: facts.text("lockName")},
        name_input="lockName",
        immutable=unchangeable("scope lockName"),
    ),
    "azure-native:keyvault:Vault": named(
        in_group("Microsoft.KeyVault", "vaults", "$vaultName"),
        "vaultName",
        longest=24,
        minutes=0.5,
        holds=True,
        outputs={
            "properties": at("properties", vaultUri=lambda facts: f"https://{facts.text('vaultName')}.vault.azure.net/")
        },
    ),
    "azure-native:keyvault:Key": named(
        in_group("Microsoft.KeyVault", "vaults", "$vaultName", "keys", "$keyName"),
        "keyName",
        "vaultName properties.kty properties.keySize properties.curveName",
        longest=127,
        # The official provider asks the vault itself, where whoever owns the subscription has no rights.
        stays="(Forbidden) Caller is not authorized to perform action Microsoft.KeyVault/vaults/keys/delete",
        outputs={
            "keyUri": _key_uri,
            "keyUriWithVersion": lambda facts: f"{_key_uri(facts)}/{facts.token}",
        },
    ),
    "azure-native:operationalinsights:Workspace": named(
        in_group("Microsoft.OperationalInsights", "workspaces", "$workspaceName"),
        "workspaceName",
        longest=63,
        minutes=0.5,
        outputs={"customerId": lambda facts: guid(facts, "customer")},
    ),
    "azure-native:monitor:DiagnosticSetting": Kind(
        id=lambda facts: (
            f"{facts.text('resourceUri')}/providers/Microsoft.Insights/diagnosticSettings/{facts.text('name')}"
        ),
        name_input="name",
        immutable=unchangeable("resourceUri name"),
    ),
}
