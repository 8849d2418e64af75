"""Stacks of N regions, from the catalogue and from the planetary stack's settings of each cloud. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from itertools import chain, zip_longest
from typing import Any, Final

from stacks.geography.catalogue import CATALOGUE

CLOUDS: Final = ("gcp", "aws", "azure")
MIXED: Final = "mixed"
_REGIONS, _DATABASE = "sacred-council:regions", "sacred-council:database"
_MESSAGING, _STREAMING = "sacred-council:messaging", "sacred-council:streaming"
_LEDGER, _SITES = "sacred-council:ledger", "sacred-council:edgeSites"
_SURVIVABLE: Final = 3
_OTHERWISE: Final = {"aws": {"zones": ["a", "b"]}}
"""Two zones instead of three: each zone has an address, and EKS admits only 40 networks."""
_COPIES: Final = 2
_BROKER_STORAGE: Final = "200Gi"
"""Every region's brokers have the records of all."""


def names(cloud: str) -> list[tuple[str, str]]:
    """(cloud, region) of all regions of a cloud, in the catalogue's order. `mixed` takes all clouds in turn."""
    lists = [
        [(one, region.name) for region in CATALOGUE if region.cloud == one] for one in CLOUDS if cloud in (one, MIXED)
    ]
    return [pair for pair in chain.from_iterable(zip_longest(*lists)) if pair is not None]


def document(planetary: Mapping[str, Any], cloud: str, count: int) -> dict[str, Any]:
    """The planetary stack's configuration, with `count` regions of the cloud in place of its regions and edge sites."""
    made = deepcopy(dict(planetary))
    config = made["config"]
    machines = {entry["cloud"]: entry["nodes"] for entry in config[_REGIONS]}
    chosen = names(cloud)[:count]
    if len(chosen) < count:
        raise ValueError(f"the catalogue has {len(chosen)} regions of {cloud}, not {count}")
    config[_REGIONS] = [
        {"name": region, "cloud": one, "nodes": machines[one], **_OTHERWISE.get(one, {})} for one, region in chosen
    ]
    copies = [region for _, region in chosen[:_COPIES]]
    database = {**config[_DATABASE], "primaryRegion": chosen[0][1], "backup": {"regions": copies}}
    config[_DATABASE] = {**database, "survive": "region" if count >= _SURVIVABLE else "zone"}
    first = {"home": chosen[0][1]}
    messaging = config[_MESSAGING]
    streams = [{**stream, **first} for stream in messaging["streams"]]
    config[_MESSAGING] = {**messaging, "streams": streams, "websocket": {**messaging["websocket"], **first}}
    config[_STREAMING] = {**config[_STREAMING], "storage": _BROKER_STORAGE}
    config[_LEDGER] = {**config[_LEDGER], "genesisRegions": [region for _, region in chosen]}
    config.pop(_SITES)
    return made
