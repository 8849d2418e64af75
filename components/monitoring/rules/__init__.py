"""Everything Prometheus records and alerts on. Pure: no resources."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.context import RegionLabels
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.alerts import alerts
from components.monitoring.rules.emergence import emergence_rules
from components.monitoring.rules.model import Rules
from components.monitoring.rules.objectives import objective_rules
from components.monitoring.rules.places import place_rules
from components.monitoring.rules.prices import price_rules
from components.monitoring.rules.regions import region_rules


def rule_groups(
    targets: MonitoringTargets,
    labels: RegionLabels,
    *,
    runbooks: str,
    machine_prices: Mapping[str, float] | None = None,
    others: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The groups of a PrometheusRule.

    `runbooks` is where the runbooks are, a URL or a path. `machine_prices` are USD a month by type of machine. `others`
    are the regions that can be asked besides this one.
    """
    groups: dict[str, Rules] = {
        **alerts(targets),
        "objectives": objective_rules(targets),
        "places": place_rules(targets, labels),
        "emergence": emergence_rules(targets),
        "prices": price_rules(machine_prices or {}),
        "regions": region_rules(targets, others),
    }
    return [
        {"name": f"sacred-council-{name}", "rules": [rule.rule(runbooks) for rule in rules]}
        for name, rules in groups.items()
        if rules
    ]


def rules_file(
    targets: MonitoringTargets,
    labels: RegionLabels,
    *,
    runbooks: str,
    machine_prices: Mapping[str, float] | None = None,
    others: Sequence[str] = (),
) -> str:
    """A rules file as Prometheus and promtool read it (JSON, which is YAML, too)."""
    groups = rule_groups(targets, labels, runbooks=runbooks, machine_prices=machine_prices, others=others)
    return json.dumps({"groups": groups}, indent=2) + "\n"


__all__ = ["rule_groups", "rules_file"]
