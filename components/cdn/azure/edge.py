"""An edge on Azure."""

from collections.abc import Sequence

import pulumi
import pulumi_azure_native as azure_native
from pulumi_azure_native import resources

from components.cdn.azure.profile import AzureDomain, AzureProfile
from components.cdn.azure.serving import AzureFirewall, AzureRoutes
from components.cdn.azure.zone import AzureZone
from components.cdn.edge import EdgeArgs
from components.metadata import CLOUD_LABELS


def edge_provider(subscription: str | None, location: str, opts: pulumi.ResourceOptions) -> azure_native.Provider:
    """Return the provider for an edge in `subscription`."""
    return azure_native.Provider("edge-azure", subscription_id=subscription, location=location, opts=opts)


class AzureEdge(pulumi.ComponentResource):
    """Front Door and its firewall in front of the regions. It asks the fastest healthy region.

    `location` is where Azure stores the edge's metadata and logs. Requests are served everywhere.

    Outputs: `url`, `hostname` (the endpoint's), `name_servers`.
    """

    url: str
    hostname: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: EdgeArgs, *, location: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AzureEdge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = resources.ResourceGroup(f"{name}-group", location=location, tags=CLOUD_LABELS, opts=child).name
        zone = AzureZone(name, args, group, child)
        firewall = AzureFirewall(f"{name}-firewall", args, group, child)
        profile = AzureProfile(name, args, group, zone.hosts, child)
        domain = AzureDomain(
            f"{name}-domain", args.domain, zone=zone, profile=profile, firewall=firewall.policy_id, opts=child
        )
        AzureRoutes(f"{name}-routes", args, profile, domain, child)
        self.url = args.url
        self.hostname = domain.hostname
        self.name_servers = zone.name_servers
        self.register_outputs({"hostname": self.hostname, "name_servers": self.name_servers})
