"""CloudFront: caching, headers of requests and answers, logs, and the firewall in front of it."""

import json
from collections.abc import Sequence
from string import Template
from typing import Any, Final

import pulumi
from pulumi_aws import cloudfront, cloudwatch, wafv2

from components.cdn import names
from components.cdn.edge import EdgeArgs, EdgePolicy
from components.cdn.languages import language_matches
from components.metadata import CLOUD_LABELS

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER: Final = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""AWS's managed policies: the first caches nothing, and this one forwards the whole request, including Host."""

ORIGIN: Final = "regions"

UNLOGGED: Final = ("authorization", "cookie")
"""Request headers that no log may contain."""

MANAGED_RULES: Final = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)

_OBSERVED: Final = {
    # It denies bodies above 8 KiB, which an API may need.
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",),
}

_ALL_METHODS: Final = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
_READING: Final = ["GET", "HEAD"]
_NONE: Final = {"cookie_behavior": "none"}
_ALL_QUERIES: Final = {"query_string_behavior": "all"}

_FUNCTION: Final = Template("""\
var SERVED = $served;

function handler(event) {
    var request = event.request;
    // Only the edge says which language it is: what a client sends is dropped.
    delete request.headers['$header'];
    var given = request.headers['accept-language'];
    var tag = given ? best(given.value) : '';
    if (tag) {
        request.headers['$header'] = { value: tag };
    }
    return request;
}

function best(preferences) {
    var found = '';
    var most = 0;
    preferences.split(',').slice(0, 32).forEach(function (preference) {
        var parts = preference.trim().toLowerCase().split(';');
        var weight = parts.length > 1 ? parseFloat(parts[1].trim().replace('q=', '')) : 1;
        var tag = served(parts[0].trim());
        if (tag && weight > most) {
            found = tag;
            most = weight;
        }
    });
    return found;
}

function served(wanted) {
    while (wanted) {
        if (Object.prototype.hasOwnProperty.call(SERVED, wanted)) {
            return SERVED[wanted];
        }
        wanted = wanted.slice(0, Math.max(wanted.lastIndexOf('-'), 0));
    }
    return '';
}
""")


class AwsServing(pulumi.ComponentResource):
    """A distribution with HTTPS (TLS 1.2 or newer), HTTP/3 and cached paths. It forwards all else, also WebSockets.

    `steered` is the host that leads to the regions. `certificate` and `firewall` are ARNs.

    Outputs: `hostname` and `zone` (targets of the domain's alias records).
    """

    hostname: pulumi.Output[str]
    zone: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        *,
        steered: pulumi.Input[str],
        certificate: pulumi.Input[str],
        firewall: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cdn:AwsServing", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        distribution = self._distribution(args, _origin(args, steered), certificate, firewall)
        self._access_log(args.domain, distribution)
        self.hostname = distribution.domain_name
        self.zone = distribution.hosted_zone_id
        self.register_outputs({"hostname": self.hostname})

    def _distribution(
        self, args: EdgeArgs, origin: dict[str, Any], certificate: pulumi.Input[str], firewall: pulumi.Input[str]
    ) -> cloudfront.Distribution:
        common = self._common(args)
        cached = self._cached()
        return cloudfront.Distribution(
            f"{self._name}-distribution",
            enabled=True,
            comment="Sacred Council",
            tags=CLOUD_LABELS,
            aliases=[args.domain],
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class="PriceClass_All",
            web_acl_id=firewall,
            origins=[origin],
            default_cache_behavior={
                **common,
                "allowed_methods": _ALL_METHODS,
                "cache_policy_id": CACHING_DISABLED,
                "origin_request_policy_id": ALL_VIEWER,
            },
            ordered_cache_behaviors=[
                {**common, **cached, "path_pattern": f"{path}*", "allowed_methods": _READING}
                for path in sorted(args.policy.cached_paths)
            ],
            viewer_certificate={
                "acm_certificate_arn": certificate,
                "ssl_support_method": "sni-only",
                "minimum_protocol_version": "TLSv1.2_2021",
            },
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            opts=self._child,
        )

    def _common(self, args: EdgeArgs) -> dict[str, Any]:
        language = cloudfront.Function(
            f"{self._name}-language",
            runtime="cloudfront-js-2.0",
            comment="One language tag of a browser's preferences",
            code=language_function(args.languages),
            publish=True,
            opts=self._child,
        )
        answers = cloudfront.ResponseHeadersPolicy(
            f"{self._name}-answers",
            comment="HTTPS only, for a year",
            security_headers_config={
                "strict_transport_security": {
                    "access_control_max_age_sec": names.HSTS_SECONDS,
                    "include_subdomains": True,
                    "override": True,
                }
            },
            opts=self._child,
        )
        return {
            "target_origin_id": ORIGIN,
            "viewer_protocol_policy": "redirect-to-https",
            "cached_methods": _READING,
            "compress": True,
            "response_headers_policy_id": answers.id,
            "function_associations": [{"event_type": "viewer-request", "function_arn": language.arn}],
        }

    def _cached(self) -> dict[str, Any]:
        """Cache by path and query only. So neither cookies nor languages reach the origin."""
        keeping = cloudfront.CachePolicy(
            f"{self._name}-cached",
            comment="What the origin says, an hour if it says nothing, a day at most",
            min_ttl=0,
            default_ttl=3600,
            max_ttl=24 * 3600,
            parameters_in_cache_key_and_forwarded_to_origin={
                "cookies_config": _NONE,
                "headers_config": {"header_behavior": "none"},
                "query_strings_config": _ALL_QUERIES,
                "enable_accept_encoding_brotli": True,
                "enable_accept_encoding_gzip": True,
            },
            opts=self._child,
        )
        asking = cloudfront.OriginRequestPolicy(
            f"{self._name}-cached-requests",
            comment="The host that users asked for, and no cookies",
            cookies_config=_NONE,
            headers_config={"header_behavior": "whitelist", "headers": {"items": ["Host"]}},
            query_strings_config=_ALL_QUERIES,
            opts=self._child,
        )
        return {"cache_policy_id": keeping.id, "origin_request_policy_id": asking.id}

    def _access_log(self, domain: str, distribution: cloudfront.Distribution) -> None:
        log = cloudwatch.LogGroup(
            f"{self._name}-log",
            name=f"/aws/vendedlogs/cloudfront/{domain}",
            retention_in_days=names.LOG_DAYS,
            tags=CLOUD_LABELS,
            opts=self._child,
        )
        source = cloudwatch.LogDeliverySource(
            f"{self._name}-log-source", log_type="ACCESS_LOGS", resource_arn=distribution.arn, opts=self._child
        )
        destination = cloudwatch.LogDeliveryDestination(
            f"{self._name}-log-destination",
            delivery_destination_configuration={"destination_resource_arn": log.arn},
            output_format="json",
            opts=self._child,
        )
        cloudwatch.LogDelivery(
            f"{self._name}-log-delivery",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            opts=self._child,
        )


def _origin(args: EdgeArgs, steered: pulumi.Input[str]) -> dict[str, Any]:
    token = {"name": names.TOKEN_HEADER, "value": pulumi.Output.secret(args.token)}
    return {
        "origin_id": ORIGIN,
        "domain_name": steered,
        "connection_attempts": 2,
        "connection_timeout": 5,
        "custom_headers": [token],
        "custom_origin_config": {
            # CloudFront requires both ports. HTTP is never used.
            "http_port": 80,
            "https_port": 443,
            "origin_protocol_policy": "https-only",
            "origin_ssl_protocols": ["TLSv1.2"],
            "origin_read_timeout": 60,
            "origin_keepalive_timeout": 60,
        },
    }


def language_function(languages: Sequence[str]) -> str:
    """Return CloudFront's JavaScript that picks the browser's preferred tag among those served, using the weights."""
    tags = {match.exact.lower(): match.tag for match in language_matches(languages)}
    return _FUNCTION.substitute(served=json.dumps(tags, sort_keys=True), header=names.LANGUAGE_HEADER)


class AwsFirewall(pulumi.ComponentResource):
    """AWS WAF in front of CloudFront, with managed rules, a rate limit, and a log of blocked requests.

    Outputs: `arn`.
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsFirewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        rules = wafv2.WebAcl(
            f"{name}-rules",
            scope="CLOUDFRONT",
            description="Sacred Council: managed rules and rate limit",
            default_action={"allow": {}},
            rules=firewall_rules(args.policy),
            visibility_config=visibility("all"),
            tags=CLOUD_LABELS,
            opts=child,
        )
        self.arn = rules.arn
        # AWS requires this prefix of the name.
        log = cloudwatch.LogGroup(
            f"{name}-log",
            name=f"aws-waf-logs-{args.domain}",
            retention_in_days=names.LOG_DAYS,
            tags=CLOUD_LABELS,
            opts=child,
        )
        wafv2.WebAclLoggingConfiguration(
            f"{name}-logging",
            resource_arn=rules.arn,
            log_destination_configs=[log.arn],
            redacted_fields=[{"single_header": {"name": header}} for header in UNLOGGED],
            opts=child,
        )
        self.register_outputs({"arn": self.arn})


def firewall_rules(policy: EdgePolicy) -> list[dict[str, Any]]:
    """Return the rules of a web ACL: the rate limit per address, then the managed rules. All else passes."""
    observe = policy.waf == "observe"
    limit = {
        "name": "rate-limit",
        "priority": 0,
        "action": {"count": {}} if observe else {"block": {"custom_response": {"response_code": 429}}},
        "statement": {
            "rate_based_statement": {
                "aggregate_key_type": "IP",
                "evaluation_window_sec": 60,
                "limit": policy.rate_limit,
            }
        },
        "visibility_config": visibility("rate-limit"),
    }
    managed = [
        {
            "name": rules,
            "priority": place,
            "override_action": {"count": {}} if observe else {"none": {}},
            "statement": {"managed_rule_group_statement": _managed(rules)},
            "visibility_config": visibility(rules),
        }
        for place, rules in enumerate(MANAGED_RULES, 1)
    ]
    return [limit, *managed]


def _managed(rules: str) -> dict[str, Any]:
    observed = [{"name": rule, "action_to_use": {"count": {}}} for rule in _OBSERVED.get(rules, ())]
    return {"vendor_name": "AWS", "name": rules, **({"rule_action_overrides": observed} if observed else {})}


def visibility(metric: str) -> dict[str, Any]:
    """Return a rule's metrics settings, without samples of requests, which would store users' data."""
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": False}
