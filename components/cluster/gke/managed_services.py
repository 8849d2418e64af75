"""Private access from a region's network on Google Cloud to managed services, without public addresses."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, dns, servicenetworking

from components.addresses import halves
from components.cluster.gke.network import GkeNetwork
from components.cluster.location import common_labels

SERVICE_NETWORKING = "servicenetworking.googleapis.com"


class GkePrivateServices(pulumi.ComponentResource):
    """Private services access: addresses of the network for Google's services, and a peering with their network.

    It uses the second half of the range `managed`.

    Outputs: `range_name` (known once services can use it).
    """

    range_name: pulumi.Output[str]

    def __init__(self, name: str, network: GkeNetwork, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkePrivateServices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        given = halves(network.args.addresses.managed)[1]
        reserved = compute.GlobalAddress(
            f"{name}-range",
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(given.network_address),
            prefix_length=given.prefixlen,
            network=network.network_id,
            labels=common_labels(network.args),
            opts=child,
        )
        peering = servicenetworking.Connection(
            f"{name}-peering",
            network=network.network_id,
            service=SERVICE_NETWORKING,
            reserved_peering_ranges=[reserved.name],
            # Google may keep the connection for a while after its last service is gone. The peering goes anyway:
            # otherwise neither another cache nor a destroy would succeed.
            deletion_policy="REMOVE_PEERING",
            # A service that returns finds the old connection, which has its addresses under another name.
            update_on_creation_fail=True,
            opts=child,
        )
        self.range_name = pulumi.Output.all(reserved.name, peering.id).apply(lambda known: str(known[0]))
        self.register_outputs({"range_name": self.range_name})


@dataclass(frozen=True, kw_only=True)
class GkeServiceEndpointArgs:
    """A managed service, and the network that reaches it."""

    network: GkeNetwork
    service: pulumi.Input[str]
    """Link of the service's attachment."""
    dns_name: pulumi.Output[str]
    """Name in the service's certificate, with the final dot."""


class GkeServiceEndpoint(pulumi.ComponentResource):
    """Private Service Connect: one address of the network that leads to one service, by the service's own name.

    It uses the first half of the range `managed`.

    Outputs: `host` (known once it leads to the service).
    """

    host: pulumi.Output[str]

    def __init__(self, name: str, args: GkeServiceEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeServiceEndpoint", name, None, opts)
        address = self._address(name, args.network)
        record = self._record(name, args, address)
        endpoint = compute.ForwardingRule(
            f"{name}-endpoint",
            region=args.network.args.location,
            network=args.network.network_id,
            ip_address=address.self_link,
            target=args.service,
            # Empty and not omitted: Google accepts no scheme for an endpoint.
            load_balancing_scheme="",
            labels=common_labels(args.network.args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.host = pulumi.Output.all(args.dns_name, record.id, endpoint.id).apply(
            lambda known: str(known[0]).rstrip(".")
        )
        self.register_outputs({"host": self.host})

    def _address(self, name: str, network: GkeNetwork) -> compute.Address:
        child = pulumi.ResourceOptions(parent=self)
        subnet = compute.Subnetwork(
            f"{name}-subnet",
            network=network.network_id,
            region=network.args.location,
            ip_cidr_range=str(halves(network.args.addresses.managed)[0]),
            private_ip_google_access=True,
            opts=child,
        )
        return compute.Address(
            f"{name}-address",
            region=network.args.location,
            address_type="INTERNAL",
            subnetwork=subnet.id,
            labels=common_labels(network.args),
            opts=child,
        )

    def _record(self, name: str, args: GkeServiceEndpointArgs, address: compute.Address) -> dns.RecordSet:
        child = pulumi.ResourceOptions(parent=self)
        zone = dns.ManagedZone(
            f"{name}-zone",
            dns_name=args.dns_name,
            description=f"The name of a managed service of {args.network.args.region}",
            visibility="private",
            private_visibility_config=dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=args.network.network_id)]
            ),
            labels=common_labels(args.network.args),
            opts=child,
        )
        return dns.RecordSet(
            f"{name}-record",
            managed_zone=zone.name,
            name=args.dns_name,
            type="A",
            ttl=300,
            rrdatas=[address.address],
            opts=child,
        )
