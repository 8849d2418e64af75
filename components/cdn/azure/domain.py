"""The domain that users see: its certificate, and where it points to."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import cdn

from components.cdn.azure.profile import AzureProfile
from components.cdn.azure.zone import AzureZone


@dataclass(frozen=True, kw_only=True)
class AzureDomainArgs:
    """`domain`, the DNS it is in, Front Door's profile, and the firewall's policy (id) in front of the domain."""

    domain: str
    zone: AzureZone
    profile: AzureProfile
    firewall: pulumi.Input[str]


class AzureDomain(pulumi.ComponentResource):
    """The domain on an endpoint of Front Door, with a managed certificate that DNS validates, behind the firewall.

    Outputs: `domain_id`, `endpoint_name`, `hostname` (the endpoint's).
    """

    domain_id: pulumi.Output[str]
    endpoint_name: pulumi.Output[str]
    hostname: pulumi.Output[str]

    def __init__(self, name: str, args: AzureDomainArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AzureDomain", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        endpoint = cdn.AFDEndpoint(
            f"{name}-endpoint",
            resource_group_name=args.profile.group,
            profile_name=args.profile.profile_name,
            location="global",
            enabled_state="Enabled",
            opts=self._child,
        )
        domain = self._domain(name, args)
        token = domain.validation_properties.validation_token
        proof = [{"value": [token]}]
        args.zone.record(f"{name}-proof", f"_dnsauth.{args.domain}", "TXT", txt_records=proof)
        target = {"id": endpoint.id}
        args.zone.record(f"{name}-alias", args.domain, "A", target_resource=target)
        args.zone.record(f"{name}-alias-ipv6", args.domain, "AAAA", target_resource=target)
        self._firewall_policy(name, args, domain.id)
        self.domain_id = domain.id
        self.endpoint_name = endpoint.name
        self.hostname = endpoint.host_name
        self.register_outputs({"hostname": self.hostname})

    def _domain(self, name: str, args: AzureDomainArgs) -> cdn.AFDCustomDomain:
        zone = None if args.zone.zone_id is None else {"id": args.zone.zone_id}
        return cdn.AFDCustomDomain(
            f"{name}-domain",
            resource_group_name=args.profile.group,
            profile_name=args.profile.profile_name,
            host_name=args.domain,
            azure_dns_zone=zone,
            tls_settings={
                "certificate_type": "ManagedCertificate",
                "minimum_tls_version": "TLS12",
                "cipher_suite_set_type": "TLS12_2023",
            },
            opts=self._child,
        )

    def _firewall_policy(self, name: str, args: AzureDomainArgs, domain_id: pulumi.Output[str]) -> None:
        cdn.SecurityPolicy(
            f"{name}-firewall",
            resource_group_name=args.profile.group,
            profile_name=args.profile.profile_name,
            parameters={
                "type": "WebApplicationFirewall",
                "waf_policy": {"id": args.firewall},
                "associations": [{"domains": [{"id": domain_id}], "patterns_to_match": ["/*"]}],
            },
            opts=self._child,
        )
