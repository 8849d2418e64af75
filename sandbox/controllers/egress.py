"""The source addresses of what leaves the regions: those that the program lets the other regions allow."""

from __future__ import annotations

from typing import Final

from sandbox import state
from sandbox.layout import Layout

_SUFFIX: Final = "-cloud"
"""End of the name of the component that is a region's cloud."""


def egress_addresses(layout: Layout, stack: str) -> dict[str, list[str]]:
    """IPv4 addresses by region, from the stack's state. Regions without any are left out."""
    return {
        name.removesuffix(_SUFFIX): addresses
        for each in state.resources(layout, stack)
        if (name := str(each["urn"]).rpartition("::")[2]).endswith(_SUFFIX)
        and (addresses := list((each.get("outputs") or {}).get("egress_addresses") or ()))
    }
