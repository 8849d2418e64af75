"""Allowed regions: where data may be."""

from typing import Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.places import GLOBAL, location
from policy.rule import Config, Rule, Schema, configured
from policy.values import plain
from stacks import geography

SCHEMA: Final[Schema] = {
    "regions": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "Regions of clouds that are allowed; none named: all of the catalogue.",
    },
    "countries": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "Countries (ISO 3166) whose regions are allowed; none named: all.",
    },
    "allowGlobal": {
        "type": "boolean",
        "default": True,
        "description": "Whether resources may be in no region at all, as content delivery is.",
    },
}


def regions(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Everything is in a region where it may be."""
    provider = plain(args.provider.props) if args.provider else {}
    place = location(args.resource_type, plain(args.props), provider)
    config = configured(args.get_config(), SCHEMA)
    if place is not None and (reason := forbidden(place, config)):
        report(f"{place} {reason}", None)


def forbidden(place: str, config: Config) -> str | None:
    """Why nothing may be in a place; None when it may."""
    if place == GLOBAL:
        return None if config["allowGlobal"] else "is everywhere, which is not allowed"
    known = geography.lookup(place)
    if config["regions"] and place not in config["regions"]:
        return f"is not one of the allowed regions: {', '.join(config['regions'])}"
    if not config["regions"] and known is None:
        return "is not in the catalogue of regions"
    if config["countries"] and (known is None or known.place.country not in config["countries"]):
        return f"is in none of the allowed countries: {', '.join(config['countries'])}"
    return None


RULE: Final = Rule(
    name="allowed-regions",
    description="Data must stay in the regions and countries that are allowed.",
    remedy="Choose another region, or allow this one in the pack's configuration.",
    schema=SCHEMA,
    validate=regions,
)
