"""What AWS's firewall and CloudFront's function are told. Pure: no resources."""

import json
from collections.abc import Sequence
from string import Template
from typing import Any, Final

from components.cdn.arguments import EdgePolicy
from components.cdn.languages import language_matches
from components.mesh.across import LANGUAGE_HEADER

MANAGED_RULES: Final = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)

_OBSERVED: Final = {
    # It denies bodies above 8 KiB, which are none too long for an API.
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",),
}

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


def language_function(languages: Sequence[str]) -> str:
    """JavaScript for CloudFront: the tag that a browser prefers of those that regions serve, weights included."""
    tags = {match.exact.lower(): match.tag for match in language_matches(languages)}
    return _FUNCTION.substitute(served=json.dumps(tags, sort_keys=True), header=LANGUAGE_HEADER)


def firewall_rules(policy: EdgePolicy) -> list[dict[str, Any]]:
    """Rules of a web ACL: too many requests of an address, then the managed rules. What none of them stops may pass."""
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
    """Metrics of a rule, and no samples of requests: they would hold what users send."""
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": False}
