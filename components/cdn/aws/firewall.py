"""The firewall in front of CloudFront."""

import pulumi
from pulumi_aws import cloudwatch, wafv2

from components.cdn import names
from components.cdn.arguments import EdgeArgs
from components.cdn.aws import plan

UNLOGGED = ("authorization", "cookie")
"""Headers of users that no log may hold."""


class AwsFirewall(pulumi.ComponentResource):
    """AWS WAF with managed rules and a rate limit, and a log of what it stopped.

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
            rules=plan.firewall_rules(args.policy),
            visibility_config=plan.visibility("all"),
            tags=names.LABELS,
            opts=child,
        )
        self.arn = rules.arn
        # AWS takes no other beginning.
        log = cloudwatch.LogGroup(
            f"{name}-log",
            name=f"aws-waf-logs-{args.domain}",
            retention_in_days=names.LOG_DAYS,
            tags=names.LABELS,
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
