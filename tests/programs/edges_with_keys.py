"""An edge on each cloud in front of the same regions, each with real keys and its own provider."""

from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pulumi_azure_native as azure
import pulumi_gcp as gcp
import pulumi_tls as tls

from components.cdn import EdgeArgs, EdgeKeys, EdgePolicy, Origin
from components.cdn.aws import AwsEdge
from components.cdn.azure import AzureEdge
from components.cdn.gcp import GcpEdge

DOMAIN = "example.org"
PLACES = {"us-central1": (41.26, -95.86), "europe-west1": (50.47, 3.82), "asia-east1": (24.08, 120.54)}

config = pulumi.Config()
regions: list[str] = config.require_object("origins")
keys = EdgeKeys("edge-keys", DOMAIN, "blue", pulumi.ResourceOptions(providers=[tls.Provider("edge-tls")]))
args = EdgeArgs(
    domain=DOMAIN,
    origins=[
        Origin(
            region=region,
            latitude=PLACES[region][0],
            longitude=PLACES[region][1],
            addresses=[f"192.0.2.{sorted(PLACES).index(region)}"],
        )
        for region in regions
    ],
    policy=EdgePolicy(rate_limit=600, waf="block", cached_paths=["/a/static/"]),
    languages=["en", "pt-BR"],
    token=keys.token,
)


def options_with(provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
    """Options for resources that this provider creates."""
    return pulumi.ResourceOptions(providers=[provider])


def google() -> None:
    """Cloud CDN."""
    locations = {region: region for region in regions}
    provider = gcp.Provider("edge-gcp", project="my-project")
    GcpEdge("google", args, locations=locations, opts=options_with(provider))


def amazon() -> None:
    """CloudFront."""
    AwsEdge("amazon", args, options_with(aws.Provider("edge-aws", region="us-east-1")))


def microsoft() -> None:
    """Front Door."""
    provider = azure.Provider("edge-azure", location="westeurope")
    AzureEdge("microsoft", args, location="westeurope", opts=options_with(provider))


build: tuple[Callable[[], None], ...] = (google, amazon, microsoft)
for one in build:
    one()
