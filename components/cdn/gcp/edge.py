"""An edge on Google Cloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from components.cdn.arguments import EdgeArgs
from components.cdn.gcp import plan
from components.cdn.gcp.certificate import GcpCertificate
from components.cdn.gcp.front import GcpFront, GcpFrontArgs
from components.cdn.gcp.serving import GcpServing
from components.cdn.gcp.zone import GcpZone


@dataclass(frozen=True, kw_only=True)
class GcpEdgeArgs(EdgeArgs):
    """`locations` says for each origin which of Google's regions is nearest: Cloud DNS steers by those.

    Origins need addresses: Cloud DNS looks after the health of addresses only.
    """

    locations: Mapping[str, str]

    def __post_init__(self) -> None:
        super().__post_init__()
        unplaced = [origin.region for origin in self.origins if origin.region not in self.locations]
        if unplaced:
            raise ValueError(f"locations: expected one of Google's regions for {', '.join(unplaced)}")
        hosts = [origin.region for origin in self.origins if not origin.addresses]
        if hosts:
            raise ValueError(f"origins: Cloud DNS steers by addresses, and {', '.join(hosts)} has none")


class GcpEdge(pulumi.ComponentResource):
    """Cloud CDN and Cloud Armor on the global load balancer, in front of the regions that Cloud DNS steers to.

    Outputs: `url`, `hostname` (the load balancer's address), `name_servers`.
    """

    url: str
    hostname: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: GcpEdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:GcpEdge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone = GcpZone(name, args, args.locations, child)
        certificate = GcpCertificate(f"{name}-certificate", args.domain, zone, child)
        serving = GcpServing(f"{name}-cdn", args, zone.steered, child)
        front = GcpFront(
            f"{name}-front",
            GcpFrontArgs(routes=self._routes(name, args, serving), certificate_map=certificate.certificate_map),
            child,
        )
        zone.record(f"{name}-domain", args.domain, "A", [front.address])
        self.url = args.url
        self.hostname = front.address
        self.name_servers = zone.name_servers
        self.register_outputs({"hostname": self.hostname, "name_servers": self.name_servers})

    def _routes(self, name: str, args: GcpEdgeArgs, serving: GcpServing) -> pulumi.Output[str]:
        rules = plan.route_rules(
            cached_paths=args.policy.cached_paths,
            languages=args.languages,
            cached=serving.cached,
            direct=serving.direct,
        )
        routes: pulumi.Output[str] = compute.URLMap(
            f"{name}-routes",
            default_service=serving.direct,
            host_rules=[{"hosts": [args.domain], "path_matcher": "domain"}],
            path_matchers=[{"name": "domain", "default_service": serving.direct, "route_rules": rules}],
            opts=pulumi.ResourceOptions(parent=self),
        ).id
        return routes
