"""What the clouds' DNS refuses. Pure functions."""

from __future__ import annotations

from typing import Final

from sandbox.providers.cloud.kinds import Existing, Facts, Refusal, Values

_ALIAS: Final = "CNAME"


def alias_alone(*place: str, kind: str) -> Refusal:
    """Refuses records of other kinds where an alias is, and the other way round (RFC 1034, section 3.6.2).

    `place` are the inputs that say which zone and host, `kind` the one that says which kind of record.
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
