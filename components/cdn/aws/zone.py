"""The DNS of an edge on AWS: zone, origins, steering to the nearest healthy region, and the certificate."""

from collections.abc import Sequence

import pulumi
from pulumi_aws import acm, route53

from components.cdn import names
from components.cdn.edge import EdgeArgs, Origin
from components.metadata import CLOUD_LABELS
from components.ports import HTTPS_PORT

AUTHORITY = "amazon.com"
"""The authority that may sign certificates for the domain."""


class AwsZone(pulumi.ComponentResource):
    """A zone with a record, a health check and a steered record per region. DNS answers with the nearest healthy one.

    Route 53 compares coordinates, so regions of all clouds are treated alike.

    Outputs: `zone` (ID), `name_servers` (empty for an existing zone), `steered` (the steered host).
    """

    zone: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]
    steered: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsZone", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.zone, self.name_servers = self._zone(args)
        for origin in args.sorted_origins():
            self._origin(origin, args.domain)
        for server in args.sorted_servers():
            host = names.server_host(server.label, server.region, args.domain)
            self.record(f"{server.region}-{name}-{server.label}", host, "A", list(server.addresses))
        steered = [self._steering(origin, args.domain) for origin in args.sorted_origins() if origin.open]
        # All records have the same name. Users of the name wait for all of them.
        self.steered = pulumi.Output.all(*steered).apply(lambda hosts: str(hosts[0]))
        self.register_outputs({"zone": self.zone, "name_servers": self.name_servers})

    def record(
        self,
        resource_name: str,
        host: pulumi.Input[str],
        kind: pulumi.Input[str],
        data: pulumi.Input[Sequence[pulumi.Input[str]]],
    ) -> route53.Record:
        """Add a record set."""
        return route53.Record(
            resource_name,
            zone_id=self.zone,
            name=host,
            type=kind,
            ttl=names.ORIGIN_TTL,
            records=data,
            # An alias and an address record of the same name cannot coexist.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _zone(self, args: EdgeArgs) -> tuple[pulumi.Output[str], pulumi.Output[Sequence[str]]]:
        if args.zone is not None:
            return pulumi.Output.from_input(args.zone), pulumi.Output.from_input([])
        zone = route53.Zone(
            f"{self._name}-zone",
            name=args.domain,
            comment="Sacred Council: what users and regions are found by",
            tags=CLOUD_LABELS,
            opts=self._child,
        )
        for purpose, host, data in names.authority_records(args.domain, AUTHORITY, steered_by_alias=True):
            route53.Record(
                f"{self._name}-{purpose}-authorities",
                zone_id=zone.zone_id,
                name=host,
                type="CAA",
                ttl=3600,
                records=[f'{one.flags} {one.tag} "{one.value}"' for one in data],
                opts=self._child,
            )
        return zone.zone_id, zone.name_servers

    def _origin(self, origin: Origin, domain: str) -> None:
        name, host = f"{origin.region}-{self._name}", names.origin_host(origin.region, domain)
        if origin.host_name is None:
            self.record(f"{name}-origin", host, "A", list(origin.addresses))
        else:
            self.record(f"{name}-origin", host, "CNAME", [origin.host_name])

    def _steering(self, origin: Origin, domain: str) -> pulumi.Output[str]:
        name, host = f"{origin.region}-{self._name}", names.origin_host(origin.region, domain)
        health = route53.HealthCheck(
            f"{name}-health",
            # A gateway without a certificate ends the handshake. CloudFront checks the certificate's name.
            type="HTTPS",
            enable_sni=True,
            fqdn=host,
            port=HTTPS_PORT,
            resource_path=names.HEALTH_PATH,
            request_interval=30,
            failure_threshold=3,
            tags={**CLOUD_LABELS, "Name": host},
            opts=self._child,
        )
        steered = route53.Record(
            f"{name}-steering",
            zone_id=self.zone,
            name=names.steered_host(domain),
            type="CNAME",
            ttl=names.ORIGIN_TTL,
            records=[host],
            set_identifier=origin.region,
            geoproximity_routing_policy={
                "coordinates": [{"latitude": f"{origin.latitude:.2f}", "longitude": f"{origin.longitude:.2f}"}]
            },
            health_check_id=health.id,
            opts=self._child,
        )
        shared: pulumi.Output[str] = steered.name
        return shared


class AwsCertificate(pulumi.ComponentResource):
    """The certificate of the users' domain. DNS validates it, and AWS renews it while the record exists.

    CloudFront requires it in us-east-1.

    Outputs: `arn` (known once the certificate is valid).
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, domain: str, zone: AwsZone, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = acm.Certificate(
            f"{name}-certificate",
            domain_name=domain,
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            tags=CLOUD_LABELS,
            opts=child,
        )
        proof = certificate.domain_validation_options[0]
        record = zone.record(
            f"{name}-proof",
            proof["resource_record_name"],
            proof["resource_record_type"],
            [proof["resource_record_value"]],
        )
        valid = acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=child,
        )
        self.arn = valid.certificate_arn
        self.register_outputs({"arn": self.arn})
