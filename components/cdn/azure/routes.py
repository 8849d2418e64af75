"""What Front Door does with requests: the token, the language, what is kept, and where they go."""

from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import cdn

from components.cdn.arguments import EdgeArgs
from components.cdn.azure import plan
from components.cdn.azure.domain import AzureDomain
from components.cdn.azure.profile import AzureProfile
from components.cdn.languages import language_matches

_CACHING: Final = {
    "query_string_caching_behavior": "UseQueryString",
    "compression_settings": {
        "is_compression_enabled": True,
        "content_types_to_compress": ["application/javascript", "application/json", "image/svg+xml", "text/css"],
    },
}


@dataclass(frozen=True, kw_only=True)
class AzureRoutesArgs:
    """The edge's arguments, Front Door's profile, and the domain with its endpoint."""

    edge: EdgeArgs
    profile: AzureProfile
    domain: AzureDomain


class AzureRoutes(pulumi.ComponentResource):
    """Rules for every request and for languages, a route for what is kept and one for all else."""

    def __init__(self, name: str, args: AzureRoutesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AzureRoutes", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._place = {
            "resource_group_name": args.profile.group,
            "profile_name": args.profile.profile_name,
        }
        every_request = self._rule_set("requests", "Requests")
        languages = self._rule_set("languages", "Languages")
        token = pulumi.Output.secret(args.edge.token)
        ready = [self._rule("every-request", every_request, "EveryRequest", 1, plan.common_actions(token))]
        ready += [
            self._rule(
                f"language-{match.tag}",
                languages,
                plan.rule_name(match.tag),
                plan.rule_order(match.tag),
                [plan.language_action(match.tag)],
                conditions=[plan.language_condition(match)],
            )
            for match in language_matches(args.edge.languages)
        ]
        cached = [f"{path}*" for path in sorted(args.edge.policy.cached_paths)]
        if cached:
            self._route("cached", cached, [every_request], ready, cache_configuration=_CACHING)
        self._route("direct", ["/*"], [every_request, languages], ready)
        self.register_outputs({})

    def _rule_set(self, name: str, called: str) -> cdn.RuleSet:
        # Letters and digits only, which an automatic name is not.
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
        args = self._args
        cdn.Route(
            f"{self._name}-{name}",
            **self._place,
            endpoint_name=args.domain.endpoint_name,
            custom_domains=[{"id": args.domain.domain_id}],
            origin_group={"id": args.profile.origin_group_id},
            rule_sets=[{"id": rule_set.id} for rule_set in rule_sets],
            patterns_to_match=patterns,
            supported_protocols=["Http", "Https"],
            https_redirect="Enabled",
            forwarding_protocol="HttpsOnly",
            # Nobody comes in by Front Door's own host name, around the firewall.
            link_to_default_domain="Disabled",
            enabled_state="Enabled",
            **more,
            # Azure refuses a route whose group has no origin yet.
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[*args.profile.origins, *ready])
            ),
        )
