"""A cluster on each cloud with its network, and a ConfigMap in each cluster."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_azure_native as azure
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.cluster import AddressRanges, Cluster, NetworkArgs, NodePool
from components.cluster.aks import AksCluster, AksClusterArgs, AksNetwork, AksNetworkArgs
from components.cluster.arguments import MaintenanceWindow
from components.cluster.eks import EksCluster, EksClusterArgs, EksNetwork, EksNetworkArgs
from components.cluster.gke import GkeCluster, GkeClusterArgs, GkeNetwork

ADDRESSES = AddressRanges(
    nodes="10.7.0.0/17",
    services="10.7.128.0/18",
    managed="10.7.192.0/19",
    public="10.7.224.0/20",
    control_plane="10.7.240.0/28",
    pods="100.65.192.0/18",
)
MAINTENANCE = MaintenanceWindow(day="Tuesday")
COMMON: dict[str, Any] = {
    "nodes": NodePool(machine_type="small.machine", min=3, max=9),
    "authorized_networks": ["192.31.196.0/24"],
    "deletion_protection": False,
}
GENERATOR = random.Provider("random")


def place(region: str) -> dict[str, Any]:
    """Where a region is."""
    return {"region": region, "location": region, "addresses": ADDRESSES}


def gke(region: str) -> Cluster:
    """On Google Cloud."""
    opts = pulumi.ResourceOptions(providers=[gcp.Provider("gcp", project="council"), GENERATOR])
    network = GkeNetwork(f"{region}-network", NetworkArgs(**place(region)), opts)
    return GkeCluster(
        f"{region}-cluster", GkeClusterArgs(network=network, project="council", maintenance=MAINTENANCE, **COMMON), opts
    )


def eks(region: str) -> Cluster:
    """On AWS."""
    opts = pulumi.ResourceOptions(providers=[aws.Provider("aws"), GENERATOR])
    network = EksNetwork(f"{region}-network", EksNetworkArgs(**place(region)), opts)
    administrators = ["arn:aws:iam::123456789012:role/your-administrators"]
    args = EksClusterArgs(network=network, administrators=administrators, **COMMON)
    return EksCluster(f"{region}-cluster", args, opts)


def aks(region: str) -> Cluster:
    """On Azure, which chooses the version of Kubernetes."""
    opts = pulumi.ResourceOptions(providers=[azure.Provider("azure"), GENERATOR])
    network = AksNetwork(f"{region}-network", AksNetworkArgs(**place(region)), opts)
    groups = ["22222222-2222-2222-2222-222222222222"]
    args = AksClusterArgs(
        network=network, admin_groups=groups, upgrade_channel="stable", maintenance=MAINTENANCE, **COMMON
    )
    return AksCluster(f"{region}-cluster", args, opts)


BUILD: dict[str, Callable[[str], Cluster]] = {"gcp": gke, "aws": eks, "azure": aks}
for entry in pulumi.Config().require_object("regions"):
    cluster = BUILD[entry["cloud"]](entry["name"])
    k8s.core.v1.ConfigMap(
        f"{entry['name']}-mark",
        metadata={"name": "mark", "namespace": "default"},
        data={"cloud": entry["cloud"]},
        opts=pulumi.ResourceOptions(provider=cluster.provider),
    )
    pulumi.export(entry["name"], cluster.kubeconfig)
