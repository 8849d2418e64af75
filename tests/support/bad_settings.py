"""Make bad configurations, and read the errors about them."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import SettingsError, parse

GOOD: Mapping[str, Any] = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}
PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl", "fr"]}

IMAGE_RULE = (
    "must name one version of the image: a tag other than latest, or a digest; write e.g. ghcr.io/example/service:1.4.2"
)
NAME_RULE = (
    "must be a DNS label of at most 32 characters: lower case letters, digits and hyphens, starting with a letter; "
    "write e.g. us-central1"
)

ADDRESS_RULE = "must be an IPv4 address that a cluster can have; write e.g. 203.0.113.7"
BOOLEAN_RULE = "must be true or false; write true or false, without quotes"
MAP_RULE = "must be a map of settings; write one indented `key: value` per line below it"
NOT_A_REGION = "is not the name of a region of this stack"


def with_change(path: str, value: object) -> dict[str, Any]:
    """The good configuration with `value` at `path`."""
    values: dict[str, Any] = copy.deepcopy(dict(GOOD))
    *parents, last = path.replace("[0]", ".0").split(".")
    place: Any = values
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    place[int(last) if isinstance(place, list) else last] = value
    return values


def broken(values: Mapping[str, object]) -> list[str]:
    """The paths of all mistakes in a bad configuration."""
    return [line.partition(": ")[0] for line in complaints(values)]


def complaints(values: Mapping[str, object]) -> list[str]:
    """The errors about a bad configuration, a line for each mistake."""
    with pytest.raises(SettingsError) as caught:
        parse(values)
    headline, *lines = str(caught.value).split("\n  sacred-council:")
    number = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    assert headline == f"The configuration has {number}. Nothing was changed."
    return lines
