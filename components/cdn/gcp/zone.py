"""The DNS of an edge on Google Cloud: zone, origins, steering to the nearest healthy region, and the certificate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
from pulumi_gcp import certificatemanager, compute, dns

from components.cdn import names
from components.cdn.edge import EdgeArgs, Origin
from components.metadata import CLOUD_LABELS
from components.ports import HTTPS_PORT

PROBED_FROM: Final = ("us-central1", "europe-west1", "asia-east1")
"""Google's regions that send probes. Google requires exactly three of its regions, independent of the platform's."""

AUTHORITY: Final = "pki.goog"
"""The authority that may sign certificates for the domain."""


class GcpZone(pulumi.ComponentResource):
    """A zone with a record per region, and one record that is steered by place and health.

    In a signed zone, Cloud DNS with health checks takes one address per place. A place may have more: a region's
    gateway on AWS has one per zone, and regions may share a place. So zones created here are not signed.

    Outputs: `zone` (name), `name_servers` (empty for an existing zone), `steered` (the steered host).
    """

    zone: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]
    steered: pulumi.Output[str]

    def __init__(
        self, name: str, args: EdgeArgs, locations: Mapping[str, str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cdn:GcpZone", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.zone, self.name_servers = self._zone(args)
        for origin in args.sorted_origins():
            record = f"{origin.region}-{name}-origin"
            self.record(record, names.origin_host(origin.region, args.domain), "A", list(origin.addresses))
        for server in args.sorted_servers():
            host = names.server_host(server.label, server.region, args.domain)
            self.record(f"{server.region}-{name}-{server.label}", host, "A", list(server.addresses))
        self.steered = self._steered(args, locations)
        self.register_outputs({"zone": self.zone, "name_servers": self.name_servers})

    def record(
        self, resource_name: str, host: pulumi.Input[str], kind: str, data: pulumi.Input[Sequence[pulumi.Input[str]]]
    ) -> None:
        """Add a record set. `host` has no final dot."""
        dns.RecordSet(
            resource_name,
            managed_zone=self.zone,
            name=pulumi.Output.concat(host, "."),
            type=kind,
            ttl=names.ORIGIN_TTL,
            rrdatas=data,
            opts=self._child,
        )

    def _zone(self, args: EdgeArgs) -> tuple[pulumi.Output[str], pulumi.Output[Sequence[str]]]:
        if args.zone is not None:
            return pulumi.Output.from_input(args.zone), pulumi.Output.from_input([])
        zone = dns.ManagedZone(
            f"{self._name}-zone",
            dns_name=f"{args.domain}.",
            description="Sacred Council: what users and regions are found by",
            dnssec_config={"state": "off"},
            labels=CLOUD_LABELS,
            opts=self._child,
        )
        for purpose, host, data in names.authority_records(args.domain, AUTHORITY):
            dns.RecordSet(
                f"{self._name}-{purpose}-authorities",
                managed_zone=zone.name,
                name=f"{host}.",
                type="CAA",
                ttl=3600,
                rrdatas=[f'{one.flags} {one.tag} "{one.value}"' for one in data],
                opts=self._child,
            )
        return zone.name, zone.name_servers

    def _steered(self, args: EdgeArgs, locations: Mapping[str, str]) -> pulumi.Output[str]:
        # One check serves all regions, so it asks for the host that all share. A gateway without a certificate ends
        # the handshake. Google's probes send no server name and check no certificate.
        probe: dict[str, Any] = {
            "port": HTTPS_PORT,
            "host": names.steered_host(args.domain),
            "request_path": names.HEALTH_PATH,
        }
        health = compute.HealthCheck(
            f"{self._name}-origin-health",
            source_regions=list(PROBED_FROM),
            # The minimum for probes from outside.
            check_interval_sec=30,
            timeout_sec=5,
            https_health_check=probe,
            opts=self._child,
        )
        record = dns.RecordSet(
            f"{self._name}-origins",
            managed_zone=self.zone,
            name=f"{names.steered_host(args.domain)}.",
            type="A",
            ttl=names.ORIGIN_TTL,
            routing_policy={
                "geos": steering(args.origins, locations),
                "health_check": health.id,
                # When all regions of a place are down, the next nearest regions answer.
                "enable_geo_fencing": False,
            },
            opts=self._child,
        )
        host: pulumi.Output[str] = record.name.apply(lambda name: name.rstrip("."))
        return host


def steering(origins: Sequence[Origin], locations: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the items of a geo routing policy: the addresses of the open origins at each of Google's locations.

    Cloud DNS knows only its own regions, so `locations` names the nearest one for each origin.
    A signed zone would refuse items with several addresses.
    """
    at: dict[str, list[pulumi.Input[str]]] = {}
    for origin in sorted((one for one in origins if one.open), key=lambda one: one.region):
        at.setdefault(locations[origin.region], []).extend(origin.addresses)
    return [
        {"location": location, "health_checked_targets": {"external_endpoints": addresses}}
        for location, addresses in sorted(at.items())
    ]


class GcpCertificate(pulumi.ComponentResource):
    """The certificate of the users' domain, in its own certificate map.

    DNS validates it, and Google renews it while the record exists.

    Outputs: `certificate_map` (the name for target proxies).
    """

    certificate_map: pulumi.Output[str]

    def __init__(self, name: str, domain: str, zone: GcpZone, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:GcpCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        authorization = certificatemanager.DnsAuthorization(f"{name}-authorization", domain=domain, opts=child)
        proof = authorization.dns_resource_records[0]
        zone.record(f"{name}-proof", proof["name"].apply(lambda host: host.rstrip(".")), proof["type"], [proof["data"]])
        certificate = certificatemanager.Certificate(
            f"{name}-certificate",
            managed={"domains": [domain], "dns_authorizations": [authorization.id]},
            opts=child,
        )
        chosen = certificatemanager.CertificateMap(f"{name}-map", opts=child)
        entry = certificatemanager.CertificateMapEntry(
            f"{name}-entry", map=chosen.name, hostname=domain, certificates=[certificate.id], opts=child
        )
        # Wait for the entry: with an empty map users would get no certificate.
        self.certificate_map = pulumi.Output.all(chosen.id, entry.id).apply(
            lambda ids: f"//certificatemanager.googleapis.com/{ids[0]}"
        )
        self.register_outputs({"certificate_map": self.certificate_map})
