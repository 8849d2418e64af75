"""Carbon: how dirty the electricity of a region may be."""

from typing import Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.places import location
from policy.rule import Rule, Schema, configured
from policy.values import plain
from stacks import geography

SCHEMA: Final[Schema] = {
    "gramsPerKwh": {
        "type": "number",
        "default": 500,
        "minimum": 0,
        "description": "Highest allowed g CO2eq per kWh of a region's grid, as a yearly average.",
    }
}

CLUSTERS: Final = (
    "gcp:container/cluster:Cluster",
    "aws:eks/cluster:Cluster",
    "azure-native:containerservice:ManagedCluster",
)
"""Each region is checked once, at its cluster. Regions with an unknown grid are skipped."""


def carbon(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """A region's electricity is clean enough."""
    if args.resource_type not in CLUSTERS:
        return
    provider = plain(args.provider.props) if args.provider else {}
    known = geography.lookup(location(args.resource_type, plain(args.props), provider) or "")
    most = configured(args.get_config(), SCHEMA)["gramsPerKwh"]
    if known and known.carbon and known.carbon.grams_per_kwh > most:
        grid = known.carbon
        report(
            f"{known.name} draws on grid {grid.grid} with {grid.grams_per_kwh} g CO2eq per kWh "
            f"({grid.year}), more than {most:g}",
            None,
        )


RULE: Final = Rule(
    name="carbon-intensity",
    description="Regions should draw on electricity with little carbon.",
    remedy="Choose a region with a cleaner grid: stacks/geography/carbon.py lists the figures.",
    level="advisory",
    schema=SCHEMA,
    validate=carbon,
)
