"""An edge on Azure."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import resources

from components.cdn import names
from components.cdn.arguments import EdgeArgs
from components.cdn.azure import plan
from components.cdn.azure.domain import AzureDomain, AzureDomainArgs
from components.cdn.azure.firewall import AzureFirewall
from components.cdn.azure.profile import AzureProfile
from components.cdn.azure.routes import AzureRoutes, AzureRoutesArgs
from components.cdn.azure.zone import AzureZone


@dataclass(frozen=True, kw_only=True)
class AzureEdgeArgs(EdgeArgs):
    """`location` is where Azure keeps what describes the edge, and its logs; requests are served everywhere.

    `zone` is written as `group/name`: a resource group, and a zone that the domain is part of.
    """

    location: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.zone is not None:
            plan.relative_name(self.domain, plan.existing_zone(self.zone).name)


class AzureEdge(pulumi.ComponentResource):
    """Front Door and its firewall in front of the regions, of which it asks the fastest that is well.

    Outputs: `url`, `hostname` (the endpoint's), `name_servers`.
    """

    url: str
    hostname: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: AzureEdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AzureEdge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = resources.ResourceGroup(f"{name}-group", location=args.location, tags=names.LABELS, opts=child).name
        zone = AzureZone(name, args, group, child)
        firewall = AzureFirewall(f"{name}-firewall", args, group, child)
        profile = AzureProfile(name, args, group, zone.hosts, child)
        domain = AzureDomain(
            f"{name}-domain",
            AzureDomainArgs(domain=args.domain, zone=zone, profile=profile, firewall=firewall.policy_id),
            child,
        )
        AzureRoutes(f"{name}-routes", AzureRoutesArgs(edge=args, profile=profile, domain=domain), child)
        self.url = args.url
        self.hostname = domain.hostname
        self.name_servers = zone.name_servers
        self.register_outputs({"hostname": self.hostname, "name_servers": self.name_servers})
