"""Allowed regions for data."""

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
        "description": "Allowed cloud regions. Empty: all of the catalogue.",
    },
    "countries": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "Countries (ISO 3166) whose regions are allowed. Empty: all.",
    },
    "allowGlobal": {
        "type": "boolean",
        "default": True,
        "description": "Whether resources without a region, such as a CDN, are allowed.",
    },
}


def regions(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every resource is in an allowed region."""
    provider = plain(args.provider.props) if args.provider else {}
    place = location(args.resource_type, plain(args.props), provider)
    config = configured(args.get_config(), SCHEMA)
    if place is not None and (reason := forbidden(place, config)):
        report(f"{place} {reason}", None)


def forbidden(place: str, config: Config) -> str | None:
    """Why a place is not allowed; None if it is."""
    if place == GLOBAL:
        return None if config["allowGlobal"] else "is global, which is not allowed"
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
    description="Data must stay in the allowed regions and countries.",
    remedy="Choose another region, or allow this one in the pack's configuration.",
    schema=SCHEMA,
    validate=regions,
)
