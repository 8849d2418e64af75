"""A cluster on each cloud with its network, and a ConfigMap in each cluster."""

from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_azure_native as azure
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.addresses import AddressRanges
from components.cluster import Cluster, kubeconfig
from components.cluster.access import secret_kubeconfig
from components.cluster.aks import AksCluster, AksNetwork, AksNetworkArgs
from components.cluster.eks import EksCluster, EksNetwork, EksNetworkArgs
from components.cluster.gke import GkeCluster, GkeNetwork
from components.cluster.location import NetworkArgs
from components.cluster.maintenance import MaintenanceWindow
from components.cluster.settings import AwsRegion, AzureRegion, GcpRegion

ADDRESSES = AddressRanges(
    nodes=IPv4Network("10.7.0.0/17"),
    services=IPv4Network("10.7.128.0/18"),
    managed=IPv4Network("10.7.192.0/19"),
    public=IPv4Network("10.7.224.0/20"),
    control_plane=IPv4Network("10.7.240.0/28"),
    pods=IPv4Network("100.65.192.0/18"),
)
MAINTENANCE = MaintenanceWindow(day="Tuesday")
OFFICE = ["192.31.196.0/24"]
GENERATOR = random.Provider("random")


def settings(region: str, machine: str) -> dict[str, Any]:
    """A region's settings, as in a stack's configuration."""
    return {"name": region, "nodes": {"type": machine, "min": 3, "max": 9}}


def gke(name: str) -> Cluster:
    """On Google Cloud."""
    opts = pulumi.ResourceOptions(providers=[gcp.Provider("gcp", project="council"), GENERATOR])
    region = GcpRegion.model_validate({**settings(name, "e2-standard-4"), "cloud": "gcp", "project": "council"})
    network = GkeNetwork(f"{name}-network", NetworkArgs(region=name, location=name, addresses=ADDRESSES), opts)
    return GkeCluster(
        f"{name}-cluster", region, network, authorized_networks=OFFICE, maintenance=MAINTENANCE, opts=opts
    )


def eks(name: str) -> Cluster:
    """On AWS."""
    opts = pulumi.ResourceOptions(providers=[aws.Provider("aws"), GENERATOR])
    administrators = ["arn:aws:iam::123456789012:role/your-administrators"]
    region = AwsRegion.model_validate({**settings(name, "m7i.large"), "cloud": "aws", "administrators": administrators})
    network = EksNetwork(f"{name}-network", EksNetworkArgs(region=name, location=name, addresses=ADDRESSES), opts)
    return EksCluster(f"{name}-cluster", region, network, authorized_networks=OFFICE, opts=opts)


def aks(name: str) -> Cluster:
    """On Azure, which chooses the Kubernetes version."""
    opts = pulumi.ResourceOptions(providers=[azure.Provider("azure"), GENERATOR])
    groups = ["22222222-2222-2222-2222-222222222222"]
    region = AzureRegion.model_validate(
        {**settings(name, "Standard_D4s_v5"), "cloud": "azure", "adminGroups": groups, "upgradeChannel": "stable"}
    )
    place = AksNetworkArgs(region=name, location=name, addresses=ADDRESSES, zones=region.zones)
    network = AksNetwork(f"{name}-network", place, opts)
    return AksCluster(
        f"{name}-cluster", region, network, authorized_networks=OFFICE, maintenance=MAINTENANCE, opts=opts
    )


LOGINS: dict[str, Callable[[str, str, str], dict[str, Any]]] = {"gcp": kubeconfig.gke, "azure": kubeconfig.aks}
BUILD: dict[str, Callable[[str], Cluster]] = {"gcp": gke, "aws": eks, "azure": aks}
for entry in pulumi.Config().require_object("regions"):
    cluster = BUILD[entry["cloud"]](entry["name"])
    k8s.core.v1.ConfigMap(
        f"{entry['name']}-mark",
        metadata={"name": "mark", "namespace": "default"},
        data={"cloud": entry["cloud"]},
        opts=pulumi.ResourceOptions(provider=cluster.outputs.provider),
    )
    offered = cluster.outputs
    render = partial(kubeconfig.eks, location=entry["name"]) if entry["cloud"] == "aws" else LOGINS[entry["cloud"]]
    known = [offered.found_as["name"], offered.api_endpoint, offered.api_certificate_authority]
    pulumi.export(entry["name"], secret_kubeconfig(render, [one for one in known if one is not None]))
