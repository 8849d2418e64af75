"""An edge on Google Cloud."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp

from components.cdn.gcp import GcpEdge, GcpEdgeArgs
from stacks.settings import Settings


def gcp_edge(
    settings: Settings, common: Mapping[str, Any], locations: Mapping[str, str], opts: pulumi.ResourceOptions
) -> GcpEdge:
    """The edge in its project. `common` are the arguments of every edge, `locations` Google's region of each origin."""
    cloud = gcp.Provider("edge-gcp", project=settings.edge.project or settings.clouds.gcp.project, opts=opts)
    child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    return GcpEdge("edge", GcpEdgeArgs(**common, locations=locations), child)
