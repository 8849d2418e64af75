"""The names by which data services of different regions call each other. Pure: no other module spells these names.

Each name stands for one `PeerEndpoint` of one data service in one region, and resolves in every other region on any
cloud. Certificates contain wildcards of these names from the first region on, so adding a region replaces no
certificate.
"""

from typing import Final

SERVICE: Final = "peers"
"""The headless Service in a data service's namespace. The other regions' names are below it."""

PEER_NAMES: Final = tuple(f"*.{SERVICE}.{{0}}.{suffix}" for suffix in ("svc", "svc.cluster.local"))
"""DNS names for the certificates that other regions' clients verify. {0} stands for the namespace."""


def host(region: str, index: int = 0) -> str:
    """Return the first label of a name: peer endpoint number `index` of `region`."""
    return f"{region}-{index}"


def peer_name(region: str, namespace: str, index: int = 0) -> str:
    """Return the name of peer endpoint number `index` of `region`, for pods of `namespace` in any other region.

    The name omits the cluster's domain, which differs between clusters. Every pod's DNS settings add it.
    """
    return f"{host(region, index)}.{SERVICE}.{namespace}.svc"
