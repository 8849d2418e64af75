"""Google's load balancer: its public front, its backends, its routes, and the firewall."""

from collections.abc import Sequence
from typing import Any, Final

import pulumi
from pulumi_gcp import compute

from components.cdn import names
from components.cdn.edge import EdgeArgs, EdgePolicy
from components.cdn.languages import language_matches
from components.metadata import CLOUD_LABELS

CONNECTION_SECONDS: Final = 3600
"""Maximum duration of an answer, and so of a WebSocket."""

MANAGED_RULES: Final = ("sqli", "xss", "lfi", "rfi", "rce", "scannerdetection", "protocolattack", "sessionfixation")
"""Google's OWASP core rule set 3.3, at the least sensitive level, for few false alarms."""

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
_LAST_PRIORITY: Final = 2147483647
_EVERYTHING: Final = "/"


class GcpServing(pulumi.ComponentResource):
    """The regions behind the firewall: two backend services on the steered host, which leads to the nearest region.

    Outputs: `cached` (ID of the backend service that caches answers), `direct` (ID of the one that never does).
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
        # Known once the group has its endpoint, because a backend service without one would serve errors.
        return pulumi.Output.all(group.id, endpoint.id).apply(lambda ids: str(ids[0]))

    def _firewall(self, name: str, args: EdgeArgs) -> pulumi.Output[str]:
        rules = compute.SecurityPolicy(
            f"{name}-firewall",
            description="Sacred Council: managed rules and rate limit",
            type="CLOUD_ARMOR",
            rules=firewall_rules(args.policy),
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


class GcpFront(pulumi.ComponentResource):
    """One anycast address with HTTPS, and HTTP that only redirects there.

    HTTPS needs TLS 1.2 or newer, and uses post-quantum key exchange if the browser supports it.
    `routes` is the URL map's ID, and `certificate_map` the name for target proxies.

    Outputs: `address`.
    """

    address: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        routes: pulumi.Input[str],
        certificate_map: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cdn:GcpFront", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.address = compute.GlobalAddress(f"{name}-address", labels=CLOUD_LABELS, opts=self._child).address
        ciphers = compute.SSLPolicy(
            f"{name}-ciphers",
            profile="RESTRICTED",
            min_tls_version="TLS_1_2",
            post_quantum_key_exchange="ENABLED",
            opts=self._child,
        )
        secure = compute.TargetHttpsProxy(
            f"{name}-https",
            url_map=routes,
            certificate_map=certificate_map,
            ssl_policy=ciphers.id,
            quic_override="ENABLE",
            opts=self._child,
        )
        redirect = compute.URLMap(
            f"{name}-redirect",
            default_url_redirect={
                "https_redirect": True,
                "redirect_response_code": "MOVED_PERMANENTLY_DEFAULT",
                "strip_query": False,
            },
            opts=self._child,
        )
        plain = compute.TargetHttpProxy(f"{name}-http", url_map=redirect.id, opts=self._child)
        self._rule(f"{name}-https-rule", "443", secure.id)
        self._rule(f"{name}-http-rule", "80", plain.id)
        self.register_outputs({"address": self.address})

    def _rule(self, name: str, port: str, target: pulumi.Input[str]) -> None:
        compute.GlobalForwardingRule(
            name,
            ip_address=self.address,
            port_range=port,
            target=target,
            load_balancing_scheme=_SCHEME,
            opts=self._child,
        )


def firewall_rules(policy: EdgePolicy) -> list[dict[str, Any]]:
    """Return the rules of a Cloud Armor policy: deny attacks, limit requests per address, and allow the rest.

    The limit comes after the managed rules, because it admits requests within the limit at once.
    """
    preview = policy.waf == "observe"
    managed = [
        {
            "priority": 1000 + 10 * position,
            "action": "deny(403)",
            "preview": preview,
            "description": f"managed rules: {rules}",
            "match": {"expr": {"expression": f"evaluatePreconfiguredWaf('{rules}-v33-stable', {{'sensitivity': 1}})"}},
        }
        for position, rules in enumerate(MANAGED_RULES)
    ]
    limit = {
        "priority": 9000,
        "action": "throttle",
        "preview": preview,
        "description": "requests of one address in a minute",
        "match": _anyone(),
        "rate_limit_options": {
            "conform_action": "allow",
            "exceed_action": "deny(429)",
            "enforce_on_key": "IP",
            "rate_limit_threshold": {"count": policy.rate_limit, "interval_sec": 60},
        },
    }
    rest = {"priority": _LAST_PRIORITY, "action": "allow", "description": "everything else", "match": _anyone()}
    return [*managed, limit, rest]


def _anyone() -> dict[str, Any]:
    return {"versioned_expr": "SRC_IPS_V1", "config": {"src_ip_ranges": ["*"]}}


def route_rules(
    *, cached_paths: Sequence[str], languages: Sequence[str], cached: pulumi.Input[str], direct: pulumi.Input[str]
) -> list[dict[str, Any]]:
    """Return the URL map's rules in order of match: cached paths, one rule per language, then everything.

    No rule forwards a language header that the client sent.
    """
    without_language = {"request_headers_to_removes": [names.LANGUAGE_HEADER]}
    keep: dict[str, Any] = {
        "match_rules": [{"prefix_match": path} for path in sorted(cached_paths)],
        "service": cached,
        "header_action": without_language,
    }
    by_language: list[dict[str, Any]] = [
        {
            "match_rules": [_prefers("prefix_match", prefix) for prefix in match.prefixes]
            + [_prefers("exact_match", match.exact)],
            "service": direct,
            "header_action": {
                "request_headers_to_adds": [
                    {"header_name": names.LANGUAGE_HEADER, "header_value": match.tag, "replace": True}
                ]
            },
        }
        for match in language_matches(languages)
    ]
    rest: dict[str, Any] = {
        "match_rules": [{"prefix_match": _EVERYTHING}],
        "service": direct,
        "header_action": without_language,
    }
    rules = [*([keep] if cached_paths else []), *by_language, rest]
    return [{"priority": place, **rule} for place, rule in enumerate(rules, 1)]


def _prefers(how: str, text: str) -> dict[str, Any]:
    return {"prefix_match": _EVERYTHING, "header_matches": [{"header_name": "accept-language", how: text}]}
