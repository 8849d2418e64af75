"""Copies settings of a cloud to its regions. Works on plain values, before pydantic validates them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

Plain = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Inherited:
    """The result of `inherit`."""

    values: Plain
    """With complete regions."""
    taken: frozenset[tuple[int, str]]
    """Inherited settings: (index of the region, key)."""


def inherit(values: Plain) -> Inherited:
    """Give each region the settings of its cloud in `clouds` that it does not have itself."""
    regions, clouds = values.get("regions"), values.get("clouds")
    if not isinstance(regions, list | tuple) or not isinstance(clouds, Mapping):
        return Inherited(values=values, taken=frozenset())
    common = [_common(region, clouds) for region in regions]
    complete = [{**more, **region} if more else region for more, region in zip(common, regions, strict=True)]
    taken = {(index, key) for index, more in enumerate(common) for key in more}
    return Inherited(values={**values, "regions": complete}, taken=frozenset(taken))


def _common(region: object, clouds: Plain) -> dict[str, object]:
    cloud = region.get("cloud") if isinstance(region, Mapping) else None
    common = clouds.get(cloud) if isinstance(cloud, str) else None
    if not isinstance(region, Mapping) or not isinstance(common, Mapping):
        return {}
    return {key: value for key, value in common.items() if key not in region and value is not None}
