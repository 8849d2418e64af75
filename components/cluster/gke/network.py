"""The network of a region on Google Cloud: a VPC without public addresses except reserved ones."""

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_gcp import compute

from components.cluster import PublicAddress
from components.cluster.location import FLOW_LOG_MINUTES, NetworkArgs, common_labels

PODS_RANGE: Final = "pods"
SERVICES_RANGE: Final = "services"


class GkeNetwork(pulumi.ComponentResource):
    """A VPC with a subnet for nodes, pods and services, one for the control plane, and a NAT with a fixed address.

    Outputs: `args`, `network_id`, `subnetwork_id`, `control_plane_subnetwork_id`, `egress_addresses`.
    """

    args: NetworkArgs
    network_id: pulumi.Output[str]
    subnetwork_id: pulumi.Output[str]
    control_plane_subnetwork_id: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.args = args
        network = compute.Network(f"{name}-vpc", auto_create_subnetworks=False, routing_mode="REGIONAL", opts=child)
        self.network_id = network.id
        self.subnetwork_id = self._nodes(name, args, network).id
        self.control_plane_subnetwork_id = compute.Subnetwork(
            f"{name}-control-plane",
            network=network.id,
            region=args.location,
            ip_cidr_range=str(args.addresses.control_plane),
            private_ip_google_access=True,
            opts=child,
        ).id
        self.egress_addresses = [self._nat(name, args, network)]
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def _nodes(self, name: str, args: NetworkArgs, network: compute.Network) -> compute.Subnetwork:
        return compute.Subnetwork(
            f"{name}-nodes",
            network=network.id,
            region=args.location,
            ip_cidr_range=str(args.addresses.nodes),
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS_RANGE, ip_cidr_range=str(args.addresses.pods)),
                compute.SubnetworkSecondaryIpRangeArgs(
                    range_name=SERVICES_RANGE, ip_cidr_range=str(args.addresses.services)
                ),
            ],
            # Google's APIs are reached without the NAT.
            private_ip_google_access=True,
            log_config=_flow_logs() if args.flow_logs else None,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _nat(self, name: str, args: NetworkArgs, network: compute.Network) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        # Cloud NAT spans the zones. One address serves about a thousand machines.
        egress = compute.Address(f"{name}-egress", region=args.location, labels=common_labels(args), opts=child)
        router = compute.Router(f"{name}-router", network=network.id, region=args.location, opts=child)
        compute.RouterNat(
            f"{name}-nat",
            router=router.name,
            region=args.location,
            nat_ip_allocate_option="MANUAL_ONLY",
            nat_ips=[egress.self_link],
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=64,
            max_ports_per_vm=4096,
            log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=child,
        )
        address: pulumi.Output[str] = egress.address
        return address


class GkeAddress(pulumi.ComponentResource):
    """A regional address. GKE's load balancers can use it from any zone.

    Outputs: `public` (a `PublicAddress`).
    """

    public: PublicAddress

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeAddress", name, None, opts)
        address = compute.Address(
            f"{name}-address",
            region=args.location,
            labels=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.public = PublicAddress(
            addresses=[address.address], annotations={}, load_balancer_ip=address.address, shared=True
        )
        self.register_outputs({"addresses": self.public.addresses})


def _flow_logs() -> compute.SubnetworkLogConfigArgs:
    """Flow log settings. The project's log bucket sets the retention: 30 days by default."""
    return compute.SubnetworkLogConfigArgs(
        aggregation_interval=f"INTERVAL_{FLOW_LOG_MINUTES}_MIN", flow_sampling=0.5, metadata="EXCLUDE_ALL_METADATA"
    )
