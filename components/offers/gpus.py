"""The GPUs of machine types, and the zones that have them. Pure.

Whether a region has a machine type at all, `sizes.csv` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from components.offers.sizes import family_of, offered
from components.offers.tables import Source, rows, sources

RESOURCE: Final = "nvidia.com/gpu"
"""What the device plugin of NVIDIA calls a GPU, as a resource of Kubernetes. GKE uses the same word for its taint."""


@dataclass(frozen=True, kw_only=True)
class Gpus:
    """The GPUs of a machine type."""

    name: str
    """As Google Cloud spells it, such as `nvidia-l4`, also on the other clouds."""
    count: int
    """GPUs of a machine."""
    source: Source


def gpus_of(cloud: str, name: str) -> Gpus | None:
    """Return the GPUs of a machine type. None: it has none that the table knows."""
    return _gpus().get((cloud, *family_of(cloud, name)))


def gpu_types(cloud: str, region: str) -> tuple[str, ...]:
    """Return the machine types with GPUs that `region` may offer: the fewest GPUs first, then in the table's order."""
    known = {
        family.replace("#", size): gpus.count
        for (its_cloud, family, size), gpus in _gpus().items()
        if its_cloud == cloud
    }
    there = (name for name in known if offered(cloud, "machine", region, name) is not False)
    return tuple(sorted(there, key=lambda name: known[name]))


def gpu_zones(cloud: str, region: str, name: str) -> tuple[str, ...]:
    """Return the region's zones that have a machine type with GPUs. Empty: unknown."""
    return _zones().get((cloud, region, family_of(cloud, name)[0]), ())


@cache
def _gpus() -> Mapping[tuple[str, str, str], Gpus]:
    return {
        (row["cloud"], row["family"], size): Gpus(
            name=row["gpu"], count=int(row["count"]), source=sources()[row["source"]]
        )
        for row in rows("gpus")
        for size in row["sizes"].split()
    }


@cache
def _zones() -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    return {(row["cloud"], row["region"], row["family"]): tuple(row["zones"].split()) for row in rows("gpu_zones")}
