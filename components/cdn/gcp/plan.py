"""What Google's load balancer, firewall and DNS are told. Pure: no resources."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from components.cdn.arguments import EdgePolicy, Origin
from components.cdn.languages import language_matches
from components.mesh.across import LANGUAGE_HEADER

MANAGED_RULES: Final = ("sqli", "xss", "lfi", "rfi", "rce", "scannerdetection", "protocolattack", "sessionfixation")
"""Rules of the OWASP core rule set 3.3 that Google keeps, at their least sensitive level: few false alarms."""

_LAST_PRIORITY: Final = 2147483647
_EVERYTHING: Final = "/"


def firewall_rules(policy: EdgePolicy) -> list[dict[str, Any]]:
    """Rules of a Cloud Armor policy: attacks are denied, then too many requests of an address, and the rest may pass.

    The limit comes after the managed rules, because what is within it is let through at once.
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
    """Rules of the URL map, first fit: paths that are `cached`, then a rule per language, then everything.

    A language header that a client sends itself is never passed on.
    """
    without_language = {"request_headers_to_removes": [LANGUAGE_HEADER]}
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
                    {"header_name": LANGUAGE_HEADER, "header_value": match.tag, "replace": True}
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


def steering(origins: Sequence[Origin], locations: Mapping[str, str]) -> list[dict[str, Any]]:
    """Items of a geo routing policy: the addresses of the open origins at each of Google's locations.

    Cloud DNS knows its own regions only: `locations` says which of them is nearest to each origin. In a signed zone it
    would refuse items with several addresses.
    """
    at: dict[str, list[pulumi.Input[str]]] = {}
    for origin in sorted((one for one in origins if one.open), key=lambda one: one.region):
        at.setdefault(locations[origin.region], []).extend(origin.addresses)
    return [
        {"location": location, "health_checked_targets": {"external_endpoints": addresses}}
        for location, addresses in sorted(at.items())
    ]
