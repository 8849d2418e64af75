"""The DNS of an edge on Azure: the zone and the origins. Front Door itself steers between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import dns

from components.cdn import names
from components.cdn.edge import EdgeArgs, Origin
from components.metadata import CLOUD_LABELS

AUTHORITY = "digicert.com"
"""The authority that may sign certificates for the domain."""


class AzureZone(pulumi.ComponentResource):
    """A zone with a record per region.

    Outputs: `zone_id` (None for an existing zone), `name_servers` (empty for an existing zone), `hosts` (the origins'
    hosts by region, known once their records exist).
    """

    zone_id: pulumi.Output[str] | None
    name_servers: pulumi.Output[Sequence[str]]
    hosts: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: EdgeArgs, group: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cdn:AzureZone", name, None, opts)
        self._name = name
        self._made: pulumi.Resource | None = None
        self._child = pulumi.ResourceOptions(parent=self)
        known = None if args.zone is None else existing_zone(args.zone)
        self._zone_name = args.domain if known is None else known.name
        self._group = group if known is None else pulumi.Output.from_input(known.group)
        self.zone_id, self.name_servers = None, pulumi.Output.from_input([])
        if known is None:
            self._create(args.domain)
        self.hosts = {origin.region: self._origin(origin, args.domain) for origin in args.sorted_origins()}
        for server in args.sorted_servers():
            host = names.server_host(server.label, server.region, args.domain)
            addresses = [{"ipv4_address": address} for address in server.addresses]
            self.record(f"{server.region}-{name}-{server.label}", host, "A", a_records=addresses)
        self.register_outputs({"name_servers": self.name_servers})

    def record(self, resource_name: str, host: str, kind: str, **data: Any) -> dns.RecordSet:
        """Add a record set. `data` holds the records under Azure's argument for their kind."""
        return dns.RecordSet(
            resource_name,
            resource_group_name=self._group,
            zone_name=self._zone_name,
            relative_record_set_name=relative_name(host, self._zone_name),
            record_type=kind,
            **{"ttl": names.ORIGIN_TTL, **data},
            # An alias and an address record of the same name cannot coexist.
            opts=pulumi.ResourceOptions.merge(self._in_zone, pulumi.ResourceOptions(delete_before_replace=True)),
        )

    @property
    def _in_zone(self) -> pulumi.ResourceOptions:
        after = [] if self._made is None else [self._made]
        return pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=after))

    def _create(self, domain: str) -> None:
        zone = dns.Zone(
            f"{self._name}-zone",
            resource_group_name=self._group,
            zone_name=domain,
            # Azure has no other location for zones.
            location="global",
            zone_type="Public",
            tags=CLOUD_LABELS,
            opts=self._child,
        )
        self._made = zone
        self.zone_id, self.name_servers = zone.id, zone.name_servers
        for purpose, host, data in names.authority_records(domain, AUTHORITY):
            records = [{"flags": one.flags, "tag": one.tag, "value": one.value} for one in data]
            self.record(f"{self._name}-{purpose}-authorities", host, "CAA", caa_records=records, ttl=3600)

    def _origin(self, origin: Origin, domain: str) -> pulumi.Output[str]:
        host = names.origin_host(origin.region, domain)
        name = f"{origin.region}-{self._name}-origin"
        if origin.host_name is None:
            addresses = [{"ipv4_address": address} for address in origin.addresses]
            record = self.record(name, host, "A", a_records=addresses)
        else:
            record = self.record(name, host, "CNAME", cname_record={"cname": origin.host_name})
        known: pulumi.Output[str] = record.id.apply(lambda _: host)
        return known


@dataclass(frozen=True, kw_only=True)
class Zone:
    """An existing DNS zone."""

    group: str
    """Its resource group."""
    name: str


def existing_zone(zone: str) -> Zone:
    """Parse `group/name`. Raise ValueError for anything else."""
    group, slash, name = zone.partition("/")
    if not (group and slash and name) or "/" in name:
        raise ValueError(f"zone: expected a resource group and a zone, such as my-group/example.org, got {zone!r}")
    return Zone(group=group, name=name)


def relative_name(host: str, zone: str) -> str:
    """Return `host` relative to `zone`. Raise ValueError if the host is outside the zone."""
    if host == zone:
        return "@"
    if not host.endswith(f".{zone}"):
        raise ValueError(f"zone: {host} is not part of {zone}")
    return host.removesuffix(f".{zone}")
