"""The DNS of an edge on Google Cloud: zone, origins, the way to the nearest one that is well, and the certificate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
from pulumi_gcp import certificatemanager, compute, dns

from components.cdn import names
from components.cdn.edge import EdgeArgs, Origin

PROBED_FROM: Final = ("us-central1", "europe-west1", "asia-east1")
"""Where Google's probes are sent from: always three of its regions, whatever the platform's are."""

AUTHORITY: Final = "pki.goog"
"""Who may sign certificates for the domain."""


class GcpZone(pulumi.ComponentResource):
    """A zone with a record per region, and one that is steered by place and health.

    In a signed zone Cloud DNS takes one address per place with health checks, and a place may have more: a region's
    gateway on AWS has one per zone, and regions may share a place. A zone that is made here is not signed.

    Outputs: `zone` (name), `name_servers` (empty for a zone that was there), `steered` (the host that is steered).
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
        self.steered = self._steered(args, locations)
        self.register_outputs({"zone": self.zone, "name_servers": self.name_servers})

    def record(
        self, resource_name: str, host: pulumi.Input[str], kind: str, data: pulumi.Input[Sequence[pulumi.Input[str]]]
    ) -> None:
        """Add a record set. `host` without a dot at its end."""
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
            labels=names.LABELS,
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
        # One check for all regions, so it asks for the host that all have. A gateway without a certificate ends the
        # handshake. Google's probes name no host in it, and look at no certificate.
        probe: dict[str, Any] = {
            "port": names.HTTPS_PORT,
            "host": names.steered_host(args.domain),
            "request_path": names.HEALTH_PATH,
        }
        health = compute.HealthCheck(
            f"{self._name}-origin-health",
            source_regions=list(PROBED_FROM),
            # The least that is possible for probes from outside.
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
                # When all of a place are down, the next nearest answer.
                "enable_geo_fencing": False,
            },
            opts=self._child,
        )
        host: pulumi.Output[str] = record.name.apply(lambda name: name.rstrip("."))
        return host


def steering(origins: Sequence[Origin], locations: Mapping[str, str]) -> list[dict[str, Any]]:
    """Items of a geo routing policy: the addresses of the open origins at each of Google's locations.

    Cloud DNS knows its own regions only: `locations` says which of them is nearest to each origin. In a signed zone it
    would refuse items with several addresses.
    """
    at: dict[str, list[pulumi.Input[str]]] = {}
    for origin in sorted((one for one in origins if one.open), key=lambda one: one.region):
        at.setdefault(locations[origin.region], []).extend(origin.addresses)
    return [
        {"location": location, "health_checked_targets": {"external_endpoints": addresses}}
        for location, addresses in sorted(at.items())
    ]


class GcpCertificate(pulumi.ComponentResource):
    """The certificate that users see, in a map of its own.

    It is validated by DNS, and renewed by Google as long as the record stands.

    Outputs: `certificate_map` (as target proxies name it).
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
        # A map without its entry would have users see no certificate at all.
        self.certificate_map = pulumi.Output.all(chosen.id, entry.id).apply(
            lambda ids: f"//certificatemanager.googleapis.com/{ids[0]}"
        )
        self.register_outputs({"certificate_map": self.certificate_map})
