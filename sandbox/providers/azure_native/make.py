"""The forms of Azure's ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sandbox.providers.cloud.kinds import Facts, Kind, Make, Refusal, unchangeable

SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
TENANT: Final = "11111111-1111-1111-1111-111111111111"


def subscription(facts: Facts) -> str:
    """The beginning of every id."""
    return f"/subscriptions/{facts.setting('subscriptionId', SUBSCRIPTION)}"


def group(facts: Facts) -> str:
    """The id of the resource group that a resource is in."""
    return f"{subscription(facts)}/resourceGroups/{facts.text('resourceGroupName')}"


def in_group(provider: str, *path: str) -> Make:
    """An id in a resource group: `in_group("Microsoft.Network", "virtualNetworks", "$virtualNetworkName")`.

    Parts that begin with `$` are inputs.
    """

    def make(facts: Facts) -> str:
        parts = (facts.text(part[1:]) if part.startswith("$") else part for part in path)
        return "/".join([group(facts), "providers", provider, *parts])

    return make


def guid(facts: Facts, purpose: str) -> str:
    """A GUID that is the resource's own."""
    return str(uuid.uuid5(uuid.UUID(hex=facts.token), purpose))


def identities(facts: Facts) -> dict[str, Any]:
    """Convert a list of identity ids to a map from ids to their properties, like Azure."""
    given: dict[str, Any] = facts.inputs.get("identity") or {}
    known = {
        identity: {"clientId": guid(facts, f"client {identity}"), "principalId": guid(facts, f"principal {identity}")}
        for identity in given.get("userAssignedIdentities") or []
    }
    return {**given, "userAssignedIdentities": known, "tenantId": TENANT}


def named(
    make_id: Make,
    key: str,
    immutable: str = "",
    *,
    minutes: float = 0.0,
    longest: int = 80,
    outputs: Mapping[str, Make] | None = None,
    refusal: Refusal | None = None,
    settles: str = "",
    stays: str = "",
    holds: bool = False,
    last_backup: Callable[[Facts], Sequence[str] | None] | None = None,
) -> Kind:
    """A resource whose name is the input `key`, which Pulumi fills if the program does not; the output is `name`."""
    return Kind(
        id=make_id,
        outputs={"name": lambda facts: facts.text(key), **(outputs or {})},
        name_input=key,
        longest=longest,
        immutable=unchangeable("location resourceGroupName", key, immutable),
        minutes=minutes,
        refusal=refusal,
        settles=unchangeable(settles),
        stays=stays,
        holds=holds,
        last_backup=last_backup,
    )
