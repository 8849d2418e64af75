"""Front Door's treatment of requests: firewall, token, language, caching and routes.

Actions and conditions use the names of Azure's protocol, because the SDK does not translate these union types.
"""

import re
import zlib
from typing import Any, Final

import pulumi
from pulumi_azure_native import cdn, frontdoor

from components.cdn import names
from components.cdn.azure.profile import AzureDomain, AzureProfile
from components.cdn.edge import EdgeArgs, EdgePolicy
from components.cdn.languages import LanguageMatch, language_matches
from components.metadata import CLOUD_LABELS

MANAGED_RULES: Final = (("Microsoft_DefaultRuleSet", "2.1"), ("Microsoft_BotManagerRuleSet", "1.1"))

_PARAMETERS: Final = "DeliveryRuleHeaderActionParameters"
_BAND: Final = 1_000_000

_CACHING: Final = {
    "query_string_caching_behavior": "UseQueryString",
    "compression_settings": {
        "is_compression_enabled": True,
        "content_types_to_compress": ["application/javascript", "application/json", "image/svg+xml", "text/css"],
    },
}


class AzureRoutes(pulumi.ComponentResource):
    """Rules for all requests and for languages, one route for cached paths, and one for all else."""

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        profile: AzureProfile,
        domain: AzureDomain,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cdn:AzureRoutes", name, None, opts)
        self._name = name
        self._profile, self._domain = profile, domain
        self._child = pulumi.ResourceOptions(parent=self)
        self._place = {"resource_group_name": profile.group, "profile_name": profile.profile_name}
        every_request = self._rule_set("requests", "Requests")
        languages = self._rule_set("languages", "Languages")
        token = pulumi.Output.secret(args.token)
        ready = [self._rule("every-request", every_request, "EveryRequest", 1, common_actions(token))]
        ready += [
            self._rule(
                f"language-{match.tag}",
                languages,
                rule_name(match.tag),
                rule_order(match.tag),
                [language_action(match.tag)],
                conditions=[language_condition(match)],
            )
            for match in language_matches(args.languages)
        ]
        cached = [f"{path}*" for path in sorted(args.policy.cached_paths)]
        if cached:
            self._route("cached", cached, [every_request], ready, cache_configuration=_CACHING)
        self._route("direct", ["/*"], [every_request, languages], ready)
        self.register_outputs({})

    def _rule_set(self, name: str, called: str) -> cdn.RuleSet:
        # Only letters and digits, which an automatic name would not be.
        return cdn.RuleSet(f"{self._name}-{name}", rule_set_name=called, **self._place, opts=self._child)

    def _rule(
        self,
        name: str,
        rule_set: cdn.RuleSet,
        called: str,
        order: int,
        actions: list[dict[str, Any]],
        conditions: list[dict[str, Any]] | None = None,
    ) -> cdn.Rule:
        return cdn.Rule(
            f"{self._name}-{name}",
            **self._place,
            rule_set_name=rule_set.name,
            rule_name=called,
            order=order,
            conditions=conditions or [],
            actions=actions,
            match_processing_behavior="Stop" if conditions else "Continue",
            opts=self._child,
        )

    def _route(
        self, name: str, patterns: list[str], rule_sets: list[cdn.RuleSet], ready: list[cdn.Rule], **more: Any
    ) -> None:
        cdn.Route(
            f"{self._name}-{name}",
            **self._place,
            endpoint_name=self._domain.endpoint_name,
            custom_domains=[{"id": self._domain.domain_id}],
            origin_group={"id": self._profile.origin_group_id},
            rule_sets=[{"id": rule_set.id} for rule_set in rule_sets],
            patterns_to_match=patterns,
            supported_protocols=["Http", "Https"],
            https_redirect="Enabled",
            forwarding_protocol="HttpsOnly",
            # Close Front Door's own host name, which would bypass the firewall.
            link_to_default_domain="Disabled",
            enabled_state="Enabled",
            **more,
            # Azure refuses a route whose group has no origin yet.
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[*self._profile.origins, *ready])
            ),
        )


class AzureFirewall(pulumi.ComponentResource):
    """The firewall in front of the domain: a policy with managed rules and a rate limit.

    Outputs: `policy_id`.
    """

    policy_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: EdgeArgs, group: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cdn:AzureFirewall", name, None, opts)
        self.policy_id = frontdoor.Policy(
            f"{name}-policy",
            resource_group_name=group,
            # Only letters and digits, which an automatic name would not be.
            policy_name="edge",
            location="global",
            tags=CLOUD_LABELS,
            sku={"name": "Premium_AzureFrontDoor"},
            policy_settings={
                "enabled_state": "Enabled",
                "mode": "Prevention" if args.policy.waf == "block" else "Detection",
                "request_body_check": "Enabled",
            },
            custom_rules={"rules": [rate_limit_rule(args.policy)]},
            managed_rules={"managed_rule_sets": managed_rule_sets()},
            opts=pulumi.ResourceOptions(parent=self),
        ).id
        self.register_outputs({"policy_id": self.policy_id})


def common_actions(token: pulumi.Input[str]) -> list[dict[str, Any]]:
    """Actions for every request: add the token, remove the client's language header, and answer with HSTS."""
    hsts = f"max-age={names.HSTS_SECONDS}; includeSubDomains"
    return [
        _header("ModifyRequestHeader", names.TOKEN_HEADER, "Overwrite", token),
        _header("ModifyRequestHeader", names.LANGUAGE_HEADER, "Delete"),
        _header("ModifyResponseHeader", "Strict-Transport-Security", "Overwrite", hsts),
    ]


def language_action(tag: str) -> dict[str, Any]:
    """Tell the regions that the user wants `tag`."""
    return _header("ModifyRequestHeader", names.LANGUAGE_HEADER, "Overwrite", tag)


def _header(name: str, header: str, action: str, value: pulumi.Input[str] | None = None) -> dict[str, Any]:
    parameters = {"typeName": _PARAMETERS, "headerAction": action, "headerName": header}
    return {"name": name, "parameters": {**parameters, **({"value": value} if value is not None else {})}}


def language_condition(match: LanguageMatch) -> dict[str, Any]:
    """Match requests whose first language preference is that of `match`."""
    return {
        "name": "RequestHeader",
        "parameters": {
            "typeName": "DeliveryRuleRequestHeaderConditionParameters",
            "selector": "Accept-Language",
            "operator": "RegEx",
            # Tags have only letters, digits and hyphens, so the expression needs no escaping.
            "matchValues": [f"^{match.exact}$".lower(), *(f"^{prefix}".lower() for prefix in match.prefixes)],
            "transforms": ["Lowercase"],
        },
    }


def rule_name(tag: str) -> str:
    """Return the rule's name for a tag. Front Door accepts only letters and digits."""
    return "Language" + re.sub("[^A-Za-z0-9]", "", tag.title())


def rule_order(tag: str) -> int:
    """Return the rule's order: longer tags first. It depends only on the tag, so other tags never change it."""
    return 1000 + (2 - min(tag.count("-"), 2)) * _BAND + zlib.crc32(tag.encode()) % _BAND


def rate_limit_rule(policy: EdgePolicy) -> dict[str, Any]:
    """The custom rule that limits requests per address and minute."""
    return {
        "name": "RateLimit",
        "priority": 100,
        "rule_type": "RateLimitRule",
        "rate_limit_duration_in_minutes": 1,
        "rate_limit_threshold": policy.rate_limit,
        "match_conditions": [
            {"match_variable": "RemoteAddr", "operator": "IPMatch", "match_value": ["0.0.0.0/0", "::/0"]}
        ],
        "action": "Block",
        "enabled_state": "Enabled",
    }


def managed_rule_sets() -> list[dict[str, str]]:
    """Rule sets that Microsoft maintains."""
    return [
        {"rule_set_type": kind, "rule_set_version": version, "rule_set_action": "Block"}
        for kind, version in MANAGED_RULES
    ]
