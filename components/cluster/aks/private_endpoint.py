"""How a region's network on Azure reaches a managed service, without a public address on either side."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from components.cluster.aks.network import AksNetwork
from components.cluster.arguments import common_labels


@dataclass(frozen=True, kw_only=True)
class AksPrivateEndpointArgs:
    """`service` is the id of the service and `kind` the part of it that is reached (Azure's group id).

    `zone` is the private DNS zone that the service's own name leads to.
    """

    network: AksNetwork
    service: pulumi.Input[str]
    kind: str
    zone: str


class AksPrivateEndpoint(pulumi.ComponentResource):
    """One address of the network, in the range `managed`, that leads to one service by the service's own name.

    Outputs: `ready`, known once the name leads there.
    """

    ready: pulumi.Output[str]

    def __init__(self, name: str, args: AksPrivateEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksPrivateEndpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.network
        endpoint = network.PrivateEndpoint(
            f"{name}-endpoint",
            resource_group_name=place.resource_group_name,
            location=place.args.location,
            subnet=network.SubnetArgs(id=place.managed_subnet_id),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name=args.kind, private_link_service_id=args.service, group_ids=[args.kind]
                )
            ],
            tags=common_labels(place.args),
            opts=child,
        )
        names = network.PrivateDnsZoneGroup(
            f"{name}-names",
            resource_group_name=place.resource_group_name,
            private_endpoint_name=endpoint.name,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=args.kind, private_dns_zone_id=self._zone(name, args))
            ],
            opts=child,
        )
        self.ready = names.id
        self.register_outputs({})

    def _zone(self, name: str, args: AksPrivateEndpointArgs) -> pulumi.Output[str]:
        """The zone's id, once the region's network asks it."""
        child = pulumi.ResourceOptions(parent=self)
        zone = privatedns.PrivateZone(
            f"{name}-zone",
            resource_group_name=args.network.resource_group_name,
            location="global",
            private_zone_name=args.zone,
            tags=common_labels(args.network.args),
            opts=child,
        )
        link = privatedns.VirtualNetworkLink(
            f"{name}-link",
            resource_group_name=args.network.resource_group_name,
            location="global",
            private_zone_name=zone.name,
            virtual_network=privatedns.SubResourceArgs(id=args.network.virtual_network_id),
            registration_enabled=False,
            tags=common_labels(args.network.args),
            opts=child,
        )
        return pulumi.Output.all(zone.id, link.id).apply(lambda known: str(known[0]))
