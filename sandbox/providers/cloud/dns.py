"""Records that the clouds' DNS refuses. Pure functions."""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud.kinds import Existing, Facts, Refusal, Values

_ALIAS: Final = "CNAME"
_GOOGLE_ZONE: Final = "gcp:dns/managedZone:ManagedZone"


def alias_alone(*place: str, kind: str) -> Refusal:
    """Refuse records of other kinds beside an alias, and vice versa (RFC 1034, section 3.6.2).

    `place` names the inputs with zone and host, `kind` the input with the kind of record.
    """

    def where(record: Values) -> list[str]:
        return [str(record.get(key)).lower().rstrip(".") for key in place]

    def refusal(facts: Facts, existing: Existing) -> str | None:
        wanted = facts.text(kind)
        there = {str(other.get(kind)) for other in existing(facts.type) if where(other) == where(facts.inputs)}
        others = there - {wanted}
        if not others or _ALIAS not in {wanted, *others}:
            return None
        host = where(facts.inputs)[-1]
        return f"{host} has records of type {', '.join(sorted(others))}; beside an alias ({_ALIAS}) nothing may be"

    return refusal


def one_address_in_signed_zones(facts: Facts, existing: Existing) -> str | None:
    """Refuse several addresses with health checks in one item of a routing policy if Google signs the zone."""
    policy = facts.inputs.get("routingPolicy") or {}
    items = [*(policy.get("geos") or []), *(policy.get("wrrs") or [])]
    zone = facts.text("managedZone")
    if zone in map(_signed_zone, existing(_GOOGLE_ZONE)) and max(map(_addresses, items), default=0) > 1:
        return f"the zone {zone} is signed: an item of a routing policy may have one address with health checks"
    return None


def _signed_zone(zone: Values) -> str | None:
    signed = (zone.get("dnssecConfig") or {}).get("state") == "on"
    return str(zone["name"]) if signed else None


def _addresses(item: Values) -> int:
    return len((item.get("healthCheckedTargets") or {}).get("externalEndpoints") or [])
