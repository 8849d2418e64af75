"""Where the pods of a region ask for names outside the pods' network. Pure."""

from components.cluster.settings import ExistingRegion, RegionSettings
from components.network import dns_caches


def caches_of(region: RegionSettings) -> tuple[str, ...]:
    """Return the address blocks of DNS caches that the region's nodes may have."""
    if isinstance(region, ExistingRegion):
        return dns_caches(gke=region.platform == "gke", addresses=region.dns_addresses)
    return dns_caches(gke=region.cloud == "gcp")
