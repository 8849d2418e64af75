"""Choose a region's cloud from its settings. No other module of `stacks` tells clouds apart for clusters."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import pulumi

from components.cluster.settings import AwsRegion, AzureRegion, ExistingRegion, GcpRegion
from stacks.clouds import RegionCloud, RegionCluster
from stacks.clouds.existing import ExistingCloud
from stacks.settings import Settings
from stacks.topology import RegionPlan


def region_cloud(plan: RegionPlan, settings: Settings, opts: pulumi.ResourceOptions) -> RegionCloud:
    """The network and addresses that the region's cluster needs.

    Build those of all regions before the first cluster: clusters need the addresses of the other regions.
    """
    name, region = f"{plan.name}-cloud", settings.region(plan.name)
    # A cloud's SDK takes seconds and hundreds of megabytes: only stacks that use the cloud load it.
    match region:
        case ExistingRegion():
            return ExistingCloud(region)
        case GcpRegion():
            from stacks.clouds.gcp import GcpCloud

            return GcpCloud(name, plan, region, opts)
        case AwsRegion():
            from stacks.clouds.aws import AwsCloud

            return AwsCloud(name, plan, region, opts)
        case AzureRegion():
            from stacks.clouds.azure import AzureCloud

            reserves_addresses = plan.peering_enabled or settings.edge.cdn != "none" or settings.circles.enabled
            return AzureCloud(name, plan, region, reserves_addresses=reserves_addresses, opts=opts)
        case _:
            assert_never(region)


def callers(plan: RegionPlan, settings: Settings) -> Sequence[str]:
    """The other regions whose pods call the region's Kubernetes API, by name. Pure.

    With a mesh, all regions call it, because their control planes watch it. Without one, only the hub of Argo CD does.
    Rancher calls no region: the clusters call Rancher.
    """
    hub = settings.gitops_hub
    return plan.peers if settings.mesh.enabled else [peer for peer in plan.peers if peer == hub]


def cluster(
    plan: RegionPlan, settings: Settings, clouds: Mapping[str, RegionCloud], opts: pulumi.ResourceOptions
) -> RegionCluster:
    """Build the region's cluster in its cloud. `clouds` has all regions by name: their pods may call its API."""
    region = settings.region(plan.name)
    peers = [address for peer in callers(plan, settings) for address in clouds[peer].egress_addresses]
    given: Sequence[str] = () if isinstance(region, ExistingRegion) else region.api_access
    return clouds[plan.name].cluster(
        f"{plan.name}-cluster",
        authorized_networks=[*given, *(pulumi.Output.concat(address, "/32") for address in peers)],
        opts=opts,
    )
