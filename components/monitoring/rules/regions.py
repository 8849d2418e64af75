"""Rules about the other regions, as this region sees them. Pure."""

from collections.abc import Sequence
from typing import Final

from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Alert, Recording, Rules

KNOWN: Final = "peer:known:info"
"""1 for each other region, named in the label `peer`."""

COMING_UP: Final = "45m"
"""Time limit for a new region. The others know its name before its cluster exists."""


def region_rules(targets: MonitoringTargets, others: Sequence[str]) -> Rules:
    """Record which regions should exist, and alert when the metrics of one cannot be read. Empty for a single region.

    A region that is down cannot report so itself.
    Thanos writes all labels of a store into one label, formatted like a selector.
    """
    if not others:
        return []
    stores = f'thanos_store_nodes_grpc_connections{{namespace="{targets.monitoring}"}} > 0'
    seen = f'label_replace({stores}, "peer", "$1", "external_labels", ".*region=\\"([^\\"]*)\\".*")'
    known = [Recording(record=KNOWN, expr="vector(1)", labels={"peer": region}) for region in sorted(others)]
    unseen = Alert(
        name="RegionNotSeen",
        expr=f"({KNOWN} and {KNOWN} offset {COMING_UP}) unless on (peer) {seen}",
        wait="10m",
        severity="critical",
        summary="The metrics of region {{ $labels.peer }} cannot be read",
        description=(
            "For 10 minutes its Prometheus has not answered this region, and it is no new region. It may be down as a "
            "whole, or the way to its monitoring is: then only dashboards of all regions lack it."
        ),
        runbook="region-not-seen",
    )
    return [*known, unseen]
