"""An edge on Google Cloud."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import compute

from components.cdn.edge import EdgeArgs
from components.cdn.gcp.serving import GcpFront, GcpServing, route_rules
from components.cdn.gcp.zone import GcpCertificate, GcpZone


def edge_provider(project: str | None, opts: pulumi.ResourceOptions) -> gcp.Provider:
    """Return the provider that creates an edge in `project`."""
    return gcp.Provider("edge-gcp", project=project, opts=opts)


class GcpEdge(pulumi.ComponentResource):
    """Cloud CDN and Cloud Armor on the global load balancer, in front of regions that Cloud DNS steers to.

    `locations` maps each origin to the nearest of Google's regions, by which Cloud DNS steers.
    Origins need addresses, because Cloud DNS checks the health only of addresses.

    Outputs: `url`, `hostname` (the load balancer's address), `name_servers`.
    """

    url: str
    hostname: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        *,
        locations: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cdn:GcpEdge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone = GcpZone(name, args, locations, child)
        certificate = GcpCertificate(f"{name}-certificate", args.domain, zone, child)
        serving = GcpServing(f"{name}-cdn", args, zone.steered, child)
        front = GcpFront(
            f"{name}-front",
            routes=self._routes(name, args, serving),
            certificate_map=certificate.certificate_map,
            opts=child,
        )
        zone.record(f"{name}-domain", args.domain, "A", [front.address])
        self.url = args.url
        self.hostname = front.address
        self.name_servers = zone.name_servers
        self.register_outputs({"hostname": self.hostname, "name_servers": self.name_servers})

    def _routes(self, name: str, args: EdgeArgs, serving: GcpServing) -> pulumi.Output[str]:
        rules = route_rules(
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
