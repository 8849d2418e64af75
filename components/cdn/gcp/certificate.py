"""The certificate that users see, signed by Google and renewed by it as long as the DNS record stands."""

import pulumi
from pulumi_gcp import certificatemanager

from components.cdn.gcp.zone import GcpZone


class GcpCertificate(pulumi.ComponentResource):
    """A managed certificate for the domain, validated by DNS, in a map of its own.

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
