"""From a region's settings to its cloud: the one place that knows one cloud from another."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import pulumi

from components.cluster.settings import AwsRegion, AzureRegion, ExistingRegion, GcpRegion
from stacks.clouds import RegionCloud, RegionCluster
from stacks.clouds.existing import ExistingCloud
from stacks.settings import Settings
from stacks.topology import RegionPlan


def region_cloud(plan: RegionPlan, settings: Settings, opts: pulumi.ResourceOptions) -> RegionCloud:
    """What the region's cluster will stand on. Build those of all regions first: clusters must know the addresses."""
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

            reserves_addresses = plan.peering_enabled or settings.edge.cdn != "none"
            return AzureCloud(name, plan, region, reserves_addresses=reserves_addresses, opts=opts)
        case _:
            assert_never(region)


def callers(plan: RegionPlan, settings: Settings) -> Sequence[str]:
    """The other regions whose pods call the region's Kubernetes API, by name. Pure.

    With a mesh that is all of them, whose control planes watch it; else only the hub of Argo CD. Rancher is called by
    the clusters and calls none.
    """
    hub = settings.gitops_hub
    return plan.peers if settings.mesh.enabled else [peer for peer in plan.peers if peer == hub]


def cluster(
    plan: RegionPlan, settings: Settings, clouds: Mapping[str, RegionCloud], opts: pulumi.ResourceOptions
) -> RegionCluster:
    """The region's cluster in its cloud. `clouds` are those of all regions, by name: callers may reach its API."""
    region = settings.region(plan.name)
    peers = [address for peer in callers(plan, settings) for address in clouds[peer].egress_addresses]
    given: Sequence[str] = () if isinstance(region, ExistingRegion) else region.api_access
    return clouds[plan.name].cluster(
        f"{plan.name}-cluster",
        authorized_networks=[*given, *(pulumi.Output.concat(address, "/32") for address in peers)],
        opts=opts,
    )
