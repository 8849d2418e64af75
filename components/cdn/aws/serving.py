"""CloudFront itself: what it keeps, what it adds to requests and answers, and what it logs."""

from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import cloudfront, cloudwatch

from components.cdn import names
from components.cdn.arguments import EdgeArgs
from components.cdn.aws import plan

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER: Final = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""Policies that AWS keeps for everyone: nothing is kept; everything of a request is passed on, Host included."""

ORIGIN: Final = "regions"
_ALL_METHODS: Final = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
_READING: Final = ["GET", "HEAD"]
_NONE: Final = {"cookie_behavior": "none"}
_ALL_QUERIES: Final = {"query_string_behavior": "all"}


@dataclass(frozen=True, kw_only=True)
class AwsServingArgs:
    """The edge's arguments, the host that leads to the regions, the certificate and the firewall (ARNs)."""

    edge: EdgeArgs
    steered: pulumi.Input[str]
    certificate: pulumi.Input[str]
    firewall: pulumi.Input[str]


class AwsServing(pulumi.ComponentResource):
    """A distribution: HTTPS from TLS 1.2 on, HTTP/3, cached paths; all else is passed on, WebSockets too.

    Outputs: `hostname` and `zone` (where the domain's alias records point to).
    """

    hostname: pulumi.Output[str]
    zone: pulumi.Output[str]

    def __init__(self, name: str, args: AwsServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsServing", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        distribution = self._distribution(args)
        self._access_log(args.edge.domain, distribution)
        self.hostname = distribution.domain_name
        self.zone = distribution.hosted_zone_id
        self.register_outputs({"hostname": self.hostname})

    def _distribution(self, args: AwsServingArgs) -> cloudfront.Distribution:
        common = self._common(args.edge)
        cached = self._cached()
        return cloudfront.Distribution(
            f"{self._name}-distribution",
            enabled=True,
            comment="Sacred Council",
            tags=names.LABELS,
            aliases=[args.edge.domain],
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class="PriceClass_All",
            web_acl_id=args.firewall,
            origins=[_origin(args)],
            default_cache_behavior={
                **common,
                "allowed_methods": _ALL_METHODS,
                "cache_policy_id": CACHING_DISABLED,
                "origin_request_policy_id": ALL_VIEWER,
            },
            ordered_cache_behaviors=[
                {**common, **cached, "path_pattern": f"{path}*", "allowed_methods": _READING}
                for path in sorted(args.edge.policy.cached_paths)
            ],
            viewer_certificate={
                "acm_certificate_arn": args.certificate,
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
            code=plan.language_function(args.languages),
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
        """What is kept depends on the path and the query alone, so neither cookies nor languages reach the origin."""
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
            tags=names.LABELS,
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


def _origin(args: AwsServingArgs) -> dict[str, Any]:
    token = {"name": names.TOKEN_HEADER, "value": pulumi.Output.secret(args.edge.token)}
    return {
        "origin_id": ORIGIN,
        "domain_name": args.steered,
        "connection_attempts": 2,
        "connection_timeout": 5,
        "custom_headers": [token],
        "custom_origin_config": {
            # CloudFront wants both numbers; HTTP is never used.
            "http_port": 80,
            "https_port": 443,
            "origin_protocol_policy": "https-only",
            "origin_ssl_protocols": ["TLSv1.2"],
            "origin_read_timeout": 60,
            "origin_keepalive_timeout": 60,
        },
    }
