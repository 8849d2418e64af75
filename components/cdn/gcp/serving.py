"""What is behind Google's load balancer: the regions, as one host that leads to the nearest, and the firewall."""

from typing import Any, Final

import pulumi
from pulumi_gcp import compute

from components.cdn import names
from components.cdn.arguments import EdgeArgs
from components.cdn.gcp import plan

CONNECTION_SECONDS: Final = 3600
"""How long an answer may take, and so how long a WebSocket may stay."""

_SCHEME: Final = "EXTERNAL_MANAGED"
_CACHING: Final[dict[str, Any]] = {
    "cache_mode": "CACHE_ALL_STATIC",
    "default_ttl": 3600,
    "client_ttl": 3600,
    "max_ttl": 24 * 3600,
    "negative_caching": True,
    "serve_while_stale": 24 * 3600,
    "cache_key_policy": {"include_host": True, "include_protocol": True, "include_query_string": True},
}


class GcpServing(pulumi.ComponentResource):
    """Backend services on the steered host, one that keeps answers and one that never does.

    Outputs: `cached`, `direct` (ids of backend services).
    """

    cached: pulumi.Output[str]
    direct: pulumi.Output[str]

    def __init__(
        self, name: str, args: EdgeArgs, steered: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cdn:GcpServing", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        group = self._group(name, steered)
        firewall = self._firewall(name, args)
        common = self._common(args, group, firewall)
        self.direct = compute.BackendService(f"{name}-direct", **common, opts=self._child).id
        self.cached = compute.BackendService(
            f"{name}-cached", **common, enable_cdn=True, cdn_policy=_CACHING, opts=self._child
        ).id
        self.register_outputs({"cached": self.cached, "direct": self.direct})

    def _group(self, name: str, steered: pulumi.Input[str]) -> pulumi.Output[str]:
        group = compute.GlobalNetworkEndpointGroup(
            f"{name}-group", network_endpoint_type="INTERNET_FQDN_PORT", default_port=443, opts=self._child
        )
        endpoint = compute.GlobalNetworkEndpoint(
            f"{name}-endpoint", global_network_endpoint_group=group.name, fqdn=steered, port=443, opts=self._child
        )
        # Known once the group has its endpoint: a backend service without one would serve errors.
        return pulumi.Output.all(group.id, endpoint.id).apply(lambda ids: str(ids[0]))

    def _firewall(self, name: str, args: EdgeArgs) -> pulumi.Output[str]:
        rules = compute.SecurityPolicy(
            f"{name}-firewall",
            description="Sacred Council: managed rules and rate limit",
            type="CLOUD_ARMOR",
            rules=plan.firewall_rules(args.policy),
            adaptive_protection_config={"layer7_ddos_defense_config": {"enable": True}},
            advanced_options_config={"json_parsing": "STANDARD", "log_level": "NORMAL"},
            opts=self._child,
        )
        firewall: pulumi.Output[str] = rules.id
        return firewall

    def _common(self, args: EdgeArgs, group: pulumi.Output[str], firewall: pulumi.Output[str]) -> dict[str, Any]:
        token = pulumi.Output.concat(names.TOKEN_HEADER, ":", pulumi.Output.secret(args.token))
        return {
            "load_balancing_scheme": _SCHEME,
            "protocol": "HTTPS",
            "backends": [{"group": group}],
            "security_policy": firewall,
            "timeout_sec": CONNECTION_SECONDS,
            "custom_request_headers": [token],
            "custom_response_headers": [f"Strict-Transport-Security:max-age={names.HSTS_SECONDS}; includeSubDomains"],
            "log_config": {"enable": True, "sample_rate": 1.0},
        }
