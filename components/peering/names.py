"""What data services of different regions call each other. Pure: this is the one place that knows the names.

A name stands for one way in (`PeerEndpoint`) of one data service in one region, and resolves in every other region,
whatever cloud it is on. Wildcards of the names are in certificates from the first region on, so a new region replaces
no certificate.
"""

from typing import Final

SERVICE: Final = "peers"
"""The headless Service, in a data service's namespace, below which the other regions' names are."""

PEER_NAMES: Final = tuple(f"*.{SERVICE}.{{0}}.{suffix}" for suffix in ("svc", "svc.cluster.local"))
"""DNS names for the certificates of whatever other regions connect to; {0} is the namespace."""


def host(region: str, index: int = 0) -> str:
    """The first label of a name: way in number `index` of `region`."""
    return f"{region}-{index}"


def peer_name(region: str, namespace: str, index: int = 0) -> str:
    """What the pods of any other region's `namespace` call way in number `index` of `region`.

    Without the cluster's domain, which differs between clusters and which every pod's DNS settings add.
    """
    return f"{host(region, index)}.{SERVICE}.{namespace}.svc"
