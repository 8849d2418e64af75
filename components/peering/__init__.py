"""How data services of different regions reach each other: mutual TLS over load balancers that admit only each other.

A `PeerEndpoint` is a load balancer in front of a data service's pods.
`PeerNames` gives the peer endpoints of all other regions names that resolve in a region's pods.
Both belong to the region base: they exist before any workload and wait for none.
A single region has neither.

Each data service component gets a `StorePeers` (None: a single region).
A data service that other regions must reach

1. always puts `PEER_NAMES` into its certificate;
2. advertises `peer_name(region, namespace, index)` to other regions, and connects to theirs by the same function;
3. opens its network policy with `peers.ingress(port)` and `peers.egress(port)`.

Adding or removing a region updates only `Endpoints` and network policies of the others, in place.
No pod restarts unless the data service's own configuration names regions.
"""

from components.peering.names import PEER_NAMES, host, peer_name
from components.peering.peer_endpoint import PeerEndpoint, PeerEndpointArgs
from components.peering.peer_names import PeerNames, PeerNamesArgs
from components.peering.peers import StorePeers

__all__ = [
    "PEER_NAMES",
    "PeerEndpoint",
    "PeerEndpointArgs",
    "PeerNames",
    "PeerNamesArgs",
    "StorePeers",
    "host",
    "peer_name",
]
