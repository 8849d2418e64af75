"""An edge on Azure."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_azure_native as azure_native

from components.cdn.azure import AzureEdge, AzureEdgeArgs
from stacks.settings import Settings


def azure_edge(settings: Settings, common: Mapping[str, Any], opts: pulumi.ResourceOptions) -> AzureEdge:
    """The edge in its subscription. `common` are the arguments of every edge."""
    cloud = azure_native.Provider(
        "edge-azure",
        subscription_id=settings.edge.subscription or settings.clouds.azure.subscription,
        location=settings.edge.location,
        opts=opts,
    )
    child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    return AzureEdge("edge", AzureEdgeArgs(**common, location=settings.edge.location), child)
