"""A program with only an edge, for tests.

Configuration: `cdn`; `origins`, a map of regions to their gateways' address or host name; `waf`, `zone`, `languages`,
`closed` (regions that get no traffic).
"""

from typing import Any, cast

import pulumi

from components.cdn import EdgeArgs, EdgePolicy, Origin
from components.cdn.edge import Waf

DOMAIN = "example.org"
PLACES = {
    "us-central1": (41.26, -95.86),
    "europe-west1": (50.47, 3.82),
    "asia-east1": (24.08, 120.54),
    "eu-west-3": (48.86, 2.35),
    "francecentral": (48.86, 2.35),
    "mars": (-4.5, 137.4),
}
NEAREST = {"eu-west-3": "europe-west9", "francecentral": "europe-west9", "mars": "asia-southeast2"}

config = pulumi.Config("edge")
closed = config.get_object("closed") or []


def origin(region: str, gateway: str) -> Origin:
    """The region's gateway, given by an address or by a host name."""
    latitude, longitude = PLACES[region]
    where: dict[str, Any] = {"addresses": gateway.split(",")} if gateway[0].isdigit() else {"host_name": gateway}
    return Origin(region=region, latitude=latitude, longitude=longitude, open=region not in closed, **where)


origins: dict[str, str] = config.require_object("origins")
args = EdgeArgs(
    domain=DOMAIN,
    origins=[origin(region, gateway) for region, gateway in origins.items()],
    policy=EdgePolicy(
        rate_limit=600, waf=cast(Waf, config.get("waf") or "block"), cached_paths=["/b/static/", "/a/static/"]
    ),
    languages=config.get_object("languages") or ["en", "pt-BR", "pt"],
    token=pulumi.Output.secret("the token"),
    zone=config.get("zone"),
)

match config.require("cdn"):
    case "gcp":
        from components.cdn.gcp import GcpEdge

        locations = {region: NEAREST.get(region, region) for region in origins}
        GcpEdge("edge", args, locations=locations)
    case "aws":
        from components.cdn.aws import AwsEdge

        AwsEdge("edge", args)
    case _:
        from components.cdn.azure import AzureEdge

        AzureEdge("edge", args, location="westeurope")
