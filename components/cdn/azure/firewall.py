"""The firewall in front of Front Door's domain."""

import pulumi
from pulumi_azure_native import frontdoor

from components.cdn import names
from components.cdn.arguments import EdgeArgs
from components.cdn.azure import plan


class AzureFirewall(pulumi.ComponentResource):
    """A policy with managed rules and a rate limit.

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
            # Letters and digits only, which an automatic name is not.
            policy_name="edge",
            location="global",
            tags=names.LABELS,
            sku={"name": "Premium_AzureFrontDoor"},
            policy_settings={
                "enabled_state": "Enabled",
                "mode": "Prevention" if args.policy.waf == "block" else "Detection",
                "request_body_check": "Enabled",
            },
            custom_rules={"rules": [plan.rate_limit_rule(args.policy)]},
            managed_rules={"managed_rule_sets": plan.managed_rule_sets()},
            opts=pulumi.ResourceOptions(parent=self),
        ).id
        self.register_outputs({"policy_id": self.policy_id})
