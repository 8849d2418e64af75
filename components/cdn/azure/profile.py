"""Front Door's profile, with the regions behind it and its logs, and the users' domain."""

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import cdn, monitor, operationalinsights

from components.cdn import names
from components.cdn.azure.zone import AzureZone
from components.cdn.edge import EdgeArgs, Origin
from components.metadata import CLOUD_LABELS
from components.ports import HTTPS_PORT

LOGGED = ("FrontDoorAccessLog", "FrontDoorWebApplicationFirewallLog", "FrontDoorHealthProbeLog")
PROBE_SECONDS = 30
LATENCY_MILLISECONDS = 50
"""Regions within this latency of the fastest one share its requests."""


class AzureProfile(pulumi.ComponentResource):
    """A profile with one origin per region, probed and ranked by latency. Managed rules need the tier Premium.

    Outputs: `group` (resource group), `profile_name`, `origin_group_id`, `origins` (routes wait for these).
    """

    group: pulumi.Output[str]
    profile_name: pulumi.Output[str]
    origin_group_id: pulumi.Output[str]
    origins: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        group: pulumi.Output[str],
        hosts: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cdn:AzureProfile", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.group = group
        profile = cdn.Profile(
            f"{name}-profile",
            resource_group_name=group,
            location="global",
            sku={"name": "Premium_AzureFrontDoor"},
            origin_response_timeout_seconds=60,
            tags=CLOUD_LABELS,
            opts=self._child,
        )
        self.profile_name = profile.name
        self._logs(profile.id)
        origin_group = self._origin_group()
        self.origin_group_id = origin_group.id
        self.origins = [
            self._origin(f"{origin.region}-{name}-origin", hosts[origin.region], origin, args.domain, origin_group)
            for origin in args.sorted_origins()
        ]
        self.register_outputs({"profile_name": self.profile_name})

    def _origin_group(self) -> cdn.AFDOriginGroup:
        return cdn.AFDOriginGroup(
            f"{self._name}-origins",
            resource_group_name=self.group,
            profile_name=self.profile_name,
            health_probe_settings={
                "probe_path": names.HEALTH_PATH,
                # A region without a certificate for its host is unhealthy.
                "probe_protocol": "Https",
                # Hundreds of Front Door's locations probe, so each probe must be cheap.
                "probe_request_type": "HEAD",
                "probe_interval_in_seconds": PROBE_SECONDS,
            },
            load_balancing_settings={
                "sample_size": 4,
                "successful_samples_required": 3,
                "additional_latency_in_milliseconds": LATENCY_MILLISECONDS,
            },
            session_affinity_state="Disabled",
            opts=self._child,
        )

    def _origin(
        self, name: str, host: pulumi.Output[str], origin: Origin, domain: str, origin_group: cdn.AFDOriginGroup
    ) -> cdn.AFDOrigin:
        return cdn.AFDOrigin(
            name,
            resource_group_name=self.group,
            profile_name=self.profile_name,
            origin_group_name=origin_group.name,
            host_name=host,
            # The regions route by the users' host. Front Door checks the certificate against `host_name`.
            origin_host_header=domain,
            enforce_certificate_name_check=True,
            # Front Door requires both ports. HTTP is never used.
            http_port=80,
            https_port=HTTPS_PORT,
            # Equal priorities, so that Front Door asks the fastest healthy region.
            priority=1,
            weight=1000,
            enabled_state="Enabled" if origin.open else "Disabled",
            opts=self._child,
        )

    def _logs(self, profile_id: pulumi.Output[str]) -> None:
        workspace = operationalinsights.Workspace(
            f"{self._name}-logs",
            resource_group_name=self.group,
            sku={"name": "PerGB2018"},
            retention_in_days=names.LOG_DAYS,
            tags=CLOUD_LABELS,
            opts=self._child,
        )
        monitor.DiagnosticSetting(
            f"{self._name}-logging",
            resource_uri=profile_id,
            workspace_id=workspace.id,
            logs=[{"category": category, "enabled": True} for category in LOGGED],
            opts=self._child,
        )


class AzureDomain(pulumi.ComponentResource):
    """The domain on an endpoint of Front Door, behind the firewall, with a managed certificate that DNS validates.

    `firewall` is the ID of the firewall policy.

    Outputs: `domain_id`, `endpoint_name`, `hostname` (the endpoint's).
    """

    domain_id: pulumi.Output[str]
    endpoint_name: pulumi.Output[str]
    hostname: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        host: str,
        *,
        zone: AzureZone,
        profile: AzureProfile,
        firewall: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cdn:AzureDomain", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._place = {"resource_group_name": profile.group, "profile_name": profile.profile_name}
        endpoint = cdn.AFDEndpoint(
            f"{name}-endpoint",
            **self._place,
            location="global",
            enabled_state="Enabled",
            opts=self._child,
        )
        domain = self._domain(name, host, zone)
        token = domain.validation_properties.validation_token
        proof = [{"value": [token]}]
        zone.record(f"{name}-proof", f"_dnsauth.{host}", "TXT", txt_records=proof)
        target = {"id": endpoint.id}
        zone.record(f"{name}-alias", host, "A", target_resource=target)
        zone.record(f"{name}-alias-ipv6", host, "AAAA", target_resource=target)
        self._firewall_policy(name, firewall, domain.id)
        self.domain_id = domain.id
        self.endpoint_name = endpoint.name
        self.hostname = endpoint.host_name
        self.register_outputs({"hostname": self.hostname})

    def _domain(self, name: str, host: str, zone: AzureZone) -> cdn.AFDCustomDomain:
        return cdn.AFDCustomDomain(
            f"{name}-domain",
            **self._place,
            host_name=host,
            azure_dns_zone=None if zone.zone_id is None else {"id": zone.zone_id},
            tls_settings={
                "certificate_type": "ManagedCertificate",
                "minimum_tls_version": "TLS12",
                "cipher_suite_set_type": "TLS12_2023",
            },
            opts=self._child,
        )

    def _firewall_policy(self, name: str, firewall: pulumi.Input[str], domain_id: pulumi.Output[str]) -> None:
        cdn.SecurityPolicy(
            f"{name}-firewall",
            **self._place,
            parameters={
                "type": "WebApplicationFirewall",
                "waf_policy": {"id": firewall},
                "associations": [{"domains": [{"id": domain_id}], "patterns_to_match": ["/*"]}],
            },
            opts=self._child,
        )
