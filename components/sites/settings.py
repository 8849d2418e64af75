"""Settings of edge sites."""

from typing import Annotated

from pydantic import Field

from components.cluster import MeshPlatform
from components.cluster.settings import Geography, ServiceType
from components.settings import Model
from components.settings.values import (
    Addresses,
    Bytes,
    Context,
    DnsAddresses,
    GatewayAddress,
    RegionName,
    not_empty,
)


class EdgeSite(Model):
    """A small cluster near its users: gateway, services, cache and NATS, but no database (docs/edge-sites.md)."""

    name: RegionName = Field(examples=["lisbon"])
    """Name of the site, with which the names of its resources begin. No region has it. Never change it: a site with
    another name is another site."""
    context: Context = Field(examples=["lisbon"])
    """Name of the kubeconfig context. You may rename the context. To move to a different cluster, remove the site
    first."""
    home: RegionName = Field(examples=["europe-west1"])
    """Name of the region that the site belongs to. Its database is the site's, and it takes the site's messages. Never
    change it: remove the site first, once it has sent everything."""
    geography: Geography = Field(
        examples=[{"latitude": 38.72, "longitude": -9.14, "timeZone": "Europe/Lisbon", "languages": ["pt"]}]
    )
    """Where the site is."""
    egress_addresses: Annotated[Addresses, not_empty("203.0.113.7")] = Field(examples=[["203.0.113.7"]])
    """IPv4 addresses from which the home region sees the site. It admits no others."""
    platform: MeshPlatform | None = "k3s"
    """Kind of the cluster, where its directories are not those of a plain kubelet: Istio's CNI plugin must know them.
    None: a plain kubelet."""
    service_type: ServiceType = "LoadBalancer"
    """Type of the gateway's Service. k3s gives a `LoadBalancer` the address of its machine."""
    gateway_address: GatewayAddress | None = None
    """Public address of the site's gateway, whose ports 80 and 443 must be reachable. With `edge.cdn`, users near the
    site are sent there; with `edge.cdn: gcp` it must be an IPv4 address. None: no user is sent to the site."""
    dns_addresses: DnsAddresses = ()
    """IPv4 addresses of DNS servers in the nodes' network, which network policies let pods ask, as for a region."""
    storage: Bytes = "4Gi"
    """Disk of the site's NATS. Nine tenths of it hold the copies of the home's streams and what the site has not yet
    sent: each of the two is as large as the stream's `maxSize`."""
