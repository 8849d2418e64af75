"""Kubernetes of Azure, and what it needs: identities, keys, roles, logs.

Times: a cluster 4 minutes [INF], from public run logs of the official provider.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any, Final

from sandbox.providers.azure_native.make import TENANT, guid, identities, in_group, named
from sandbox.providers.cloud.kinds import ControlPlane, Existing, Facts, Kind, Make, Table, at, unchangeable

CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
_CLUSTER_IMMUTABLE: Final = (
    "dnsPrefix fqdnSubdomain nodeResourceGroup extendedLocation "
    "networkProfile.networkPlugin networkProfile.podCidr networkProfile.serviceCidr networkProfile.dnsServiceIP "
    "networkProfile.loadBalancerSku agentPoolProfiles.vmSize agentPoolProfiles.osDiskType agentPoolProfiles.osType "
    "agentPoolProfiles.name"
)

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
    """Refuses ranges of internal networks, which never reach the public address that they would be let in at."""
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
        refusal=lambda facts, existing: _long_node_group(facts, existing) or _private_callers(facts),
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
        outputs={"name": _role_name},
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
        outputs={
            "properties": at("properties", vaultUri=lambda facts: f"https://{facts.text('vaultName')}.vault.azure.net/")
        },
    ),
    "azure-native:keyvault:Key": named(
        in_group("Microsoft.KeyVault", "vaults", "$vaultName", "keys", "$keyName"),
        "keyName",
        "vaultName properties.kty properties.keySize properties.curveName",
        longest=127,
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
