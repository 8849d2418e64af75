"""Role assignments of the simulated Azure. A role has no effect for the first minutes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sandbox.providers.cloud.behaviour import GRANT_MINUTES
from sandbox.providers.cloud.kinds import Existing, Facts, Other

ROLE: Final = "azure-native:authorization:RoleAssignment"
IDENTITY: Final = "azure-native:managedidentity:UserAssignedIdentity"
VAULT: Final = "azure-native:keyvault:Vault"
NETWORK_CONTRIBUTOR: Final = "4d97b98b-1d4f-4787-a291-c67834d212e7"
CRYPTO_USER: Final = "12338af0-0e69-4776-bea7-57ae8d297424"
SERVICE_ENCRYPTION_USER: Final = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


def cluster_may_not(facts: Facts, identities: list[str]) -> str | None:
    """Missing roles of a cluster's identity for its subnets and its key; None if Azure makes the identity."""
    pools = facts.inputs.get("agentPoolProfiles") or []
    api = facts.inputs.get("apiServerAccessProfile") or {}
    subnets = [*(pool.get("vnetSubnetID") for pool in pools), api.get("subnetId")]
    kms = ((facts.inputs.get("securityProfile") or {}).get("azureKeyVaultKms") or {}).get("keyId")
    for identity in identities:
        for subnet in filter(None, subnets):
            if said := subnet_refused(facts, identity, subnet):
                return said
        if kms and (said := key_refused(facts, identity, CRYPTO_USER, kms)):
            return said
    return None


def subnet_refused(facts: Facts, identity: str, subnet: str) -> str | None:
    """Azure's error if a cluster's identity may not put machines into a subnet."""
    if _honoured(facts, identity, NETWORK_CONTRIBUTOR, subnet):
        return None
    return (
        f"(LinkedAuthorizationFailed) the identity {identity} does not have permission to perform action "
        f"'Microsoft.Network/virtualNetworks/subnets/join/action' on {subnet}"
    )


def data_service_may_not(facts: Facts, _existing: Existing) -> str | None:
    """Missing role of a database's or cache's identity for the customer's key; None if there is none."""
    at_rest = facts.inputs.get("dataEncryption") or {}
    customer = (facts.inputs.get("encryption") or {}).get("customerManagedKeyEncryption") or {}
    key = at_rest.get("primaryKeyURI") or customer.get("keyEncryptionKeyUrl")
    identity = at_rest.get("primaryUserAssignedIdentityId") or (customer.get("keyEncryptionKeyIdentity") or {}).get(
        "userAssignedIdentityResourceId"
    )
    return key_refused(facts, identity, SERVICE_ENCRYPTION_USER, key) if key and identity else None


def key_refused(facts: Facts, identity: str, role: str, key: str) -> str | None:
    """Azure's error if the identity may not use a key, which its URL names."""
    vault = key.removeprefix("https://").partition(".")[0]
    found = next((one.id for one in facts.others(VAULT) if one.id.endswith(f"/{vault}")), vault)
    if _honoured(facts, identity, role, found):
        return None
    return f"(Forbidden) the identity {identity} has no access to the key {key}: its role is missing, or too new"


def key_needs(facts: Facts) -> list[str]:
    """Needs for reading an encrypted database: key, identity and the identity's role."""
    at_rest: dict[str, Any] = facts.inputs.get("dataEncryption") or {}
    key, identity = at_rest.get("primaryKeyURI"), at_rest.get("primaryUserAssignedIdentityId")
    if not key or not identity:
        return []
    return [key, identity, *(role.id for role in _roles(facts, identity, SERVICE_ENCRYPTION_USER))]


def _honoured(facts: Facts, identity: str, role: str, scope: str) -> bool:
    return any(
        f"{scope}/".lower().startswith(f"{one.inputs['scope']}/".lower()) and one.age >= GRANT_MINUTES
        for one in _roles(facts, identity, role)
    )


def _roles(facts: Facts, identity: str, role: str) -> Iterator[Other]:
    principals = {one.outputs["principalId"] for one in facts.others(IDENTITY) if one.id == identity}
    for one in facts.others(ROLE):
        if one.inputs.get("principalId") in principals and str(one.inputs.get("roleDefinitionId")).endswith(role):
            yield one
