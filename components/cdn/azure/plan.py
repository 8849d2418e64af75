"""What Front Door's rules and firewall are told. Pure: no resources.

Actions and conditions have the names of the protocol: they can be of many types, of which the SDK translates none.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from components.cdn import names
from components.cdn.arguments import EdgePolicy
from components.cdn.languages import LanguageMatch
from components.mesh.across import LANGUAGE_HEADER

MANAGED_RULES: Final = (("Microsoft_DefaultRuleSet", "2.1"), ("Microsoft_BotManagerRuleSet", "1.1"))

_PARAMETERS: Final = "DeliveryRuleHeaderActionParameters"
_BAND: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A DNS zone that exists: its resource `group` and its `name`."""

    group: str
    name: str


def existing_zone(zone: str) -> Zone:
    """The zone that `group/name` means; ValueError for anything else."""
    group, slash, name = zone.partition("/")
    if not (group and slash and name) or "/" in name:
        raise ValueError(f"zone: expected a resource group and a zone, such as my-group/example.org, got {zone!r}")
    return Zone(group=group, name=name)


def relative_name(host: str, zone: str) -> str:
    """What `host` is called inside of `zone`; ValueError when it is not part of it."""
    if host == zone:
        return "@"
    if not host.endswith(f".{zone}"):
        raise ValueError(f"zone: {host} is not part of {zone}")
    return host.removesuffix(f".{zone}")


def common_actions(token: pulumi.Input[str]) -> list[dict[str, Any]]:
    """What is done with every request: it gets the token, loses a language that a client chose, and answers HSTS."""
    hsts = f"max-age={names.HSTS_SECONDS}; includeSubDomains"
    return [
        _header("ModifyRequestHeader", names.TOKEN_HEADER, "Overwrite", token),
        _header("ModifyRequestHeader", LANGUAGE_HEADER, "Delete"),
        _header("ModifyResponseHeader", "Strict-Transport-Security", "Overwrite", hsts),
    ]


def language_action(tag: str) -> dict[str, Any]:
    """Tell the regions that `tag` is wanted."""
    return _header("ModifyRequestHeader", LANGUAGE_HEADER, "Overwrite", tag)


def _header(name: str, header: str, action: str, value: pulumi.Input[str] | None = None) -> dict[str, Any]:
    parameters = {"typeName": _PARAMETERS, "headerAction": action, "headerName": header}
    return {"name": name, "parameters": {**parameters, **({"value": value} if value is not None else {})}}


def language_condition(match: LanguageMatch) -> dict[str, Any]:
    """Holds when the browser's first preference is the match's."""
    return {
        "name": "RequestHeader",
        "parameters": {
            "typeName": "DeliveryRuleRequestHeaderConditionParameters",
            "selector": "Accept-Language",
            "operator": "RegEx",
            # Tags have letters, digits and hyphens: nothing that is special in an expression.
            "matchValues": [f"^{match.exact}$".lower(), *(f"^{prefix}".lower() for prefix in match.prefixes)],
            "transforms": ["Lowercase"],
        },
    }


def rule_name(tag: str) -> str:
    """The rule for a tag: Front Door takes letters and digits only."""
    return "Language" + re.sub("[^A-Za-z0-9]", "", tag.title())


def rule_order(tag: str) -> int:
    """When the rule for a tag is looked at: longer tags first, and never another number because of other tags."""
    return 1000 + (2 - min(tag.count("-"), 2)) * _BAND + zlib.crc32(tag.encode()) % _BAND


def rate_limit_rule(policy: EdgePolicy) -> dict[str, Any]:
    """The custom rule that limits requests of an address in a minute."""
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
    """Rules that Microsoft keeps."""
    return [
        {"rule_set_type": kind, "rule_set_version": version, "rule_set_action": "Block"}
        for kind, version in MANAGED_RULES
    ]
