"""What a region takes over from the settings of its cloud. Plain values: pydantic judges them afterwards. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

Plain = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Inherited:
    """`values` with complete regions, and what was `taken` over: (index of the region, key)."""

    values: Plain
    taken: frozenset[tuple[int, str]]


def inherit(values: Plain) -> Inherited:
    """Give each region what `clouds` says of its cloud and it does not say itself."""
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
